"""A card's nonce is taken once, whichever the engine and however many answers come at the same moment (SV-02, BRG-07)."""

from dataclasses import replace

import pytest

from gateway.journal.effects import NO_EFFECTS
from gateway.randomness import system_randomness
from gateway.signin.card.challenge import new_challenge, remember, take
from gateway.signin.card.environment import Limits
from gateway.signin.card.refusals import CardRefused
from gateway.signin.gone import TransactionMoved
from gateway.storage.ephemeral import EphemeralStore
from tests.contract.ephemeral.conftest import AtOnce
from tests.contract.ephemeral.ephemeral_samples import NOW, a_transaction


@pytest.mark.spec("SV-02", "BRG-07")
def test_of_a_hundred_parallel_answers_one_takes_the_nonce(store: EphemeralStore, at_once: AtOnce) -> None:
    opened = a_transaction()
    _, challenge = new_challenge("login", now=NOW, limits=Limits(), randomness=system_randomness)
    store.transactions.open(remember(opened, challenge), NO_EFFECTS)

    def answer() -> str:
        txn = store.transactions.find(opened.handle, NOW)
        assert txn is not None
        try:
            take(store.transactions, txn, expected_purpose="login", now=NOW)
        except (CardRefused, TransactionMoved) as refusal:
            return type(refusal).__name__
        return "taken"

    answers = at_once(100, answer)
    assert answers.count("taken") == 1
    assert set(answers) <= {"taken", "CardRefused", "TransactionMoved"}
    assert store.transactions.find(opened.handle, NOW) == replace(opened, version=2)
