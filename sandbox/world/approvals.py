"""What the e-CPS application asks on the phone: « Pro Santé Connect : Valider / Refuser », two minutes each.

An approval is answered once, while it lasts. The last fifty are kept, oldest first.
"""

import itertools
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

APPROVALS_KEPT = 50
APPROVAL_LASTS = timedelta(minutes=2)


class Decision(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"
    EXPIRED = "expired"


class ApprovalGone(LookupError):  # noqa: N818 -- a refusal, told in a sentence
    """There is no such approval, or it was answered already, or its two minutes have passed."""


@dataclass(frozen=True)
class Approval:
    """`number` is the two digits to compare with those of the page; `person` and `service` are for display."""

    id: str
    person: str
    national_id: str
    service: str
    number: str
    asked_at: datetime
    answer: Decision = Decision.PENDING

    @property
    def expires_at(self) -> datetime:
        return self.asked_at + APPROVAL_LASTS

    def decision(self, now: datetime) -> Decision:
        return Decision.EXPIRED if self.answer is Decision.PENDING and now >= self.expires_at else self.answer


class Approvals:
    """Asked by Pro Santé Connect's threads, answered by the phone's."""

    def __init__(self) -> None:
        self._approvals: OrderedDict[str, Approval] = OrderedDict()
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self.version = 0

    def ask(self, *, person: str, national_id: str, service: str, number: str, now: datetime) -> Approval:
        with self._lock:
            approval = Approval(str(next(self._ids)), person, national_id, service, number, now)
            self._approvals[approval.id] = approval
            while len(self._approvals) > APPROVALS_KEPT:
                self._approvals.popitem(last=False)
            self.version += 1
        return approval

    def answer(self, approval_id: str, *, approve: bool, now: datetime) -> Approval:
        with self._lock:
            approval = self._approvals.get(approval_id)
            if approval is None or approval.decision(now) is not Decision.PENDING:
                raise ApprovalGone("no such approval is waiting for an answer")
            answered = replace(approval, answer=Decision.APPROVED if approve else Decision.REFUSED)
            self._approvals[approval_id] = answered
            self.version += 1
        return answered

    def withdraw(self, approval_id: str) -> None:
        """The page no longer waits for it."""
        with self._lock:
            if self._approvals.pop(approval_id, None):
                self.version += 1

    def decision(self, approval_id: str, now: datetime) -> Decision:
        with self._lock:
            approval = self._approvals.get(approval_id)
        return approval.decision(now) if approval else Decision.EXPIRED

    def all(self) -> list[Approval]:
        with self._lock:
            return list(self._approvals.values())

    def pending(self, now: datetime) -> list[Approval]:
        return [approval for approval in self.all() if approval.decision(now) is Decision.PENDING]

    def clear(self) -> None:
        with self._lock:
            self._approvals.clear()
            self.version += 1
