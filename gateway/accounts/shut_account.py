"""What archiving and blocking have in common: sessions, links and trusted devices die with the door (SES-08, RST-04).

The sessions end twice, before and after: if the process dies in between, none that was open survives a shut account, and none
can begin after.
"""

from dataclasses import replace

from gateway.accounts.account import Account
from gateway.accounts.ports import Accounts, SessionsEnder, TrustedDevices
from gateway.journal.effects import NO_EFFECTS, Outgoing, because
from gateway.journal.events import Event, Outcome


def shut_account(
    account: Account,
    shut: Account,
    *,
    what: str,
    accounts: Accounts,
    devices: TrustedDevices,
    sessions: SessionsEnder,
    operator: str,
    now: float,
    reason: str | None,
) -> Account:
    """`shut`: the account as it becomes. `what`: archived or blocked, for the journal and the notice."""

    def said(name: str, reason: str | None) -> Event:
        return Event(name, Outcome.SUCCESS, now, reason=reason, target=account.id, details={"operator": operator})

    ended = because(said("session.ended", f"account_{what}"))
    sessions.end_sessions_of(account.id, now, ended)
    if account.status is not shut.status:
        # A new contact version: every link under way dies in the same transaction.
        shut = replace(shut, contact_version=account.contact_version + 1)
        notice = Outgoing("notice", {"account": account.id, "what": f"account_{what}"})
        accounts.update(shut, because(said(f"account.{what}", reason), outgoing=(notice,)))
        account = shut
    for device in devices.of(account.id):
        if device.revoked_at is None:
            devices.revoke(device.id, now, NO_EFFECTS)
    sessions.end_sessions_of(account.id, now, ended)
    return account
