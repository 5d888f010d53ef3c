"""Consecutive wrong mailed and texted codes, which no challenge and no restart makes anybody forget (OTP-09)."""

import sqlalchemy as sa

from gateway.accounts.account import CodeChannel
from gateway.journal.effects import Effects
from gateway.storage.sql.account_lock import lock_account
from gateway.storage.sql.effects import record
from gateway.storage.sql.engine import Connections
from gateway.storage.sql.tables import code_failures as table
from gateway.storage.sql.upsert import insert_or_replace


class SqlCodeFailures:
    def __init__(self, connections: Connections, node: str) -> None:
        self._connections = connections
        self._node = node

    def failed(
        self,
        account_id: str,
        channel: CodeChannel,
        at: float,
        *,
        bound_at: float,
        disabled_after: int,
        if_disabled: Effects,
    ) -> None:
        counted = sa.select(table).where(table.c.account_id == account_id, table.c.channel == channel.value)
        with self._connections.writing() as connection:
            lock_account(connection, account_id)
            row = connection.execute(counted).mappings().first()
            before = row["failures"] if row is not None and row["last_at"] >= bound_at else 0
            disabled_at = row["disabled_at"] if row is not None and before else None
            disables = disabled_at is None and before + 1 >= disabled_after
            insert_or_replace(
                connection,
                table,
                [
                    {
                        "account_id": account_id,
                        "channel": channel.value,
                        "failures": before + 1,
                        "last_at": at,
                        "disabled_at": at if disables else disabled_at,
                    }
                ],
            )
            if disables:
                record(connection, if_disabled, node=self._node)

    def succeeded(self, account_id: str, channel: CodeChannel) -> None:
        mine = sa.and_(table.c.account_id == account_id, table.c.channel == channel.value)
        counted = sa.select(table.c.failures).where(mine, table.c.disabled_at.is_(None))
        with self._connections.reading() as connection:
            if not connection.execute(counted).scalar_one_or_none():
                return
        with self._connections.writing() as connection:
            connection.execute(sa.update(table).where(mine, table.c.disabled_at.is_(None)).values(failures=0))
