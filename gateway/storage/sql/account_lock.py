"""The first thing that every write about an account's credentials does: take the account's row.

One order for all of them means no deadlock on PostgreSQL, and that two links or two passwords cannot be decided at once.
On SQLite the transaction holds the whole database already.
"""

import sqlalchemy as sa

from gateway.storage.sql.tables import account

_lock = sa.select(account.c.id).where(account.c.id == sa.bindparam("account_id")).with_for_update()


def lock_account(connection: sa.Connection, account_id: str) -> bool:
    """False when there is no such account."""
    return connection.execute(_lock, {"account_id": account_id}).first() is not None
