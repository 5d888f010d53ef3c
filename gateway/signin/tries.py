"""How often a second factor is tried in one transaction: each try is written before it is judged, so that of parallel guesses
one counts and the others are told that the transaction moved (THR-09).
"""

from dataclasses import replace

from gateway.journal.effects import NO_EFFECTS
from gateway.refusal import Refusal
from gateway.signin.evidence import Means
from gateway.signin.gone import TransactionMoved, saved
from gateway.signin.ports import SigninTransactions
from gateway.signin.transaction import SigninTransaction


class FactorRefused(Refusal):
    """A wrong code; `facts["attempts_left"]` in this sign-in."""

    code = "factor_refused"
    text = "signin.code_refused"


def tried(
    transactions: SigninTransactions, txn: SigninTransaction, factor: Means, *, at_most: int, now: float
) -> tuple[SigninTransaction, int]:
    """The transaction with one try more, and how many are left. Raises TransactionMoved: none is left, or another request of
    the same tab went first."""
    before = txn.tries.get(factor, 0)
    if before >= at_most:
        raise TransactionMoved("no try is left")
    counted = replace(txn, tries={**txn.tries, factor.value: before + 1})
    return saved(transactions, counted, now, NO_EFFECTS), at_most - before - 1
