"""The outbox: what remains to be done after a commit, leased to one process at a time (ARCHITECTURE §4).

A lease only moves the instant at which an item is due: when the process dies, the item comes back by itself. Delivery is
therefore at least once; an item done already by another process takes no more effects.
"""

import json
from collections.abc import Sequence

import sqlalchemy as sa

from gateway.journal.effects import Effects
from gateway.storage.sql.effects import record
from gateway.storage.sql.engine import Connections
from gateway.storage.sql.tables import outbox as table


class SqlOutbox:
    def __init__(self, connections: Connections, node: str) -> None:
        self._connections = connections
        self._node = node

    def take(
        self, now: float, *, limit: int = 20, lease_seconds: float = 60
    ) -> Sequence[tuple[str, str, dict[str, str | int], int]]:
        due = (
            sa.select(table)
            .where(table.c.due_at <= now)
            .order_by(table.c.due_at, table.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)  # SQLite, which has no such words, has one writer at a time
        )
        with self._connections.writing() as connection:
            items = connection.execute(due).all()
            if items:
                connection.execute(
                    sa.update(table)
                    .where(table.c.id.in_([item.id for item in items]))
                    .values(due_at=now + lease_seconds, tries=table.c.tries + 1)
                )
        return [(str(item.id), item.kind, json.loads(item.payload), item.tries) for item in items]

    def done(self, item_id: str, effects: Effects) -> None:
        self._settle(sa.delete(table).where(table.c.id == int(item_id)), effects)

    def retry(self, item_id: str, *, at: float, effects: Effects) -> None:
        self._settle(sa.update(table).where(table.c.id == int(item_id)).values(due_at=at), effects)

    def _settle(self, change: sa.Delete | sa.Update, effects: Effects) -> None:
        with self._connections.writing() as connection:
            if connection.execute(change).rowcount:
                record(connection, effects, node=self._node)
