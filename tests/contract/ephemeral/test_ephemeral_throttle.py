"""Counters, on every engine."""

import pytest

from gateway.journal.effects import NO_EFFECTS
from gateway.signin.ports import Admission, DelayRule
from gateway.storage.ephemeral import EphemeralStore
from tests.contract.ephemeral.conftest import AtOnce
from tests.contract.ephemeral.ephemeral_samples import MILLISECOND, NOW, a_throttle_key, because_of, drained

DAY = 86_400
FREE = DelayRule(delays=(), max_in_window=1_000, window_seconds=DAY)
GROWING = DelayRule(delays=(0, 0, 5, 20), max_in_window=1_000, window_seconds=DAY)


def test_attempts_wait_as_long_as_the_rule_says(store: EphemeralStore) -> None:
    key = a_throttle_key()
    admit = store.throttle.admit
    assert admit(key, GROWING, NOW, NO_EFFECTS) == Admission(True, 1, NOW)
    assert admit(key, GROWING, NOW, NO_EFFECTS) == Admission(True, 2, NOW)
    assert admit(key, GROWING, NOW, NO_EFFECTS) == Admission(True, 3, NOW + 5)
    assert admit(key, GROWING, NOW + 5 - MILLISECOND, because_of("refused")) == Admission(False, 3, NOW + 5)
    assert admit(key, GROWING, NOW + 5, because_of("refused")) == Admission(True, 4, NOW + 25)
    assert admit(key, GROWING, NOW + 25, because_of("refused")) == Admission(
        True, 5, NOW + 45
    )  # the last delay repeats
    assert drained(store.spool) == ["refused"]


@pytest.mark.spec("THR-09", "AC-007")
def test_fifty_parallel_guesses_count_as_fifty(store: EphemeralStore, at_once: AtOnce) -> None:
    key = a_throttle_key()
    admissions = at_once(50, lambda: store.throttle.admit(key, FREE, NOW, NO_EFFECTS))
    assert sorted(one.failures for one in admissions) == list(range(1, 51))
    assert store.throttle.admit(key, FREE, NOW, NO_EFFECTS).failures == 51


@pytest.mark.spec("THR-09")
def test_parallel_guesses_never_exceed_the_rule(store: EphemeralStore, at_once: AtOnce) -> None:
    key, capped, capped_key = a_throttle_key(), DelayRule((), max_in_window=25, window_seconds=DAY), a_throttle_key()
    admissions = at_once(50, lambda: store.throttle.admit(key, GROWING, NOW, because_of("refused")))
    assert [one.admitted for one in admissions].count(True) == 3
    assert len(drained(store.spool)) == 47
    admissions = at_once(50, lambda: store.throttle.admit(capped_key, capped, NOW, NO_EFFECTS))
    assert [one.admitted for one in admissions].count(True) == 25


@pytest.mark.spec("THR-09")
def test_two_hundred_parallel_guesses_never_get_more_than_the_allowed_tries(
    store: EphemeralStore, at_once: AtOnce
) -> None:
    key = a_throttle_key()
    admissions = at_once(200, lambda: store.throttle.admit(key, GROWING, NOW, NO_EFFECTS))
    assert [one.admitted for one in admissions].count(True) == 3


def test_a_refused_attempt_is_not_counted(store: EphemeralStore) -> None:
    key = a_throttle_key()
    for _ in range(3):
        store.throttle.admit(key, GROWING, NOW, NO_EFFECTS)
    for _ in range(10):
        assert store.throttle.admit(key, GROWING, NOW + 4, NO_EFFECTS) == Admission(False, 3, NOW + 5)
    assert store.throttle.admit(key, GROWING, NOW + 5, NO_EFFECTS).admitted


def test_the_cap_lasts_until_the_oldest_failure_leaves_the_window(store: EphemeralStore) -> None:
    key, rule = a_throttle_key(), DelayRule((), max_in_window=3, window_seconds=DAY)
    for hour in range(3):
        assert store.throttle.admit(key, rule, NOW + 3_600 * hour, NO_EFFECTS).admitted
    refused = store.throttle.admit(key, rule, NOW + DAY - MILLISECOND, NO_EFFECTS)
    assert refused == Admission(False, 3, NOW + DAY)
    assert store.throttle.admit(key, rule, NOW + DAY, NO_EFFECTS) == Admission(True, 4, NOW + DAY)
    assert store.throttle.admit(key, rule, NOW + DAY, NO_EFFECTS) == Admission(False, 4, NOW + 3_600 + DAY)


def test_a_success_forgets_the_consecutive_failures_and_its_own_attempt_only(store: EphemeralStore) -> None:
    key, rule = a_throttle_key(), DelayRule((0, 0, 60), max_in_window=4, window_seconds=DAY)
    for _ in range(3):
        assert store.throttle.admit(key, rule, NOW, NO_EFFECTS).admitted
    store.throttle.succeeded(key)
    assert store.throttle.admit(key, rule, NOW, NO_EFFECTS) == Admission(True, 1, NOW)
    assert store.throttle.admit(key, rule, NOW, NO_EFFECTS) == Admission(True, 2, NOW)
    assert store.throttle.admit(key, rule, NOW, NO_EFFECTS) == Admission(False, 2, NOW + DAY)


def test_a_success_that_nothing_preceded_changes_nothing(store: EphemeralStore) -> None:
    key = a_throttle_key()
    store.throttle.succeeded(key)
    assert store.throttle.admit(key, GROWING, NOW, NO_EFFECTS).failures == 1


def test_consecutive_failures_outlive_the_window_and_end_after_thirty_days(store: EphemeralStore) -> None:
    key = a_throttle_key()
    store.throttle.admit(key, FREE, NOW, NO_EFFECTS)
    assert store.throttle.admit(key, FREE, NOW + 29 * DAY, NO_EFFECTS).failures == 2
    assert store.throttle.admit(key, FREE, NOW + 59 * DAY, NO_EFFECTS).failures == 1


def test_keys_do_not_disturb_each_other(store: EphemeralStore) -> None:
    key, other = a_throttle_key(), a_throttle_key()
    for _ in range(3):
        store.throttle.admit(key, GROWING, NOW, NO_EFFECTS)
    assert store.throttle.admit(other, GROWING, NOW, NO_EFFECTS).failures == 1
    assert store.throttle.count(key, limit=1, window_seconds=60, now=NOW)


def test_events_are_counted_in_fixed_windows(store: EphemeralStore) -> None:
    key = a_throttle_key()
    within = [store.throttle.count(key, limit=3, window_seconds=60, now=NOW + second) for second in range(5)]
    assert within == [True, True, True, False, False]
    assert store.throttle.count(key, limit=3, window_seconds=3_600, now=NOW)
    assert not store.throttle.count(key, limit=3, window_seconds=60, now=NOW + 60 - MILLISECOND)
    assert store.throttle.count(key, limit=1, window_seconds=60, now=NOW + 60)


def test_whether_a_window_is_full_is_asked_without_counting(store: EphemeralStore) -> None:
    key = a_throttle_key()

    def is_full(at: float, **changes: int) -> bool:
        return store.throttle.is_full(key, **{"limit": 2, "window_seconds": 60, **changes}, now=at)

    assert not is_full(NOW)
    for second in range(2):
        assert not is_full(NOW + second)
        assert store.throttle.count(key, limit=2, window_seconds=60, now=NOW + second)
    assert is_full(NOW + 60 - MILLISECOND)
    assert not is_full(NOW, limit=3)
    assert not is_full(NOW, window_seconds=3_600)
    assert not is_full(NOW + 60)


@pytest.mark.spec("THR-09")
def test_fifty_parallel_events_count_as_fifty(store: EphemeralStore, at_once: AtOnce) -> None:
    key = a_throttle_key()
    within = at_once(50, lambda: store.throttle.count(key, limit=30, window_seconds=60, now=NOW))
    assert within.count(True) == 30


def test_a_key_that_is_not_a_keyed_hash_is_refused(store: EphemeralStore) -> None:
    with pytest.raises(ValueError, match="not made by"):
        store.throttle.admit("ip:127.0.0.1", FREE, NOW, NO_EFFECTS)
