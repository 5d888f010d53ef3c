"""Secrets of the applications: two slots each, SHA-256 of random secrets (DECISIONS 9, KEY-06)."""

from collections.abc import Sequence
from dataclasses import asdict

import sqlalchemy as sa

from gateway.applications.ports import SecretSlot
from gateway.journal.effects import Effects
from gateway.storage.sql.effects import record
from gateway.storage.sql.engine import Connections
from gateway.storage.sql.storable import storable
from gateway.storage.sql.tables import client_secret as table
from gateway.storage.sql.upsert import insert_or_replace

_of_client = (
    sa.select(table)
    .where(table.c.client_id == sa.bindparam("client_id"))
    .order_by(table.c.created_at.desc(), table.c.slot.desc())
)


class SqlClientSecrets:
    def __init__(self, connections: Connections, node: str) -> None:
        self._connections = connections
        self._node = node

    def of(self, client_id: str) -> Sequence[SecretSlot]:
        """Every slot; the caller, who has the clock, judges `expires_at`."""
        with self._connections.reading() as connection:
            rows = connection.execute(_of_client, {"client_id": storable(client_id)}).mappings()
            return [SecretSlot(**row) for row in rows]

    def put(self, slot: SecretSlot, effects: Effects) -> None:
        with self._connections.writing() as connection:
            insert_or_replace(connection, table, [asdict(slot)])
            record(connection, effects, node=self._node)

    def expire(self, client_id: str, slot: int, at: float, effects: Effects) -> None:
        """Never makes a secret live longer."""
        sooner = sa.or_(table.c.expires_at.is_(None), table.c.expires_at > at)
        with self._connections.writing() as connection:
            connection.execute(
                sa.update(table)
                .where(table.c.client_id == client_id, table.c.slot == slot, sooner)
                .values(expires_at=at)
            )
            record(connection, effects, node=self._node)
