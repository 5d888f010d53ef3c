"""What must be written together with its cause: journal lines and messages to send (ARCHITECTURE §4).

A durable write commits its effects in its own SQL transaction; an ephemeral write appends them to a spool in the same
atomic step, which the jobs drain into the journal exactly once. An outgoing item never holds a secret: codes and links
are derived again, by the process that sends, from the identifier it carries.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.journal.events import Event


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Something to do after the commit: `kind` names the job, `payload` holds identifiers only (str or int values)."""

    kind: str
    payload: Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Effects:
    events: tuple[Event, ...] = ()
    outgoing: tuple[Outgoing, ...] = field(default=())

    def __add__(self, other: "Effects") -> "Effects":
        return Effects(self.events + other.events, self.outgoing + other.outgoing)


NO_EFFECTS = Effects()


def because(*events: Event, outgoing: tuple[Outgoing, ...] = ()) -> Effects:
    """Effects made of these events (and of these outgoing items)."""
    return Effects(events, outgoing)
