"""What happens when a login transaction is not there, or moved under our feet.

Every write of a transaction is a compare-and-set: of two parallel requests of one tab, one wins and the other is told.
"""

from dataclasses import replace

from gateway.journal.effects import Effects
from gateway.refusal import Refusal
from gateway.signin.ports import SigninTransactions
from gateway.signin.transaction import SigninTransaction


class TransactionGone(Refusal):
    """Unknown, expired, closed, or another browser's: one text for all."""

    code = "signin_gone"
    text = "signin.gone"


class TransactionMoved(TransactionGone):
    """Another request of the same tab went first; its page shows where the journey stands now."""

    code = "signin_moved"


def saved(
    transactions: SigninTransactions, transaction: SigninTransaction, now: float, effects: Effects
) -> SigninTransaction:
    """Writes it with its effects and returns it as it is stored now. Raises TransactionMoved."""
    if not transactions.save(transaction, now, effects):
        raise TransactionMoved("the transaction moved or is gone")
    return replace(transaction, version=transaction.version + 1)


class TooManySignins(Refusal):
    """One origin opens more sign-ins than a whole hospital would: it waits, and the store is spared."""

    code = "too_many_signins"
    text = "error.e429.text"
    status = 429
