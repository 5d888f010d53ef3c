"""Readers of outside directories: role and structure files of the ROR's account module."""
