"""One tab of a browser in the middle of a sign-in, over stores made of dictionaries."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.journal.effects import NO_EFFECTS
from gateway.signin.card.refusals import CardRefused
from gateway.signin.card.signin import CardSignin
from gateway.signin.linking.identity import ProvedIdentity
from gateway.signin.request_context import RequestContext
from gateway.signin.transaction import Demand, SigninTransaction
from tests.fakes import CountedRandomness, FakeTransactions, SetClock, Written
from tests.unit.signin.card.cards import NOW, ORIGIN, Rig

CONTEXT = RequestContext("192.0.2.7", "ua", "incident")
HANDLE = "7" + "h" * 43


class NotedArrivals:
    """Linking, as far as the card knows it."""

    def __init__(self) -> None:
        self.arrived: list[tuple[ProvedIdentity, str | None]] = []

    def begin(self, txn: SigninTransaction, identity: ProvedIdentity, context: RequestContext) -> SigninTransaction:
        self.arrived.append((identity, None))
        return replace(txn, handle="8" + "n" * 43)

    def begin_activation(
        self, txn: SigninTransaction, token: str, identity: ProvedIdentity, context: RequestContext
    ) -> SigninTransaction:
        self.arrived.append((identity, token))
        return txn


class Tab:
    """A browser's tab in the middle of a sign-in."""

    def __init__(self, rig: Rig, **continuation: Any) -> None:
        self.rig = rig
        self.written, self.clock, self.linking = Written(), SetClock(), NotedArrivals()
        self.clock.at = NOW
        self.transactions = FakeTransactions(self.written)
        self.card = CardSignin(
            transactions=self.transactions,
            spool=self.written,
            verifier=rig.verifier,
            linking=self.linking,
            environment=rig.environment,
            origin=ORIGIN,
            clock=self.clock,
            randomness=CountedRandomness(),
        )
        self.transactions.open(
            SigninTransaction(HANDLE, "browser", Demand("orientation"), continuation, NOW, NOW + 900), NO_EFFECTS
        )

    @property
    def txn(self) -> SigninTransaction:
        found = self.transactions.find(HANDLE, self.clock.at)
        assert found is not None
        return found

    def nonce(self) -> str:
        return self.card.challenge(self.txn)[1].nonce

    def answer(self, unverified: object, **activation: str) -> SigninTransaction:
        return self.card.answered(self.txn, unverified, CONTEXT, **activation)

    def why_refused(self, unverified: object) -> str:
        with pytest.raises(CardRefused) as refusal:
            self.answer(unverified)
        return refusal.value.detail
