"""Journal lines and outgoing items as JSON, for stores that keep them as documents until the jobs take them.

A line read back is checked like a new one: an event name or a detail outside the closed lists is refused.
"""

from typing import Any

import orjson

from gateway.journal.effects import Outgoing
from gateway.journal.events import Event, Outcome


def event_to_json(event: Event) -> bytes:
    return orjson.dumps(event, default=dict)


def event_from_json(raw: bytes | str) -> Event:
    fields: dict[str, Any] = orjson.loads(raw)
    return Event(**{**fields, "outcome": Outcome(fields["outcome"])})


def outgoing_to_json(item: Outgoing) -> bytes:
    return orjson.dumps(item, default=dict)


def outgoing_from_json(raw: bytes | str) -> Outgoing:
    return Outgoing(**orjson.loads(raw))
