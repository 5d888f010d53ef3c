"""The durable store: SQLite by default, PostgreSQL when one machine is not enough."""
