"""What people may do and where: structures, roles, habilitations of two years at most, and the mapping to rights."""
