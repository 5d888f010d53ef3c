"""What a session keeps of Pro Santé Connect or of a card, and an identity that waits in a transaction, on every engine."""

from dataclasses import replace

from gateway.journal.effects import NO_EFFECTS
from gateway.signin.evidence import Evidence, Means
from gateway.storage.ephemeral import EphemeralStore
from tests.contract.ephemeral.ephemeral_samples import NOW, a_session, a_transaction

UPSTREAM = {
    "kind": "psc",
    "issuer": "https://psc.exemple.invalid",
    "amr": ["pwd"],
    "expires_at": NOW + 60,
    "id_token": None,
}


def test_a_session_is_read_with_what_its_means_said(store: EphemeralStore) -> None:
    session = replace(a_session(), evidence=(Evidence(Means.PSC, NOW),), upstream=UPSTREAM)
    store.sessions.start(session, NOW, NO_EFFECTS)
    assert store.sessions.find(session.handle, NOW) == session
    plain = a_session()
    store.sessions.start(plain, NOW, NO_EFFECTS)
    assert store.sessions.find(plain.handle, NOW) == plain


def test_a_transaction_is_read_with_the_identity_that_waits_in_it(store: EphemeralStore) -> None:
    held = {
        "identity": {"kind": "card", "proved_at": NOW + 0.125, "chosen": False, "activation": None, "sealed": "AA-_"}
    }
    transaction = replace(a_transaction(), extra=held)
    store.transactions.open(transaction, NO_EFFECTS)
    assert store.transactions.find(transaction.handle, NOW) == transaction
