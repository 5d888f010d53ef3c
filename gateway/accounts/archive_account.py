"""Archiving: only a human archives (DECISIONS 16). Sessions, links and trusted devices die with the account (SES-08, RST-04).

The sessions end twice, before and after: if the process dies in between, none that was open survives an archived account,
and none can begin after.
"""

from dataclasses import replace

from gateway.accounts.account import Account, AccountStatus
from gateway.accounts.ports import Accounts, SessionsEnder, TrustedDevices
from gateway.journal.effects import NO_EFFECTS, Outgoing, because
from gateway.journal.events import Event, Outcome
from gateway.refusal import Refusal


class UnknownAccount(Refusal):
    code = "account_unknown"
    text = "account.unknown"


def archive_account(
    account_id: str,
    *,
    accounts: Accounts,
    devices: TrustedDevices,
    sessions: SessionsEnder,
    operator: str,
    now: float,
    reason: str | None = None,
) -> Account:
    """The archived account; archiving twice changes nothing more. Raises UnknownAccount."""
    account = accounts.get(account_id)
    if account is None:
        raise UnknownAccount("no such account")
    ended = Event(
        "session.ended",
        Outcome.SUCCESS,
        now,
        reason="account_archived",
        target=account.id,
        details={"operator": operator},
    )
    sessions.end_sessions_of(account.id, now, because(ended))
    if account.status is not AccountStatus.ARCHIVED:
        # A new contact version: every link under way dies in the same transaction.
        archived = replace(
            account, status=AccountStatus.ARCHIVED, archived_at=now, contact_version=account.contact_version + 1
        )
        said = Event(
            "account.archived", Outcome.SUCCESS, now, reason=reason, target=account.id, details={"operator": operator}
        )
        notice = Outgoing("notice", {"account": account.id, "what": "account_archived"})
        accounts.update(archived, because(said, outgoing=(notice,)))
        account = archived
    for device in devices.of(account.id):
        if device.revoked_at is None:
            devices.revoke(device.id, now, NO_EFFECTS)
    sessions.end_sessions_of(account.id, now, because(ended))
    return account
