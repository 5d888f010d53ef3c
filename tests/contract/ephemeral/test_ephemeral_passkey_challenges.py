"""Challenges for passkeys are taken once, whatever the race, on every engine (FID-04)."""

import pytest

from gateway.randomness import digest
from gateway.signin.passkey.challenge import PasskeyChallenge
from gateway.storage.ephemeral import EphemeralStore
from tests.contract.ephemeral.conftest import AtOnce
from tests.contract.ephemeral.ephemeral_samples import MILLISECOND, NOW

UNTIL = NOW + 600


def a_challenge(name: str = "c", bound_to: str = "a sign-in") -> PasskeyChallenge:
    return PasskeyChallenge(digest(name), digest(bound_to), UNTIL)


@pytest.mark.spec("FID-04")
def test_a_challenge_is_taken_once_as_it_was_issued(store: EphemeralStore) -> None:
    for name in ("c", "d"):
        store.passkey_challenges.issue(a_challenge(name), NOW)
    assert store.passkey_challenges.take(digest("c"), NOW) == a_challenge("c")
    assert store.passkey_challenges.take(digest("c"), NOW) is None
    assert store.passkey_challenges.take(digest("unknown"), NOW) is None
    assert store.passkey_challenges.take(digest("d"), UNTIL - MILLISECOND) == a_challenge("d")


@pytest.mark.spec("FID-04")
def test_a_challenge_that_has_expired_is_not_there(store: EphemeralStore) -> None:
    store.passkey_challenges.issue(a_challenge(), NOW)
    assert store.passkey_challenges.take(digest("c"), UNTIL) is None
    assert store.passkey_challenges.take(digest("c"), NOW) is None, "nor for a clock that is late"


@pytest.mark.spec("FID-04")
def test_of_fifty_parallel_answers_one_gets_the_challenge(store: EphemeralStore, at_once: AtOnce) -> None:
    store.passkey_challenges.issue(a_challenge(), NOW)
    taken = at_once(50, lambda: store.passkey_challenges.take(digest("c"), NOW))
    assert [one for one in taken if one is not None] == [a_challenge()]


def test_what_has_expired_is_collected(store: EphemeralStore, ephemeral_url: str) -> None:
    if not ephemeral_url.startswith("sqlite"):
        pytest.skip("its keys expire by themselves")
    store.passkey_challenges.issue(a_challenge(), NOW)
    assert store.purge(UNTIL - MILLISECOND) == 0
    assert store.purge(UNTIL) == 1
