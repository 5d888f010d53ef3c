"""Is the person in front of a shared post the one whose session is open there? Asked before that session serves (SES-11).

The transaction that a session lent its proofs to remembers it, and the answer beside it: what replaces those proofs forgets
both, and then nothing is asked.
"""

from collections.abc import Mapping
from typing import Any

from gateway.accounts.account import Account
from gateway.signin.transaction import SigninTransaction

_LENDER, _ANSWERED = "from_session", "same_person"


def lent_by(session_digest: str) -> Mapping[str, Any]:
    """`extra` of a transaction whose proofs come from this session."""
    return {_LENDER: session_digest}


def lender(txn: SigninTransaction) -> str | None:
    """The digest of the session that lent its proofs."""
    found: str | None = txn.extra.get(_LENDER)
    return found


def is_asked(txn: SigninTransaction) -> bool:
    return txn.shared is not None and lender(txn) is not None and not txn.extra.get(_ANSWERED)


def answered(txn: SigninTransaction) -> Mapping[str, Any]:
    """`extra` once the person has said yes."""
    return {**txn.extra, _ANSWERED: True}


def short_name(account: Account) -> str:
    """Enough for the person to know themselves, little for the next one: "Nadia B."."""
    initial = account.family_name.strip()[:1].upper()
    return f"{account.given_name} {initial}." if initial else account.given_name
