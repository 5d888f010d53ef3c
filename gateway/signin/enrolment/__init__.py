"""First access and lost password: one-time links."""
