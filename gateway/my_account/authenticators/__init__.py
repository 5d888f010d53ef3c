"""The page of the authenticators: applications that show codes, and the sheet of recovery codes."""
