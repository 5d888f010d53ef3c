"""Blocking: nobody signs in until somebody unblocks (SES-08, RST-04). What a person proves by again stays: password, links,
authenticators; what let them in without proving does not: sessions, links of mails, trusted devices."""

from dataclasses import replace

from gateway.accounts.account import Account, AccountStatus
from gateway.accounts.archive_account import UnknownAccount
from gateway.accounts.ports import Accounts, SessionsEnder, TrustedDevices
from gateway.accounts.shut_account import shut_account
from gateway.journal.effects import because
from gateway.journal.events import Event, Outcome
from gateway.refusal import Refusal


class NotBlockable(Refusal):
    """Only an active account is blocked, and only a blocked one is unblocked; `facts["status"]`."""

    code = "account_not_blockable"
    text = "account.not_blockable"


def block_account(
    account_id: str,
    *,
    accounts: Accounts,
    devices: TrustedDevices,
    sessions: SessionsEnder,
    operator: str,
    now: float,
    reason: str | None = None,
) -> Account:
    """The blocked account; blocking twice changes nothing more. Raises UnknownAccount, NotBlockable."""
    account = _known(accounts, account_id)
    if account.status not in {AccountStatus.ACTIVE, AccountStatus.BLOCKED}:
        raise NotBlockable(account.status, status=account.status)
    return shut_account(
        account,
        replace(account, status=AccountStatus.BLOCKED),
        what="blocked",
        accounts=accounts,
        devices=devices,
        sessions=sessions,
        operator=operator,
        now=now,
        reason=reason,
    )


def unblock_account(
    account_id: str, *, accounts: Accounts, operator: str, now: float, reason: str | None = None
) -> Account:
    """The active account. Raises UnknownAccount, NotBlockable."""
    account = _known(accounts, account_id)
    if account.status is not AccountStatus.BLOCKED:
        raise NotBlockable(account.status, status=account.status)
    said = Event(
        "account.unblocked", Outcome.SUCCESS, now, reason=reason, target=account.id, details={"operator": operator}
    )
    active = replace(account, status=AccountStatus.ACTIVE)
    accounts.update(active, because(said))
    return active


def _known(accounts: Accounts, account_id: str) -> Account:
    account = accounts.get(account_id)
    if account is None:
        raise UnknownAccount("no such account")
    return account
