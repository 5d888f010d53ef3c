"""Archiving: only a human archives (DECISIONS 16). Sessions, links and trusted devices die with it (SES-08, RST-04)."""

from dataclasses import replace

from gateway.accounts.account import Account, AccountStatus
from gateway.accounts.ports import Accounts, SessionsEnder, TrustedDevices
from gateway.accounts.shut_account import shut_account
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
    return shut_account(
        account,
        replace(account, status=AccountStatus.ARCHIVED, archived_at=now),
        what="archived",
        accounts=accounts,
        devices=devices,
        sessions=sessions,
        operator=operator,
        now=now,
        reason=reason,
    )
