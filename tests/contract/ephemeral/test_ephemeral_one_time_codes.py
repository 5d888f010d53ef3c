"""One-time codes under way, on every engine."""

from dataclasses import replace

import pytest

from gateway.journal.effects import NO_EFFECTS
from gateway.signin.ports import CodeVerdict
from gateway.storage.ephemeral import EphemeralStore, RecordExistsError
from tests.contract.ephemeral.conftest import AtOnce
from tests.contract.ephemeral.ephemeral_samples import (
    MILLISECOND,
    NOW,
    RIGHT_MAC,
    WRONG_MAC,
    a_challenge,
    because_of,
    drained,
)


def _attempt(store: EphemeralStore, challenge_id: str, mac: bytes, now: float = NOW) -> tuple[CodeVerdict, int]:
    return store.one_time_codes.attempt(
        challenge_id, mac, now, if_accepted=because_of("accepted"), if_wrong=because_of("wrong")
    )


def test_a_challenge_comes_back_as_it_was_begun(store: EphemeralStore) -> None:
    challenge = a_challenge()
    store.one_time_codes.begin(challenge, because_of("begun"))
    assert store.one_time_codes.find(challenge.id, NOW) == challenge
    assert drained(store.spool) == ["begun"]


@pytest.mark.spec("OTP-03", "R002-15")
def test_the_right_code_is_accepted_once(store: EphemeralStore) -> None:
    challenge = a_challenge()
    store.one_time_codes.begin(challenge, NO_EFFECTS)
    assert _attempt(store, challenge.id, RIGHT_MAC) == (CodeVerdict.ACCEPTED, 4)
    assert _attempt(store, challenge.id, RIGHT_MAC) == (CodeVerdict.DEAD, 0)
    assert store.one_time_codes.find(challenge.id, NOW) is None
    assert drained(store.spool) == ["accepted"]


@pytest.mark.spec("OTP-03", "AC-017")
def test_of_parallel_right_codes_one_is_accepted(store: EphemeralStore, at_once: AtOnce) -> None:
    for _ in range(5):
        challenge = a_challenge()
        store.one_time_codes.begin(challenge, NO_EFFECTS)
        verdicts = at_once(2, lambda begun=challenge: _attempt(store, begun.id, RIGHT_MAC)[0])
        assert sorted(verdicts) == [CodeVerdict.ACCEPTED, CodeVerdict.DEAD]
    assert drained(store.spool) == ["accepted"] * 5


@pytest.mark.spec("OTP-04")
def test_the_last_wrong_try_destroys_the_challenge(store: EphemeralStore) -> None:
    challenge = a_challenge(attempts_left=3)
    store.one_time_codes.begin(challenge, NO_EFFECTS)
    tries = [_attempt(store, challenge.id, WRONG_MAC) for _ in range(3)]
    assert tries == [(CodeVerdict.WRONG, 2), (CodeVerdict.WRONG, 1), (CodeVerdict.WRONG, 0)]
    assert _attempt(store, challenge.id, RIGHT_MAC) == (CodeVerdict.DEAD, 0)
    assert store.one_time_codes.find(challenge.id, NOW) is None
    again = replace(challenge, mac=b"new", send_number=2)
    assert not store.one_time_codes.resend(again, expected_send_number=1, effects=because_of("resent"))
    assert drained(store.spool) == ["wrong"] * 3


@pytest.mark.spec("OTP-04")
def test_a_hundred_parallel_guesses_never_exceed_the_tries(store: EphemeralStore, at_once: AtOnce) -> None:
    challenge = a_challenge(attempts_left=5)
    store.one_time_codes.begin(challenge, NO_EFFECTS)
    tries = at_once(100, lambda: _attempt(store, challenge.id, WRONG_MAC))
    judged = [left for verdict, left in tries if verdict is CodeVerdict.WRONG]
    assert sorted(judged) == [0, 1, 2, 3, 4]
    assert drained(store.spool) == ["wrong"] * 5


@pytest.mark.spec("OTP-05")
def test_a_resend_kills_the_code_before_and_keeps_the_tries_used(store: EphemeralStore) -> None:
    challenge = a_challenge(attempts_left=5)
    store.one_time_codes.begin(challenge, NO_EFFECTS)
    for _ in range(3):
        _attempt(store, challenge.id, WRONG_MAC)
    fresh = replace(challenge, mac=b"n" * 32, send_number=2, sent_at=NOW + 60, expires_at=NOW + 660, attempts_left=5)
    assert store.one_time_codes.resend(fresh, expected_send_number=1, effects=because_of("resent"))
    assert store.one_time_codes.find(challenge.id, NOW + 60) == replace(fresh, attempts_left=2)
    assert _attempt(store, challenge.id, RIGHT_MAC, NOW + 60) == (CodeVerdict.WRONG, 1)
    assert _attempt(store, challenge.id, fresh.mac, NOW + 60) == (CodeVerdict.ACCEPTED, 0)
    assert drained(store.spool) == ["wrong", "wrong", "wrong", "resent", "wrong", "accepted"]


@pytest.mark.spec("OTP-05")
def test_a_resend_writes_the_new_code_and_nothing_else(store: EphemeralStore) -> None:
    challenge = a_challenge()
    store.one_time_codes.begin(challenge, NO_EFFECTS)
    fresh = replace(challenge, mac=b"n" * 32, send_number=2, sent_at=NOW + 60, expires_at=NOW + 660)
    foreign = replace(fresh, purpose="reset", channel="sms", client_id=None, contact_version=9, transaction="other")
    assert store.one_time_codes.resend(foreign, expected_send_number=1, effects=NO_EFFECTS)
    assert store.one_time_codes.find(challenge.id, NOW + 60) == fresh


def test_of_parallel_resends_one_succeeds(store: EphemeralStore, at_once: AtOnce) -> None:
    challenge = a_challenge()
    store.one_time_codes.begin(challenge, NO_EFFECTS)
    fresh = replace(challenge, mac=b"n" * 32, send_number=2, sent_at=NOW + 60, expires_at=NOW + 660)
    sent = at_once(20, lambda: store.one_time_codes.resend(fresh, expected_send_number=1, effects=because_of("resent")))
    assert sent.count(True) == 1
    assert drained(store.spool) == ["resent"]


@pytest.mark.spec("OTP-02")
def test_a_code_is_dead_at_its_end_and_not_a_millisecond_before(store: EphemeralStore) -> None:
    late, in_time = a_challenge(expires_at=NOW + 600), a_challenge(expires_at=NOW + 600)
    for challenge in (late, in_time):
        store.one_time_codes.begin(challenge, NO_EFFECTS)
    assert _attempt(store, late.id, RIGHT_MAC, NOW + 600) == (CodeVerdict.DEAD, 0)
    assert _attempt(store, in_time.id, RIGHT_MAC, NOW + 600 - MILLISECOND) == (CodeVerdict.ACCEPTED, 4)
    assert drained(store.spool) == ["accepted"]


def test_a_challenge_takes_a_new_code_for_fifteen_minutes(store: EphemeralStore) -> None:
    challenge = a_challenge(expires_at=NOW + 600)
    store.one_time_codes.begin(challenge, NO_EFFECTS)
    last = NOW + 900 - MILLISECOND
    assert store.one_time_codes.find(challenge.id, last) == challenge
    assert store.one_time_codes.find(challenge.id, NOW + 900) is None
    late = replace(challenge, send_number=2, sent_at=NOW + 900, expires_at=NOW + 1_500)
    assert not store.one_time_codes.resend(late, expected_send_number=1, effects=NO_EFFECTS)
    in_time = replace(late, sent_at=last)
    assert store.one_time_codes.resend(in_time, expected_send_number=1, effects=NO_EFFECTS)
    assert store.one_time_codes.find(challenge.id, NOW + 1_500 - MILLISECOND) == in_time
    assert store.one_time_codes.find(challenge.id, NOW + 1_500) is None


@pytest.mark.spec("OTP-04")
def test_a_challenge_cannot_begin_again_with_its_tries_restored(store: EphemeralStore) -> None:
    challenge = a_challenge(attempts_left=2)
    store.one_time_codes.begin(challenge, NO_EFFECTS)
    _attempt(store, challenge.id, WRONG_MAC)
    with pytest.raises(RecordExistsError):
        store.one_time_codes.begin(challenge, NO_EFFECTS)
    assert _attempt(store, challenge.id, WRONG_MAC) == (CodeVerdict.WRONG, 0)
