"""What the journal needs from outside: a durable place that only grows."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from gateway.journal.effects import Effects, Outgoing
from gateway.journal.events import Event


class JournalStore(Protocol):
    def append(self, events: tuple[Event, ...], *, node: str) -> None:
        """Writes all lines in one transaction."""
        ...

    def append_spooled(self, lines: Sequence[tuple[str, Event]], *, node: str) -> None:
        """Writes drained (spool_id, event) lines in one transaction, skipping the ids that are already there."""
        ...

    def read(self, *, after: int = 0, limit: int = 1000) -> Iterator[tuple[int, Event]]:
        """Lines in order, with their sequence number."""
        ...


class OwnJournal(Protocol):
    def about(self, account_id: str, *, since: float, limit: int) -> Sequence[Event]:
        """What happened to this account, the newest first: not what its holder did to others."""
        ...


class Spool(Protocol):
    """Lines and outgoing items that an ephemeral write appended in its own atomic step, until the jobs have moved them."""

    def note(self, effects: Effects) -> None:
        """Appends what changes nothing else."""
        ...

    def take_events(self, limit: int) -> Sequence[tuple[str, Event]]:
        """The oldest (spool_id, event), at most `limit`, without removing them; empty only when nothing waits. A
        `spool_id` is never given to two lines, by any store."""
        ...

    def drop_events(self, spool_ids: Sequence[str]) -> None: ...

    def take_outgoing(self, now: float, limit: int, lease_seconds: float) -> Sequence[tuple[str, Outgoing, int]]:
        """(id, item, times it was taken before) of due items, leased: nobody else gets them for `lease_seconds`."""
        ...

    def done(self, item_id: str, effects: Effects) -> None:
        """Removes the item and appends the effects in the same step (nothing when it was already removed)."""
        ...

    def retry(self, item_id: str, at: float, effects: Effects) -> None:
        """Due again at `at`; the effects are appended in the same step (nothing when it was already removed)."""
        ...

    def waiting(self, kind: str, *, limit: int = 1000, **said: str) -> Sequence[tuple[Outgoing, int]]:
        """Items of this kind that nobody has taken for good yet, whose payload says so, and how many times each was tried; at
        most `limit`, in no order. Looking changes nothing."""
        ...

    def backlog(self) -> int:
        """How many lines and items wait."""
        ...
