"""Identifiers that failed from one address, and the turns of those who wait there, on every engine."""

import pytest

from gateway.signin.password.failed_identifiers import SprayLimit, Turns
from gateway.storage.ephemeral import EphemeralStore
from tests.contract.ephemeral.conftest import AtOnce
from tests.contract.ephemeral.ephemeral_samples import MILLISECOND, NOW, a_throttle_key, because_of, drained

LIMIT = SprayLimit(most=5, seconds=300, quiet_seconds=3600)
TURNS = Turns(at_least=5, at_most=60, interval=1)


def admitted(
    store: EphemeralStore, origin: str, who: str | None = None, *, at: float = NOW, waited: bool = False
) -> bool:
    return store.failed_identifiers.admit(
        origin, who or a_throttle_key(), LIMIT, at, waited=waited, if_crossed=because_of("crossed")
    )


@pytest.mark.spec("THR-05")
def test_so_many_identifiers_fail_from_one_address_and_the_next_must_wait(store: EphemeralStore) -> None:
    origin, other = a_throttle_key(), a_throttle_key()
    assert [admitted(store, origin) for _ in range(7)] == [True] * 5 + [False] * 2
    assert store.failed_identifiers.crossed(origin, LIMIT, NOW)
    assert admitted(store, origin, waited=True)
    assert not admitted(store, origin)
    assert admitted(store, other)
    assert not store.failed_identifiers.crossed(other, LIMIT, NOW)


def test_one_identifier_counts_once_however_often_it_fails(store: EphemeralStore) -> None:
    origin, who = a_throttle_key(), a_throttle_key()
    assert all(admitted(store, origin, who) for _ in range(20))
    assert [admitted(store, origin) for _ in range(5)] == [True] * 4 + [False]
    assert admitted(store, origin, who)  # one of the five: nobody else failed beyond the limit


def test_what_succeeded_did_not_fail(store: EphemeralStore) -> None:
    origin = a_throttle_key()
    for _ in range(20):
        who = a_throttle_key()
        assert admitted(store, origin, who)
        store.failed_identifiers.succeeded(origin, who)
    assert not store.failed_identifiers.crossed(origin, LIMIT, NOW)


def test_a_failure_is_forgotten_after_its_time(store: EphemeralStore) -> None:
    origin = a_throttle_key()
    for second in range(5):
        assert admitted(store, origin, at=NOW + second)
    assert not admitted(store, origin, at=NOW + 300 - MILLISECOND)
    assert store.failed_identifiers.crossed(origin, LIMIT, NOW + 300 - MILLISECOND)
    assert not store.failed_identifiers.crossed(origin, LIMIT, NOW + 300)
    assert admitted(store, origin, at=NOW + 300)
    assert not admitted(store, origin, at=NOW + 300)


@pytest.mark.spec("THR-05")
def test_the_crossing_is_told_once_an_hour(store: EphemeralStore) -> None:
    origin = a_throttle_key()
    for _ in range(4):
        admitted(store, origin)
    assert drained(store.spool) == []
    for _ in range(20):
        admitted(store, origin, waited=True)
    assert drained(store.spool) == ["crossed"]
    for _ in range(5):
        admitted(store, origin, at=NOW + 3600 - MILLISECOND, waited=True)
    assert drained(store.spool) == []
    admitted(store, origin, at=NOW + 3600, waited=True)
    assert drained(store.spool) == ["crossed"]


def test_no_more_is_remembered_than_the_limit(store: EphemeralStore) -> None:
    origin, first = a_throttle_key(), a_throttle_key()
    admitted(store, origin, first)
    for second in range(1, 50):
        admitted(store, origin, at=NOW + second, waited=True)
    # The five newest count until five minutes after them, and nothing older is there to come back.
    assert store.failed_identifiers.crossed(origin, LIMIT, NOW + 45 + 300 - MILLISECOND)
    assert not store.failed_identifiers.crossed(origin, LIMIT, NOW + 45 + 300)


@pytest.mark.spec("THR-05", "THR-09")
def test_of_parallel_tries_no_more_are_admitted_than_the_limit(store: EphemeralStore, at_once: AtOnce) -> None:
    origin = a_throttle_key()
    assert at_once(50, lambda: admitted(store, origin)).count(True) == 5
    assert drained(store.spool) == ["crossed"]


def test_turns_follow_each_other_and_the_queue_has_an_end(store: EphemeralStore) -> None:
    origin = a_throttle_key()
    turn = store.failed_identifiers.next_turn
    assert [turn(origin, TURNS, NOW) - NOW for _ in range(4)] == pytest.approx([5, 6, 7, 8])
    assert turn(a_throttle_key(), TURNS, NOW) == NOW + 5
    for _ in range(80):
        assert NOW + 5 <= turn(origin, TURNS, NOW) <= NOW + 60
    assert turn(origin, TURNS, NOW) == NOW + 60
    assert turn(origin, TURNS, NOW + 3600) == NOW + 3605


def test_parallel_turns_are_all_different(store: EphemeralStore, at_once: AtOnce) -> None:
    origin = a_throttle_key()
    turns = at_once(25, lambda: store.failed_identifiers.next_turn(origin, TURNS, NOW))
    assert len(set(turns)) == 25
