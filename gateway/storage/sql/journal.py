"""The journal at rest: a table that this code only adds to (LOG-02). Draining a spool entry happens once, by its name."""

import json
from collections.abc import Iterator
from types import MappingProxyType

import sqlalchemy as sa

from gateway.journal.effects import Effects, Outgoing
from gateway.journal.events import Event, Outcome
from gateway.storage.sql.effects import record
from gateway.storage.sql.engine import Connections
from gateway.storage.sql.tables import drained_spool
from gateway.storage.sql.tables import journal as table
from gateway.storage.sql.upsert import insert_once

_NOT_OF_THE_EVENT = ("seq", "schema_version", "node", "spool_id")


class SqlJournal:
    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def append(
        self,
        events: tuple[Event, ...],
        *,
        node: str,
        spool_id: str | None = None,
        outgoing: tuple[Outgoing, ...] = (),
    ) -> None:
        with self._connections.writing() as connection:
            if spool_id is None or insert_once(connection, drained_spool, {"spool_id": spool_id}):
                record(connection, Effects(events, outgoing), node=node, spool_id=spool_id)

    def read(self, *, after: int = 0, limit: int = 1000) -> Iterator[tuple[int, Event]]:
        query = sa.select(table).where(table.c.seq > after).order_by(table.c.seq).limit(limit)
        with self._connections.reading() as connection:
            lines = connection.execute(query).mappings().all()
        for line in lines:
            said = {name: value for name, value in line.items() if name not in _NOT_OF_THE_EVENT}
            said |= {"outcome": Outcome(line["outcome"]), "details": MappingProxyType(json.loads(line["details"]))}
            yield line["seq"], Event(**said)
