"""The ephemeral store: what dies by itself, in SQLite or in Redis, one atomic step per intent (ARCHITECTURE §4)."""

from gateway.storage.ephemeral.store import EphemeralStore, open_ephemeral
from gateway.storage.ephemeral.unavailable import EphemeralStoreUnavailableError, RecordExistsError

__all__ = ["EphemeralStore", "EphemeralStoreUnavailableError", "RecordExistsError", "open_ephemeral"]
