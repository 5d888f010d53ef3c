"""The journal at rest: a table that this code only adds to (LOG-02). A spooled line is written once, by its unique name."""

import json
from collections.abc import Iterator, Sequence
from types import MappingProxyType

import sqlalchemy as sa

from gateway.journal.effects import Effects
from gateway.journal.events import Event, Outcome
from gateway.storage.sql.effects import line, number_in_order, record
from gateway.storage.sql.engine import Connections
from gateway.storage.sql.tables import journal as table
from gateway.storage.sql.upsert import insert_missing

_NOT_OF_THE_EVENT = ("seq", "schema_version", "node", "spool_id")


class SqlJournal:
    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def append(self, events: tuple[Event, ...], *, node: str) -> None:
        with self._connections.writing() as connection:
            record(connection, Effects(events), node=node)

    def append_spooled(self, lines: Sequence[tuple[str, Event]], *, node: str) -> None:
        with self._connections.writing() as connection:
            number_in_order(connection)
            insert_missing(connection, table, [line(event, node, spool_id) for spool_id, event in lines])

    def read(self, *, after: int = 0, limit: int = 1000) -> Iterator[tuple[int, Event]]:
        query = sa.select(table).where(table.c.seq > after).order_by(table.c.seq).limit(limit)
        with self._connections.reading() as connection:
            rows = connection.execute(query).mappings().all()
        for row in rows:
            yield row["seq"], _event(row)

    def about(self, account_id: str, *, since: float, limit: int) -> Sequence[Event]:
        query = (
            sa.select(table)
            .where(table.c.target == account_id, table.c.at >= since)
            .order_by(table.c.at.desc(), table.c.seq.desc())
            .limit(limit)
        )
        with self._connections.reading() as connection:
            return [_event(row) for row in connection.execute(query).mappings()]


def _event(row: sa.RowMapping) -> Event:
    said = {name: value for name, value in row.items() if name not in _NOT_OF_THE_EVENT}
    said |= {"outcome": Outcome(row["outcome"]), "details": MappingProxyType(json.loads(row["details"]))}
    return Event(**said)
