"""Revocation lists of the cards' authorities, the last good one of each; a number never goes down (SV-09)."""

from collections.abc import Mapping
from dataclasses import asdict

import sqlalchemy as sa

from gateway.journal.effects import Effects
from gateway.signin.card.ports import StoredList
from gateway.storage.sql.effects import record
from gateway.storage.sql.engine import Connections
from gateway.storage.sql.tables import revocation_list as table
from gateway.storage.sql.upsert import insert_or_advance


class SqlRevocationLists:
    def __init__(self, connections: Connections, node: str) -> None:
        self._connections = connections
        self._node = node

    def numbers(self) -> Mapping[str, int]:
        with self._connections.reading() as connection:
            return {
                row.authority: row.number for row in connection.execute(sa.select(table.c.authority, table.c.number))
            }

    def find(self, authority: str) -> StoredList | None:
        with self._connections.reading() as connection:
            row = connection.execute(sa.select(table).where(table.c.authority == authority)).first()
        return None if row is None else StoredList(**row._mapping)

    def keep(self, fetched: StoredList, effects: Effects) -> bool:
        with self._connections.writing() as connection:
            if not insert_or_advance(connection, table, asdict(fetched), table.c.number):
                return False
            record(connection, effects, node=self._node)
            return True
