"""Effects commit with their cause: journal lines and outgoing items, in the caller's transaction (ARCHITECTURE §4).

Call `record` last in a write. The journal's lines are numbered in the order of commits, so that a reader that goes on
after a number misses nothing: on PostgreSQL one writer at a time numbers its lines, until its commit.
"""

import json
from typing import Any

import sqlalchemy as sa

from gateway.journal.effects import Effects
from gateway.journal.events import Event
from gateway.storage.sql.storable import storable
from gateway.storage.sql.tables import journal, outbox

SCHEMA_VERSION = 1
_JOURNAL_LOCK = 0x6A6F7572

_insert_outgoing = sa.insert(outbox).inline()
_insert_line = sa.insert(journal).inline()


def record(connection: sa.Connection, effects: Effects, *, node: str) -> None:
    if effects.outgoing:
        connection.execute(
            _insert_outgoing,
            [
                {"kind": item.kind, "payload": json.dumps(dict(item.payload), sort_keys=True), "due_at": 0, "tries": 0}
                for item in effects.outgoing
            ],
        )
    if effects.events:
        number_in_order(connection)
        connection.execute(_insert_line, [line(event, node) for event in effects.events])


def number_in_order(connection: sa.Connection) -> None:
    """Until its commit nobody else numbers journal lines."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_JOURNAL_LOCK)))


def line(event: Event, node: str, spool_id: str | None = None) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "node": node,
        "spool_id": spool_id,
        "name": event.name,
        "outcome": event.outcome.value,
        "at": event.at,
        "reason": storable(event.reason),
        "actor": storable(event.actor),
        "target": storable(event.target),
        "structure": storable(event.structure),
        "client": storable(event.client),
        "method": storable(event.method),
        "acr": storable(event.acr),
        "session": storable(event.session),
        "ip": storable(event.ip),
        "user_agent": storable(event.user_agent),
        "request": storable(event.request),
        "details": json.dumps(dict(event.details), sort_keys=True),
    }


def instant_of(effects: Effects) -> float | None:
    """When it happened, by its first journal line."""
    return effects.events[0].at if effects.events else None
