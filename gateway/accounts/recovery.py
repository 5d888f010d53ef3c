"""A recovery: the way back of somebody who lost everything that proved them, opened by two people (FID-11, ADM-03).

A référent who has seen the person opens it, for a reason from a closed list; another référent of the same structure, or the
region where there is none, approves it in time. It is over when its time is, when its subject says it was not them, or once it
has served.
"""

from dataclasses import dataclass
from enum import StrEnum

DECIDED_WITHIN_SECONDS = 72 * 3600
SERVES_WITHIN_SECONDS = 72 * 3600
"""After the approval: printing the sheet and using it."""


class Reason(StrEnum):
    """Why, from the closed list (DECISIONS 23)."""

    LOST_DEVICE = "lost_device"
    LOST_ACCESS = "lost_access"
    STOLEN = "stolen"


class RecoveryState(StrEnum):
    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"
    STOPPED = "stopped"
    EXPIRED = "expired"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Recovery:
    """`expires_at`: until when it may be approved, then until when it serves. `decided_by` is the account of the second person,
    `decided_by_region` the operator who spoke for the region instead."""

    id: str
    account_id: str
    structure_id: str
    reason: Reason
    opened_by: str
    opened_at: float
    expires_at: float
    state: RecoveryState = RecoveryState.WAITING
    decided_by: str | None = None
    decided_by_region: str | None = None
    decided_at: float | None = None
    ended_at: float | None = None

    def is_under_way(self, now: float) -> bool:
        return self.state in {RecoveryState.WAITING, RecoveryState.APPROVED} and now < self.expires_at
