"""Structures at rest, as the ROR gave them last."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from gateway.habilitations.structure import Structure, StructureKind
from gateway.journal.effects import Effects
from gateway.storage.sql.effects import record
from gateway.storage.sql.engine import Connections
from gateway.storage.sql.storable import storable
from gateway.storage.sql.tables import structure as table
from gateway.storage.sql.upsert import insert_or_replace


def structure_from(row: Sequence[Any]) -> Structure:
    """`row` holds the table's columns, in their order, which is the order of Structure's fields."""
    return Structure(row[0], StructureKind(row[1]), *row[2:])


class SqlStructures:
    def __init__(self, connections: Connections, node: str) -> None:
        self._connections = connections
        self._node = node

    def get(self, structure_id: str) -> Structure | None:
        return self._first(table.c.id == storable(structure_id))

    def find_by_finess(self, finess: str) -> Structure | None:
        return self._first(table.c.finess == storable(finess))

    def find_by_siret(self, siret: str) -> Structure | None:
        return self._first(table.c.siret == storable(siret))

    def put(self, structures: Sequence[Structure], effects: Effects) -> None:
        with self._connections.writing() as connection:
            rows = [asdict(structure) | {"kind": structure.kind.value} for structure in structures]
            insert_or_replace(connection, table, rows)
            record(connection, effects, node=self._node)

    def _first(self, condition: sa.ColumnElement[bool]) -> Structure | None:
        """Several structures may share a number: an active one first, then a site (EG) before its legal person (EJ)."""
        query = sa.select(table).where(condition).order_by(table.c.active.desc(), table.c.kind, table.c.id).limit(1)
        with self._connections.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else structure_from(row)
