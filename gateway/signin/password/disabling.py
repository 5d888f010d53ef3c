"""A password put out of use by a hundred failures in a row (THR-03).

The sign-in only orders it: a durable write would tell by its time that the account exists. It is carried out here, when the
order is taken from the outbox; an order taken twice, or older than the password, does nothing, so that the holder is told once.
"""

from collections.abc import Mapping

from gateway.accounts.account import Account
from gateway.accounts.ports import Accounts
from gateway.journal.effects import Outgoing, because
from gateway.journal.events import Event, Outcome


def disabling_order(account: Account, failed_at: float) -> Outgoing:
    return Outgoing("disable_password", {"account": account.id, "failed_at": repr(failed_at)})


def disable_password(accounts: Accounts, payload: Mapping[str, str | int], now: float) -> bool:
    """False when there was nothing to do."""
    account_id = str(payload["account"])
    line = Event("password.disabled", Outcome.REFUSED, at=now, reason="failures", target=account_id, method="password")
    told = Outgoing("notice", {"account": account_id, "what": "password_disabled"})
    return accounts.disable_password(
        account_id, failed_at=float(payload["failed_at"]), effects=because(line, outgoing=(told,))
    )
