"""An administrator takes an authenticator away: a lost telephone, a stolen sheet, one that was disabled (FID-10, OTP-09).

The sessions of its holder end twice, before and after: if the process dies in between, none outlives the authenticator. Its
holder is told. The last one goes too: that is what administrators are for.
"""

import contextlib
from collections.abc import Iterator

from gateway.accounts.authenticator import Passkey, TotpAuthenticator
from gateway.accounts.ports import Passkeys, RecoveryCodeSets, SessionsEnder, TotpAuthenticators
from gateway.journal.effects import Effects, Outgoing, because
from gateway.journal.events import Event, Outcome


def revoke_application(
    application: TotpAuthenticator,
    *,
    totp: TotpAuthenticators,
    sessions: SessionsEnder,
    operator: str,
    now: float,
    reason: str,
) -> bool:
    """False when it was revoked already."""
    account_id = application.account_id
    said = _said("authenticator.removed", account_id, "totp_removed", operator, now, reason, application.id)
    with _sessions_ended(sessions, account_id, operator, now):
        return totp.revoke(application.id, now, said)


def revoke_passkey(
    passkey: Passkey,
    *,
    passkeys: Passkeys,
    sessions: SessionsEnder,
    operator: str,
    now: float,
    reason: str,
) -> bool:
    """False when it was revoked already."""
    account_id = passkey.account_id
    said = _said("authenticator.removed", account_id, "passkey_removed", operator, now, reason, passkey.id)
    with _sessions_ended(sessions, account_id, operator, now):
        return passkeys.revoke(passkey.id, now, said)


def revoke_recovery_codes(
    account_id: str,
    *,
    recovery_codes: RecoveryCodeSets,
    sessions: SessionsEnder,
    operator: str,
    now: float,
    reason: str,
) -> bool:
    """False when there was none."""
    said = _said("recovery_codes.revoked", account_id, "recovery_codes_revoked", operator, now, reason)
    with _sessions_ended(sessions, account_id, operator, now):
        return recovery_codes.revoke(account_id, now, said)


def _said(
    name: str, account_id: str, notice: str, operator: str, now: float, reason: str, authenticator: str | None = None
) -> Effects:
    details = {"operator": operator} | ({"authenticator": authenticator} if authenticator is not None else {})
    event = Event(name, Outcome.SUCCESS, now, reason=reason, target=account_id, details=details)
    return because(event, outgoing=(Outgoing("notice", {"account": account_id, "what": notice}),))


@contextlib.contextmanager
def _sessions_ended(sessions: SessionsEnder, account_id: str, operator: str, now: float) -> Iterator[None]:
    """Before what the block does, and after it."""
    event = Event(
        "session.ended",
        Outcome.SUCCESS,
        now,
        reason="authenticator_revoked",
        target=account_id,
        details={"operator": operator},
    )
    sessions.end_sessions_of(account_id, now, because(event))
    yield
    sessions.end_sessions_of(account_id, now, because(event))
