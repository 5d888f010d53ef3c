"""Adapters that keep things: durable in SQL, ephemeral in SQLite or Redis (ARCHITECTURE §4)."""
