"""One number can be the factor of two accounts; whoever holds the other one is told, and so is who binds it (SMS-06)."""

from collections.abc import Sequence

from gateway.journal.effects import Effects, Outgoing, because
from gateway.journal.events import Event, Outcome

ACCOUNTS_PER_NUMBER = 2


def phone_shared(account_ids: Sequence[str], at: float) -> Effects:
    """What is written with the binding that made a number that of these accounts."""
    return because(
        *(Event("account.phone_shared", Outcome.SUCCESS, at, target=account) for account in account_ids),
        outgoing=tuple(Outgoing("notice", {"account": account, "what": "phone_shared"}) for account in account_ids),
    )
