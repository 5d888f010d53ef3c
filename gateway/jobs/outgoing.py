"""Sends what waits in the two outboxes (ARCHITECTURE §4): after its cause was committed, and until its sender took it.

An item is leased, so that several processes may run this; a failed one comes back after a growing delay and is given up at the
last one, visibly. A handler that has nothing left to do (the code is dead, the link was replaced) drops the item.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from gateway.clock import Clock
from gateway.journal.effects import NO_EFFECTS, Effects, Outgoing, because
from gateway.journal.events import Event, Outcome

LINES = {"backchannel_logout": ("logout.sent", "logout.failed")}
"""Names in the journal, by kind, of what was sent and of what was given up; messages have their own."""
RETRY_DELAYS = (1, 2, 5, 15, 60, 300)
"""Seconds before each new try; after the last one the item is given up."""

_log = logging.getLogger("passerelle.outgoing")


class Sent(StrEnum):
    SENT = "sent"
    POINTLESS = "pointless"


Handler = Callable[[Mapping[str, str | int], float, str], Sent]
"""From (payload, now, stable id) to what happened; raises OSError when the provider did not take it."""


class Queue(Protocol):
    """The durable outbox and the ephemeral one, alike."""

    def take(self, now: float) -> Sequence[tuple[str, Outgoing, int]]: ...

    def done(self, item_id: str, effects: Effects) -> None: ...

    def retry(self, item_id: str, at: float, effects: Effects) -> None: ...


class OutgoingJob:
    """`queues` are drained in turn; `handlers` by kind."""

    def __init__(self, *, queues: Sequence[Queue], handlers: Mapping[str, Handler], clock: Clock) -> None:
        self._queues, self._handlers, self._clock = queues, handlers, clock

    def run_once(self) -> int:
        """Handles what is due; returns how many items were taken."""
        taken = 0
        for queue in self._queues:
            for item_id, item, tries in queue.take(self._clock.now()):
                taken += 1
                self._handle(queue, item_id, item, tries)
        return taken

    def _handle(self, queue: Queue, item_id: str, item: Outgoing, tries: int) -> None:
        now = self._clock.now()
        handler = self._handlers.get(item.kind)
        if handler is None:
            _log.error("no handler for an outgoing item of kind %s: given up", item.kind)
            queue.done(item_id, _line(item, now, "no_handler"))
            return
        try:
            sent = handler(item.payload, now, item_id)
        except OSError as error:
            if tries < len(RETRY_DELAYS):
                queue.retry(item_id, now + RETRY_DELAYS[tries], NO_EFFECTS)
            else:
                queue.done(item_id, _line(item, now, "given_up"))
            _log.warning("outgoing %s was not taken (%s), try %d", item.kind, type(error).__name__, tries + 1)
            return
        queue.done(item_id, _line(item, now, None) if sent is Sent.SENT else NO_EFFECTS)


def _line(item: Outgoing, now: float, reason: str | None) -> Effects:
    account, client = item.payload.get("account"), item.payload.get("client")
    sent, failed = LINES.get(item.kind, ("message.sent", "message.failed"))
    details = {key: value for key in ("channel", "purpose") if (value := item.payload.get(key)) is not None}
    return because(
        Event(
            name=sent if reason is None else failed,
            outcome=Outcome.SUCCESS if reason is None else Outcome.FAILED,
            at=now,
            reason=reason,
            target=str(account) if account is not None else None,
            client=str(client) if client is not None else None,
            method=item.kind,
            details=details,
        )
    )
