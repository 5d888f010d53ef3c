"""« Mon compte »: the pages where people look after their own account. Pages only: the rules are in accounts and signin."""
