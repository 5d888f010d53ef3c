"""What we remember of one question to Pro Santé Connect until its answer: in the transaction, for one use (PSC-01, PSC-R3).

The transaction's handle stands in `state`, so the callback finds the transaction; taking the attempt out of it is a
compare-and-set, so of two parallel callbacks one goes on. Refuses an answer that nobody asked for.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from gateway.journal.effects import Effects
from gateway.randomness import Randomness, digest, opaque
from gateway.signin.gone import saved
from gateway.signin.ports import SigninTransactions
from gateway.signin.psc.refusals import PscRefused
from gateway.signin.transaction import SigninTransaction

_KEY = "psc_attempt"


@dataclass(frozen=True, slots=True)
class Attempt:
    """Plain data. `reauthenticate`: a proof older than `started_at` does not count; `max_age_seconds`: how old it may be."""

    state_digest: str
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    started_at: float
    reauthenticate: bool = False
    max_age_seconds: int | None = None


def new_attempt(
    transaction_handle: str,
    *,
    now: float,
    randomness: Randomness,
    reauthenticate: bool = False,
    max_age_seconds: int | None = None,
) -> tuple[str, Attempt]:
    """(state, attempt): three independent secrets of 256 bits."""
    state = f"{transaction_handle}.{opaque(randomness)}"
    return state, Attempt(
        state_digest=digest(state),
        nonce=opaque(randomness),
        code_verifier=opaque(randomness),
        started_at=now,
        reauthenticate=reauthenticate,
        max_age_seconds=max_age_seconds,
    )


def transaction_handle_of(unverified_state: str | None) -> str | None:
    """Which transaction a callback speaks of, to be looked up with the browser's cookie."""
    handle, dot, _ = (unverified_state or "").partition(".")
    return handle if dot and handle else None


def remember(transaction: SigninTransaction, attempt: Attempt) -> SigninTransaction:
    """A newer question replaces the one before: only the last one can be answered."""
    return replace(transaction, extra={**transaction.extra, _KEY: asdict(attempt)})


def take(
    transactions: SigninTransactions, transaction: SigninTransaction, now: float, effects: Effects
) -> tuple[SigninTransaction, Attempt]:
    """The attempt, which is no longer in the transaction. Raises PscRefused, or TransactionMoved to all callers but one."""
    kept: Mapping[str, Any] | None = transaction.extra.get(_KEY)
    if kept is None:
        raise PscRefused("callback: no question is open")
    rest = {key: value for key, value in transaction.extra.items() if key != _KEY}
    return saved(transactions, replace(transaction, extra=rest), now, effects), Attempt(**kept)
