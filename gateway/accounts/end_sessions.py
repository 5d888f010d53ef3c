"""An administrator ends every session of somebody, at once and everywhere (SES-08): a lost computer, a doubt, a departure.

Codes, refresh tokens and access tokens die with the sessions, and every application of each is told. The devices that spare a
code are forgotten first, when that is asked, so that no sign-in in between is spared one.
"""

from gateway.accounts.ports import SessionsEnder, TrustedDevices
from gateway.journal.effects import because
from gateway.journal.events import Event, Outcome


def end_sessions(
    account_id: str,
    *,
    devices: TrustedDevices,
    sessions: SessionsEnder,
    operator: str,
    now: float,
    reason: str,
    forget_devices: bool,
) -> int:
    """How many sessions were ended."""
    ordered = Event(
        "session.ended", Outcome.SUCCESS, now, reason=reason, target=account_id, details={"operator": operator}
    )
    if forget_devices:
        forgotten = Event(
            "device.revoked", Outcome.SUCCESS, now, reason=reason, target=account_id, details={"operator": operator}
        )
        for device in devices.of(account_id):
            if device.revoked_at is None:
                devices.revoke(device.id, now, because(forgotten))
    return sessions.end_sessions_of(account_id, now, because(ordered))
