"""/equipe."""
