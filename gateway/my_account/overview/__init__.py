"""The first page of « Mon compte »."""
