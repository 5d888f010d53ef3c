"""Secrets of the applications: two slots each, SHA-256 of random secrets (DECISIONS 9, KEY-06).

A rotation judges again, in its own transaction, the slots its plan was made from; of two that run at once, one is refused.
"""

from collections.abc import Sequence
from dataclasses import asdict

import sqlalchemy as sa

from gateway.applications.ports import SecretSlot, SecretsMovedError
from gateway.journal.effects import Effects
from gateway.storage.sql.effects import record
from gateway.storage.sql.engine import Connections
from gateway.storage.sql.storable import storable
from gateway.storage.sql.tables import client_secret as table
from gateway.storage.sql.upsert import insert_or_replace

_ROTATION_LOCK = 0x726F7461

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

    def rotate(self, new: SecretSlot, *, ending: Sequence[SecretSlot], at: float, effects: Effects) -> None:
        planned = {slot.slot: (slot.digest, slot.expires_at) for slot in ending}
        with self._connections.writing() as connection:
            if connection.dialect.name == "postgresql":  # on SQLite the transaction holds the whole database already
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ROTATION_LOCK)))
            stored = connection.execute(_of_client, {"client_id": new.client_id}).all()
            live = {
                row.slot: (row.digest, row.expires_at)
                for row in stored
                if row.expires_at is None or new.created_at < row.expires_at
            }
            if live != planned or new.slot in live:
                raise SecretsMovedError(f"{new.client_id} has other secrets than the plan says")
            for slot in ending:
                _end(connection, new.client_id, slot.slot, at)
            insert_or_replace(connection, table, [asdict(new)])
            record(connection, effects, node=self._node)

    def put(self, slot: SecretSlot, effects: Effects) -> None:
        with self._connections.writing() as connection:
            insert_or_replace(connection, table, [asdict(slot)])
            record(connection, effects, node=self._node)

    def expire(self, client_id: str, slot: int, at: float, effects: Effects) -> None:
        with self._connections.writing() as connection:
            _end(connection, client_id, slot, at)
            record(connection, effects, node=self._node)


def _end(connection: sa.Connection, client_id: str, slot: int, at: float) -> None:
    """Never makes a secret live longer."""
    sooner = sa.or_(table.c.expires_at.is_(None), table.c.expires_at > at)
    connection.execute(
        sa.update(table).where(table.c.client_id == client_id, table.c.slot == slot, sooner).values(expires_at=at)
    )
