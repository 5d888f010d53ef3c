"""The provider's keys: when they are read again, how long they serve without it, which of them are taken."""

import json
import threading
from typing import Any

import pytest

from gateway.refusal import Refusal
from gateway.signin.psc.json_object import MalformedObject
from gateway.signin.psc.key_set import PinnedKeys, read_keys
from gateway.signin.psc.refusals import PscUnavailable
from tests.fakes import SetClock
from tests.unit.signin.psc.honest_psc import ELLIPTIC, ENCRYPTION, SIGNING, HonestPsc, environment, published

DOWN = PscUnavailable("down")


class Keys:
    def __init__(self) -> None:
        self.clock = SetClock()
        self.psc = HonestPsc(self.clock)
        self.pinned = PinnedKeys(self.psc, environment(), self.clock)

    def publish(self, *kids: str) -> None:
        self.psc.key_set = json.dumps({"keys": [published(SIGNING, kid=kid) for kid in kids]}).encode()

    def readings(self) -> int:
        return self.psc.calls.count("keys")


@pytest.mark.spec("PSC-06", "PSC-R10")
def test_a_rotation_is_noticed_at_once() -> None:
    keys = Keys()
    keys.publish("old")
    assert keys.pinned.find("old") is not None
    keys.clock.advance(60)
    keys.publish("old", "new")
    assert keys.pinned.find("new") is not None
    assert keys.readings() == 2


@pytest.mark.spec("PSC-06")
def test_a_thousand_unknown_keys_read_the_set_once_a_minute() -> None:
    keys = Keys()
    for number in range(1000):
        assert keys.pinned.find(f"random {number}") is None
        keys.clock.advance(0.0599)
    assert keys.readings() == 1
    keys.clock.advance(0.2)
    keys.pinned.find("random")
    assert keys.readings() == 2


@pytest.mark.spec("PSC-06")
def test_a_provider_that_is_down_is_asked_for_its_keys_once_a_minute_too() -> None:
    keys = Keys()
    keys.psc.key_set = DOWN
    for _ in range(10):
        with pytest.raises(PscUnavailable):
            keys.pinned.find("signing")
    assert keys.readings() == 1


def test_a_fresh_set_is_not_read_again() -> None:
    keys = Keys()
    keys.pinned.find("signing")
    keys.clock.advance(3599)
    keys.pinned.find("signing")
    assert keys.readings() == 1
    keys.clock.advance(1)
    keys.pinned.find("signing")
    assert keys.readings() == 2


@pytest.mark.spec("PSC-06")
@pytest.mark.parametrize("outage", [DOWN, b"<html>", b'{"keys": []}', b'{"keys": 3}'])
def test_the_keys_of_yesterday_serve_for_24_hours_of_outage_and_no_longer(outage: Any) -> None:
    keys = Keys()
    keys.pinned.find("signing")
    keys.psc.key_set = outage
    keys.clock.advance(24 * 3600)
    assert keys.pinned.find("signing") is not None
    keys.clock.advance(1)
    with pytest.raises(PscUnavailable):
        keys.pinned.find("signing")


def test_a_key_that_the_provider_withdrew_is_gone_at_the_next_reading() -> None:
    keys = Keys()
    keys.publish("old", "new")
    keys.pinned.find("old")
    keys.publish("new")
    keys.clock.advance(3600)
    assert keys.pinned.find("old") is None


def test_a_clock_set_back_does_not_stop_the_readings() -> None:
    keys = Keys()
    keys.pinned.find("signing")
    keys.clock.advance(-10_000)
    assert keys.pinned.find("unknown") is None
    assert keys.readings() == 2


def test_only_who_misses_a_key_waits_for_a_slow_reading() -> None:
    keys = Keys()
    keys.pinned.find("signing")
    keys.clock.advance(3600)
    asked, answer = threading.Event(), threading.Event()
    honest = keys.psc.keys

    def slow() -> bytes:
        asked.set()
        assert answer.wait(10)
        return honest()

    keys.psc.keys = slow  # type: ignore[method-assign]
    reader = threading.Thread(target=keys.pinned.find, args=("signing",))
    reader.start()
    assert asked.wait(10)
    assert keys.pinned.find("signing") is not None
    answer.set()
    reader.join(10)


@pytest.mark.spec("PSC-03")
@pytest.mark.parametrize(
    "changed",
    [
        {"use": "enc"},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "EC"},
        {"n": 5},
        {"n": "AQAB"},
        {"n": "é"},
        {"kid": ""},
        {"kid": 7},
        {"key_ops": ["encrypt"]},
    ],
)
def test_a_key_that_may_not_sign_is_left_aside_and_the_others_serve(changed: dict[str, Any]) -> None:
    bad = published(ENCRYPTION, **{"kid": "bad", **changed})
    keys = read_keys(json.dumps({"keys": [bad, published(SIGNING), "not an object"]}).encode())
    assert set(keys) == {"signing"}


def test_a_kid_that_names_two_keys_names_none() -> None:
    keys = read_keys(
        json.dumps(
            {"keys": [published(SIGNING), published(ENCRYPTION, kid="signing"), published(ELLIPTIC, alg="ES256")]}
        ).encode()
    )
    assert set(keys) == {"elliptic"}


@pytest.mark.spec("PSC-03")
def test_a_key_is_for_its_own_algorithms_only() -> None:
    whole = published(SIGNING, kid="any")
    del whole["alg"]
    keys = read_keys(
        json.dumps(
            {"keys": [whole, published(SIGNING), published(ELLIPTIC, alg="ES256"), published(ELLIPTIC, kid="odd")]}
        ).encode()
    )
    assert {kid: set(key.algorithms) for kid, key in keys.items()} == {
        "any": {"RS256", "PS256"},
        "signing": {"RS256"},
        "elliptic": {"ES256"},
        "odd": set(),
    }


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"keys": {}}', b'{"keys": []}', b'{"keys": [], "keys": []}'])
def test_what_is_no_key_set_is_refused(text: bytes) -> None:
    with pytest.raises(MalformedObject):
        read_keys(text)


def test_a_set_larger_than_any_provider_has_is_refused() -> None:
    with pytest.raises(MalformedObject):
        read_keys(json.dumps({"keys": [published(SIGNING, kid=str(n)) for n in range(33)]}).encode())


def test_an_outage_is_told_apart_from_a_refusal() -> None:
    assert issubclass(PscUnavailable, Refusal)
    assert PscUnavailable.text != "signin.psc.refused"
