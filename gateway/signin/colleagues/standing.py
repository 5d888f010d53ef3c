"""Where the account of a colleague stands, in the words of the référent's list."""

from enum import StrEnum

from gateway.accounts.account import AccountStatus, KnownPerson
from gateway.accounts.one_time_link import OneTimeLink
from gateway.accounts.recovery import Recovery, RecoveryState


class Standing(StrEnum):
    INVITED = "invited"
    LINK_EXPIRED = "link_expired"
    ACTIVE = "active"
    BLOCKED = "blocked"
    ARCHIVED = "archived"
    RECOVERY_WAITING = "recovery_waiting"
    RECOVERY_APPROVED = "recovery_approved"


def standing(person: KnownPerson, link: OneTimeLink | None, recovery: Recovery | None, now: float) -> Standing:
    """`link`: the last one of activation; `recovery`: the one under way."""
    if person.status is AccountStatus.INVITED:
        alive = link is not None and link.revoked_at is None and now < link.expires_at
        return Standing.INVITED if alive else Standing.LINK_EXPIRED
    if person.status is AccountStatus.ACTIVE and recovery is not None and recovery.is_under_way(now):
        waits = recovery.state is RecoveryState.WAITING
        return Standing.RECOVERY_WAITING if waits else Standing.RECOVERY_APPROVED
    return Standing(person.status.value)
