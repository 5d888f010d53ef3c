"""What the journal needs from outside: a durable place that only grows."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from gateway.journal.events import Event


class JournalStore(Protocol):
    def append(self, events: tuple[Event, ...], *, node: str, spool_id: str | None = None) -> None:
        """Writes all lines in one transaction. With a `spool_id` already present, nothing is written (drained once)."""
        ...

    def append_spooled(self, lines: Sequence[tuple[str, Event]], *, node: str) -> None:
        """Writes drained (spool_id, event) lines in one transaction, skipping the ids that are already there."""
        ...

    def read(self, *, after: int = 0, limit: int = 1000) -> Iterator[tuple[int, Event]]:
        """Lines in order, with their sequence number."""
        ...
