"""Habilitations at rest. The database itself refuses a self-grant, more than two years, and a second active one for the
same person, structure, role and source (ADM-01, ADM-05)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from gateway.habilitations.habilitation import Habilitation, HabilitationState, Origin
from gateway.habilitations.ports import HabilitationRefusedError, SelfGrantError
from gateway.habilitations.structure import Structure
from gateway.journal.effects import Effects
from gateway.storage.sql.broken_rule import FOREIGN_KEY, BrokenRuleError
from gateway.storage.sql.effects import record
from gateway.storage.sql.engine import Connections
from gateway.storage.sql.structures import structure_from
from gateway.storage.sql.tables import civil_date_of, structure
from gateway.storage.sql.tables import habilitation as table

_WHY = {
    "pk_habilitation": "twin",
    "uq_habilitation_active_twin": "twin",
    "ck_habilitation_two_years": "too_long",
    FOREIGN_KEY: "unknown",
}

# The state is written out: an engine uses a partial index only when it can read the index's condition in the query.
_active = table.c.state == sa.literal_column(f"'{HabilitationState.ACTIVE.value}'")
_of_account = (
    sa.select(table, structure)
    .join(structure, structure.c.id == table.c.structure_id)
    .where(table.c.account_id == sa.bindparam("account_id"), _active)
    .order_by(structure.c.name, table.c.structure_id, table.c.role_label, table.c.id)
)
_of_accounts = (
    sa.select(table, structure)
    .join(structure, structure.c.id == table.c.structure_id)
    .where(table.c.account_id.in_(sa.bindparam("keys", expanding=True)), _active)
    .order_by(structure.c.name, table.c.structure_id, table.c.role_label, table.c.id)
)
_in_structures = (
    sa.select(table, structure)
    .join(structure, structure.c.id == table.c.structure_id)
    .where(table.c.structure_id.in_(sa.bindparam("keys", expanding=True)), _active)
    .order_by(structure.c.name, table.c.structure_id, table.c.role_label, table.c.id)
)
_from_source = sa.select(table).where(table.c.source == sa.bindparam("of_source"), _active).order_by(table.c.id)
_one: sa.BindParameter[str] = sa.bindparam("habilitation_id")
_end = sa.update(table).where(table.c.id == _one, _active).values(state=HabilitationState.ENDED.value)
_seen = sa.update(table).where(table.c.id == _one, _active).values(seen_at=sa.bindparam("at"))
_WIDTH = len(table.columns)
_START = list(table.columns.keys()).index("start_on")


class SqlHabilitations:
    def __init__(self, connections: Connections, node: str) -> None:
        self._connections = connections
        self._node = node

    def of(self, account_id: str) -> Sequence[tuple[Habilitation, Structure]]:
        with self._connections.reading() as connection:
            rows = connection.execute(_of_account, {"account_id": account_id}).all()
        return [(_habilitation(row[:_WIDTH]), structure_from(row[_WIDTH:])) for row in rows]

    def of_many(self, account_ids: Collection[str]) -> Mapping[str, Sequence[tuple[Habilitation, Structure]]]:
        rows = self._connections.rows_of(_of_accounts, list(account_ids)) if account_ids else ()
        held: dict[str, list[tuple[Habilitation, Structure]]] = {}
        for row in rows:
            start, end = civil_date_of(row[_START]), civil_date_of(row[_START + 1])
            habilitation = _habilitation((*row[:_START], start, end, *row[_START + 2 : _WIDTH]))
            site = structure_from((*row[_WIDTH:-1], bool(row[-1])))
            held.setdefault(habilitation.account_id, []).append((habilitation, site))
        return held

    def in_structures(self, structure_ids: Collection[str]) -> Sequence[tuple[Habilitation, Structure]]:
        if not structure_ids:
            return []
        with self._connections.reading() as connection:
            rows = connection.execute(_in_structures, {"keys": sorted(structure_ids)}).all()
        return [(_habilitation(row[:_WIDTH]), structure_from(row[_WIDTH:])) for row in rows]

    def grant(self, habilitation: Habilitation, effects: Effects) -> None:
        with _own_errors(), self._connections.writing() as connection:
            connection.execute(sa.insert(table), _row(habilitation))
            record(connection, effects, node=self._node)

    def end(self, habilitation_id: str, effects: Effects) -> None:
        with self._connections.writing() as connection:
            connection.execute(_end, {"habilitation_id": habilitation_id})
            record(connection, effects, node=self._node)

    def from_source(self, source: str) -> Sequence[Habilitation]:
        with self._connections.reading() as connection:
            return [_habilitation(row) for row in connection.execute(_from_source, {"of_source": source})]

    def apply(
        self, *, add: Sequence[Habilitation], end: Sequence[str], seen: Sequence[str], seen_at: float, effects: Effects
    ) -> None:
        """What ends makes room for what is added. Raises like `grant`, and then nothing of the import is there."""
        with _own_errors(), self._connections.writing() as connection:
            if end:
                connection.execute(_end, [{"habilitation_id": one} for one in end])
            if add:
                connection.execute(sa.insert(table), [_row(habilitation) for habilitation in add])
            if seen:
                connection.execute(_seen, [{"habilitation_id": one, "at": seen_at} for one in seen])
            record(connection, effects, node=self._node)


def _row(habilitation: Habilitation) -> dict[str, Any]:
    return {
        "id": habilitation.id,
        "account_id": habilitation.account_id,
        "structure_id": habilitation.structure_id,
        "role_label": habilitation.role_label,
        "start_on": habilitation.start_on,
        "end_on": habilitation.end_on,
        "state": habilitation.state.value,
        "origin": habilitation.origin.value,
        "granted_by": habilitation.granted_by,
        "source": habilitation.source or "",
        "seen_at": habilitation.seen_at,
    }


def _habilitation(row: Sequence[Any]) -> Habilitation:
    """`row` holds the table's columns, in their order, which is the order of Habilitation's fields."""
    habilitation_id, account_id, structure_id, role_label, start, end, state, origin, granted_by, source, seen_at = row
    return Habilitation(
        id=habilitation_id,
        account_id=account_id,
        structure_id=structure_id,
        role_label=role_label,
        start_on=start,
        end_on=end,
        state=HabilitationState(state),
        origin=Origin(origin),
        granted_by=granted_by,
        source=source or None,
        seen_at=seen_at,
    )


@contextmanager
def _own_errors() -> Iterator[None]:
    try:
        yield
    except BrokenRuleError as error:
        if error.rule == "ck_habilitation_no_self_grant":
            raise SelfGrantError from None
        if error.rule in _WHY:
            raise HabilitationRefusedError(_WHY[error.rule]) from None
        raise
