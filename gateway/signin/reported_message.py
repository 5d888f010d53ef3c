"""Somebody says that a message came which they had not asked for (OTP-16).

Which kind is chosen from a closed list, no free text (DECISIONS 23). Each report is a line of the journal; the operator is told
once a day and account, so that nobody can flood their mailbox. The way there is the account's page, never a link in a message:
a mail that invited people to follow one would teach what a fraud needs.
"""

from enum import StrEnum

from gateway.clock import Clock
from gateway.journal.effects import NO_EFFECTS, Outgoing, because
from gateway.journal.events import Outcome
from gateway.signin.journal_lines import Lines
from gateway.signin.policy import DAY, Window
from gateway.signin.ports import Spool, Throttle
from gateway.signin.request_context import RequestContext
from gateway.signin.throttle import ThrottleKeys, within

WRITTEN = (Window(10, DAY),)
"""Reports of one account; beyond, nothing new would be learnt."""
TOLD = (Window(1, DAY),)


class UnaskedMessage(StrEnum):
    CODE = "code"
    LINK = "link"
    NOTICE = "notice"


class ReportedMessages:
    def __init__(self, *, spool: Spool, throttle: Throttle, throttle_keys: ThrottleKeys, clock: Clock) -> None:
        self._spool, self._throttle, self._throttle_keys, self._clock = spool, throttle, throttle_keys, clock

    def report(self, account_id: str, kind: UnaskedMessage, context: RequestContext) -> None:
        now = self._clock.now()
        if not self._within("reported-message", account_id, WRITTEN, now):
            return
        lines, details = Lines(now, context), {"purpose": kind.value}
        said = lines.said("message.reported", Outcome.SUCCESS, account_id, details=details)
        alert = Outgoing("operator_alert", {"what": "message_reported", "reported": kind.value})
        told = self._within("reported-message-alert", account_id, TOLD, now)
        self._spool.note(said + (because(outgoing=(alert,)) if told else NO_EFFECTS))

    def _within(self, what: str, account_id: str, windows: tuple[Window, ...], now: float) -> bool:
        return within(self._throttle, self._throttle_keys.of(what, account_id), windows, now)
