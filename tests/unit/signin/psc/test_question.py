"""What is asked of Pro Santé Connect, and what is remembered of it."""

import base64
import hashlib
import json
from dataclasses import asdict
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.journal.effects import NO_EFFECTS
from gateway.randomness import digest
from gateway.signin.gone import TransactionMoved
from gateway.signin.psc.attempt import remember, take, transaction_handle_of
from gateway.signin.psc.refusals import PscRefused
from gateway.signin.transaction import Demand, SigninTransaction
from tests.fakes import FakeTransactions, Written
from tests.unit.signin.psc.honest_psc import CLIENT_ID, HANDLE, Visit


def octets(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.spec("PSC-R2", "PSC-01")
def test_the_address_holds_exactly_what_the_service_asks_for() -> None:
    visit = Visit()
    parts = urlsplit(visit.address)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == "https://wallet.psc.test/auth"
    assert parse_qs(parts.query, keep_blank_values=True, strict_parsing=True) == {
        "response_type": ["code"],
        "client_id": [CLIENT_ID],
        "redirect_uri": ["https://connexion.exemple.fr/signin/psc/callback"],
        "scope": ["openid scope_all"],
        "acr_values": ["eidas1"],
        "state": [visit.asked["state"]],
        "nonce": [visit.attempt.nonce],
        "code_challenge": [visit.asked["code_challenge"]],
        "code_challenge_method": ["S256"],
    }


@pytest.mark.spec("PSC-01", "PSC-R3", "LNK-11")
def test_state_nonce_and_verifier_are_three_secrets_of_256_bits() -> None:
    first, second = Visit(), Visit()
    second.party.ask(HANDLE)
    _, again = second.party.ask(HANDLE)
    secrets = [visit.asked["state"].partition(".")[2] for visit in (first,)]
    secrets += [first.attempt.nonce, first.attempt.code_verifier, again.nonce, again.code_verifier]
    assert len(set(secrets)) == len(secrets)
    assert all(len(octets(secret)) == 32 for secret in secrets)


@pytest.mark.spec("PSC-01")
def test_the_challenge_is_the_hash_of_the_verifier_that_goes_with_the_code() -> None:
    visit = Visit()
    visit.answer()
    assert octets(visit.asked["code_challenge"]) == hashlib.sha256(visit.psc.code_verifier.encode()).digest()


def test_a_shared_post_and_a_recent_proof_are_asked_for() -> None:
    assert Visit(reauthenticate=True).asked["prompt"] == "login"
    assert Visit(max_age_seconds=300).asked["max_age"] == "300"


@pytest.mark.spec("PSC-R22")
def test_the_attempt_shows_none_of_its_secrets_and_keeps_only_the_digest_of_its_state() -> None:
    visit = Visit()
    assert visit.attempt.nonce not in repr(visit.attempt)
    assert visit.attempt.code_verifier not in repr(visit.attempt)
    assert visit.asked["state"] not in json.dumps(asdict(visit.attempt))
    assert visit.attempt.state_digest == digest(visit.asked["state"])


def transaction() -> SigninTransaction:
    return SigninTransaction(HANDLE, "browser", Demand(), {}, opened_at=1.0, expires_at=2e9, extra={"other": 1})


def test_the_callback_finds_its_transaction_by_the_state() -> None:
    assert transaction_handle_of(Visit().asked["state"]) == HANDLE
    assert transaction_handle_of(None) is None
    assert transaction_handle_of("no-dot") is None
    assert transaction_handle_of(".") is None


@pytest.mark.spec("PSC-01", "PSC-R3", "A6")
def test_an_attempt_is_taken_once_and_by_one_of_two_parallel_callbacks() -> None:
    store, visit = FakeTransactions(Written()), Visit()
    asked = remember(transaction(), visit.attempt)
    store.open(asked, NO_EFFECTS)
    found = store.find(HANDLE, 2.0)
    assert found is not None
    rest, attempt = take(store, found, 2.0, NO_EFFECTS)
    assert attempt == visit.attempt
    assert rest.extra == {"other": 1}
    with pytest.raises(TransactionMoved):
        take(store, found, 2.0, NO_EFFECTS)
    with pytest.raises(PscRefused):
        take(store, rest, 2.0, NO_EFFECTS)


def test_what_is_remembered_is_plain_data_for_a_store() -> None:
    extra = remember(transaction(), Visit().attempt).extra
    assert json.loads(json.dumps(extra)) == extra
