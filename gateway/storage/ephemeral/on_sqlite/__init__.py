"""The ephemeral store in one SQLite file, its own: the default, for one machine."""
