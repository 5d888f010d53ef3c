"""The durable store: SQLite by default, PostgreSQL when one machine is not enough."""

from gateway.storage.sql.database import Database, StoreUnavailableError

__all__ = ["Database", "StoreUnavailableError"]
