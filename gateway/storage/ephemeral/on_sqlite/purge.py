"""Removes what has expired, a few rows at a time so that no writer waits long. What is spooled never expires."""

from gateway.storage.ephemeral.on_sqlite.database import Database

_BATCH = 500
_ENDS = {
    "transactions": "expires_at",
    "sessions": "absolute_end",
    "codes": "kept_until",
    "grants": "expires_at",
    "silenced": "ends_at",
    "pushed_requests": "expires_at",
    "used_proofs": "ends_at",
    "passkey_challenges": "expires_at",
    "challenges": "kept_until",
    "failures": "expires_at",
    "windows": "ends_at",
    "failed_identifiers": "ends_at",
    "spray_origins": "ends_at",
    "sms_sends": "ends_at",
}


def purge(database: Database, now: float) -> int:
    """How many rows it removed."""
    removed = 0
    for table, end in _ENDS.items():
        statement = f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE {end} <= ? LIMIT {_BATCH:d})"  # noqa: S608
        batch = _BATCH
        while batch == _BATCH:
            with database.step() as step:
                batch = step.run(statement, now)
            removed += batch
    return removed
