"""The nonce that a card is asked to sign: kept in the transaction, as a digest, for one use (SV-02, BRG-07, DECISIONS 12).

Taking it out of the transaction is a compare-and-set, so that of any number of parallel answers one goes on; the transaction
already binds it to one browser and dies with it. It lives two minutes; while the bridge's window is open the page that asked
for it may renew it, up to five minutes in all. The nonce itself is stored nowhere: the signed value only needs its digest.
"""

import hmac
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from gateway.journal.effects import NO_EFFECTS
from gateway.randomness import Randomness, digest, opaque
from gateway.signin.card.environment import Limits
from gateway.signin.card.refusals import CardRefused
from gateway.signin.gone import saved
from gateway.signin.ports import SigninTransactions
from gateway.signin.transaction import SigninTransaction

_KEY = "card_challenge"


@dataclass(frozen=True, slots=True)
class Challenge:
    """`nonce_digest` is SHA-256, in hexadecimal; instants are seconds since the epoch."""

    nonce_digest: str
    purpose: str
    asked_at: float
    expires_at: float

    def is_alive(self, now: float) -> bool:
        return now < self.expires_at


def new_challenge(purpose: str, *, now: float, limits: Limits, randomness: Randomness) -> tuple[str, Challenge]:
    """(nonce, challenge): 256 random bits."""
    nonce = opaque(randomness)
    return nonce, Challenge(digest(nonce), purpose, now, now + limits.nonce_seconds)


def renewed(challenge: Challenge, unverified_nonce: str, *, now: float, limits: Limits) -> Challenge:
    """Two more minutes, never beyond five after it was asked for. Raises CardRefused when it is dead or another."""
    if not hmac.compare_digest(digest(unverified_nonce), challenge.nonce_digest):
        raise CardRefused("challenge: another nonce")
    expires_at = min(now + limits.nonce_seconds, challenge.asked_at + limits.nonce_renewed_seconds)
    if not challenge.is_alive(now):
        raise CardRefused("challenge: expired")
    return replace(challenge, expires_at=expires_at)


def remember(transaction: SigninTransaction, challenge: Challenge) -> SigninTransaction:
    """A newer challenge replaces the one before: only the last one can be answered."""
    return replace(transaction, extra={**transaction.extra, _KEY: asdict(challenge)})


def open_challenge(transaction: SigninTransaction) -> Challenge:
    """Raises CardRefused when none is open."""
    kept: Mapping[str, Any] | None = transaction.extra.get(_KEY)
    if kept is None:
        raise CardRefused("challenge: none is open")
    return Challenge(**kept)


def take(
    transactions: SigninTransactions, transaction: SigninTransaction, *, expected_purpose: str, now: float
) -> tuple[SigninTransaction, Challenge]:
    """The challenge, which is no longer in the transaction, dead or alive. Raises CardRefused, or TransactionMoved to all
    callers but one."""
    challenge = open_challenge(transaction)
    rest = {key: value for key, value in transaction.extra.items() if key != _KEY}
    taken = saved(transactions, replace(transaction, extra=rest), now, NO_EFFECTS)
    if not challenge.is_alive(now):
        raise CardRefused("challenge: expired")
    if challenge.purpose != expected_purpose:
        raise CardRefused("challenge: purpose")
    return taken, challenge
