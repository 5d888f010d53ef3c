"""A new handle for a login transaction in which an identity comes, waits, or is linked (LNK-02, SES-02).

It is renewed with each proof, in the very step that writes the proof: whoever planted the transaction in somebody's browser,
or began it with an identity of their own, knows a handle that is worth nothing, and cannot confirm with what the victim proved.
"""

from collections.abc import Callable
from dataclasses import replace

from gateway.journal.effects import NO_EFFECTS, Effects
from gateway.randomness import PARTITIONS, Randomness, handle
from gateway.signin.gone import TransactionMoved
from gateway.signin.linking.pending import IdentitySeal, pending
from gateway.signin.ports import SigninTransactions
from gateway.signin.transaction import SigninTransaction

_TRIES = 8


class Renewal:
    def __init__(self, *, transactions: SigninTransactions, seal: IdentitySeal, randomness: Randomness) -> None:
        self._transactions = transactions
        self._seal = seal
        self._randomness = randomness

    def handle(self) -> str:
        return handle(self._randomness, self._randomness(1)[0] % PARTITIONS)

    def replaced(
        self, txn: SigninTransaction, by: SigninTransaction, now: float, effects: Effects
    ) -> SigninTransaction:
        """`by`, in the place of `txn`, which is no more. Raises TransactionMoved."""
        written = self._replaced(txn, by, now, effects)
        if written is None:
            raise TransactionMoved("the transaction moved or is gone")
        return written

    def saved(self, txn: SigninTransaction, now: float, effects: Effects) -> SigninTransaction:
        """Writes a proof. Raises TransactionMoved."""
        written = self._written(txn, now, effects)
        if written is None:
            raise TransactionMoved("the transaction moved or is gone")
        return written

    def amended(
        self,
        txn: SigninTransaction,
        change: Callable[[SigninTransaction], SigninTransaction],
        now: float,
        effects: Effects,
    ) -> SigninTransaction:
        """Writes a proof that must not be lost, a code just spent: again on the newer version if the transaction moved, as
        long as it is of the same person and not complete. Raises TransactionMoved."""
        current: SigninTransaction | None = txn
        for _ in range(_TRIES):
            if current is None or current.account_id != txn.account_id or current.session_digest is not None:
                break
            written = self._written(change(current), now, effects)
            if written is not None:
                return written
            current = self._transactions.find(txn.handle, now)
        raise TransactionMoved("the transaction moved or is gone")

    def _written(self, txn: SigninTransaction, now: float, effects: Effects) -> SigninTransaction | None:
        if pending(txn) is None:
            written = self._transactions.save(txn, now, effects)
            return replace(txn, version=txn.version + 1) if written else None
        new = self.handle()
        return self._replaced(txn, replace(txn, handle=new, extra=self._seal.moved(txn, new)), now, effects)

    def _replaced(
        self, txn: SigninTransaction, by: SigninTransaction, now: float, effects: Effects
    ) -> SigninTransaction | None:
        by = replace(by, version=1)
        if not self._transactions.close(txn, now, effects):
            return None
        self._transactions.open(by, NO_EFFECTS)
        return by
