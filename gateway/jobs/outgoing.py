"""Sends what waits in the two outboxes (ARCHITECTURE §4): after its cause was committed, and until its sender took it.

An item is leased, so that several processes may run this; a failed one comes back after a growing delay and is given up at the
last one, visibly; a text message after its only retry, two seconds later at most (OTP-17). A handler that has nothing left to
do (the code is dead, the link was replaced) drops the item.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from gateway.clock import Clock
from gateway.journal.effects import NO_EFFECTS, Effects, Outgoing, because
from gateway.journal.events import Event, Outcome
from gateway.signin.ended_session import LOGOUT_CALL

LINES = {"backchannel_logout": ("logout.sent", "logout.failed")}
"""Names in the journal, by kind, of what was sent and of what was given up; messages have their own."""
RETRY_DELAYS = (1, 2, 5, 15, 60, 300)
"""Seconds before each new try; after the last one the item is given up."""
LOGOUT_RETRY_DELAYS = (*RETRY_DELAYS, 1800, 3600, 7200)
"""An application's own session may last hours after ours: it is called for longer."""
SMS_RETRY_DELAYS = (1,)

_log = logging.getLogger("passerelle.outgoing")


class Sent(StrEnum):
    SENT = "sent"
    POINTLESS = "pointless"


@dataclass(frozen=True, slots=True)
class Report:
    """What the journal says of it, without any content: the provider's name of the message, or why it must not leave."""

    details: Mapping[str, str | int] = field(default_factory=dict)
    reason: str | None = None


Payload = Mapping[str, str | int]
Handler = Callable[[Payload, float, str], Sent | Report]
"""From (payload, now, stable id) to what happened; raises OSError when the provider did not take it."""
Troubled = Callable[[Payload, float], None]
"""Told that an item was not taken twice: whoever waits for it can be shown another way."""


class Queue(Protocol):
    """The durable outbox and the ephemeral one, alike."""

    def take(self, now: float) -> Sequence[tuple[str, Outgoing, int]]: ...

    def done(self, item_id: str, effects: Effects) -> None: ...

    def retry(self, item_id: str, at: float, effects: Effects) -> None: ...


class OutgoingJob:
    """`queues` are drained in turn; `handlers` and `troubled` by kind. Of one batch `abreast` items are handled at once: one
    provider that drags does not hold the others' messages."""

    def __init__(
        self,
        *,
        queues: Sequence[Queue],
        handlers: Mapping[str, Handler],
        clock: Clock,
        troubled: Mapping[str, Troubled] | None = None,
        abreast: int = 1,
    ) -> None:
        self._queues, self._handlers, self._clock = queues, handlers, clock
        self._troubled = troubled or {}
        self._abreast = abreast

    def run_once(self) -> int:
        """Handles what is due; returns how many items were taken."""
        taken = 0
        for queue in self._queues:
            batch = queue.take(self._clock.now())
            taken += len(batch)
            if self._abreast == 1 or len(batch) < 2:
                for one in batch:
                    self._handle(queue, *one)
                continue
            with ThreadPoolExecutor(min(self._abreast, len(batch))) as pool:
                for done in [pool.submit(self._handle, queue, *one) for one in batch]:
                    done.result()
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
        except (OSError, ValueError) as error:  # an address that no mail can carry must not come back for ever either
            delays = _delays(item)
            _log.warning("outgoing %s was not taken (%s), try %d", item.kind, type(error).__name__, tries + 1)
            if tries < len(delays):
                queue.retry(item_id, now + delays[tries], NO_EFFECTS)
            else:
                queue.done(item_id, _line(item, now, "given_up"))
            if tries >= 1 and item.kind in self._troubled:
                self._troubled[item.kind](item.payload, now)
            return
        if isinstance(sent, Report):
            queue.done(item_id, _line(item, now, sent.reason, sent.details))
        else:
            queue.done(item_id, _line(item, now, None) if sent is Sent.SENT else NO_EFFECTS)


def _delays(item: Outgoing) -> Sequence[int]:
    if item.kind == LOGOUT_CALL:
        return LOGOUT_RETRY_DELAYS
    return SMS_RETRY_DELAYS if item.payload.get("channel") == "sms" else RETRY_DELAYS


def _line(item: Outgoing, now: float, reason: str | None, more: Mapping[str, str | int] | None = None) -> Effects:
    account, client = item.payload.get("account"), item.payload.get("client")
    sent, failed = LINES.get(item.kind, ("message.sent", "message.failed"))
    details = {key: value for key in ("channel", "purpose") if (value := item.payload.get(key)) is not None}
    details |= more or {}
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
