"""The ephemeral store: everything that dies by itself, in SQLite or Redis, one atomic step per operation."""
