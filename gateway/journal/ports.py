"""What the journal needs from outside: a durable place that only grows."""

from collections.abc import Iterator
from typing import Protocol

from gateway.journal.events import Event


class JournalStore(Protocol):
    def append(self, events: tuple[Event, ...], *, node: str, spool_id: str | None = None) -> None:
        """Writes all lines in one transaction. With a `spool_id` already present, nothing is written (drained once)."""
        ...

    def read(self, *, after: int = 0, limit: int = 1000) -> Iterator[tuple[int, Event]]:
        """Lines in order, with their sequence number."""
        ...
