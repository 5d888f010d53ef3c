"""KEY-01, KEY-02 and CLI-02 as pure rules."""

import itertools
from dataclasses import replace

import pytest

from gateway.journal.effects import Effects
from gateway.keys.ports import KeysMovedError
from gateway.keys.rotation import (
    DAY,
    Plan,
    RotationRules,
    Step,
    UnlawfulStepError,
    apply_plan,
    new_key,
    plan,
    plan_abandon,
)
from gateway.keys.signing_key import Algorithm, KeyState, SigningKey
from gateway.randomness import system_randomness

RULES = RotationRules(algorithms=(Algorithm.ES256,), rsa_bits=2048)
NOW = 1_800_000_000.0


class Store:
    def __init__(self) -> None:
        self.keys: dict[str, SigningKey] = {}
        self.number = 1
        self.effects: list[Effects] = []

    def all(self) -> list[SigningKey]:
        return [key for key in self.keys.values() if key.state is not KeyState.RETIRED]

    def version(self) -> int:
        return self.number

    def replace(self, keys, *, expected_version: int, effects: Effects) -> None:
        if expected_version != self.number:
            raise KeysMovedError
        self.keys |= {key.kid: key for key in keys}
        self.number += 1
        self.effects.append(effects)

    def states(self) -> list[KeyState]:
        return sorted(key.state for key in self.keys.values())


def rotate(store: Store, now: float, *, renew: bool = False, rules: RotationRules = RULES) -> Plan:
    planned = plan(store.all(), now, version=store.version(), rules=rules, renew=renew)
    apply_plan(planned, store, now=now, randomness=system_randomness, rules=rules, operator="test")
    return planned


@pytest.mark.spec("KEY-01")
def test_the_very_first_keys_sign_at_once_one_of_each_algorithm():
    store = Store()
    rotate(store, NOW, rules=RotationRules(rsa_bits=2048))
    assert {key.algorithm for key in store.all()} == {Algorithm.ES256, Algorithm.RS256}
    assert store.states() == [KeyState.ACTIVE, KeyState.ACTIVE]


@pytest.mark.spec("KEY-02")
def test_an_algorithm_added_later_is_published_before_it_signs():
    store = Store()
    rotate(store, NOW)
    rotate(store, NOW + 10, rules=RotationRules(rsa_bits=2048))
    assert next(key for key in store.all() if key.algorithm is Algorithm.RS256).state is KeyState.STAGED


@pytest.mark.spec("KEY-01", "KEY-02")
def test_a_rotation_goes_through_every_state_at_its_hour_and_not_a_second_before():
    store = Store()
    rotate(store, NOW)
    first = store.all()[0].kid
    rotate(store, NOW, renew=True)
    assert store.states() == [KeyState.ACTIVE, KeyState.STAGED]
    early = rotate(store, NOW + DAY - 1)
    assert early.steps == ()
    assert early.waits_until == NOW + DAY
    rotate(store, NOW + DAY)
    assert store.keys[first].state is KeyState.RETIRING
    assert store.states() == [KeyState.ACTIVE, KeyState.RETIRING]
    assert rotate(store, NOW + 2 * DAY - 1).steps == ()
    rotate(store, NOW + 2 * DAY)
    assert store.keys[first].state is KeyState.RETIRED
    assert [event.name for effects in store.effects for event in effects.events] == [
        "key.activated", "key.staged", "key.activated", "key.retired", "key.retired",
    ]  # fmt: skip


@pytest.mark.spec("KEY-01")
def test_asking_twice_stages_one_successor():
    store = Store()
    rotate(store, NOW)
    rotate(store, NOW + 1, renew=True)
    rotate(store, NOW + 2, renew=True)
    assert store.states() == [KeyState.ACTIVE, KeyState.STAGED]


@pytest.mark.spec("KEY-01", "KEY-02")
def test_at_every_hour_of_two_years_one_key_signs_and_every_token_still_verifies():
    store, published_since = Store(), {}
    for hour in range(0, 2 * 365 * 24, 6):
        now = NOW + hour * 3600
        rotate(store, now)
        keys = store.all()
        for key in keys:
            published_since.setdefault(key.kid, now)
        active = [key for key in keys if key.state is KeyState.ACTIVE]
        assert len(active) == 1
        assert hour == 0 or active[0].created_at == NOW or now - published_since[active[0].kid] >= DAY
    assert len(published_since) > 7


def test_an_active_key_gets_a_successor_by_itself_when_its_period_ends():
    store = Store()
    rotate(store, NOW)
    assert rotate(store, NOW + 89 * DAY - 1).steps == ()
    assert [step.after for step in rotate(store, NOW + 89 * DAY).steps] == [KeyState.STAGED]


@pytest.mark.spec("KEY-01")
def test_only_a_staged_key_can_be_abandoned():
    store = Store()
    rotate(store, NOW)
    active = store.all()[0].kid
    rotate(store, NOW, renew=True)
    staged = next(key.kid for key in store.all() if key.state is KeyState.STAGED)
    with pytest.raises(UnlawfulStepError):
        plan_abandon(store.all(), active, version=store.version())
    apply_plan(
        plan_abandon(store.all(), staged, version=store.version()),
        store, now=NOW, randomness=system_randomness, rules=RULES, operator="test",
    )  # fmt: skip
    assert store.states() == [KeyState.ACTIVE, KeyState.RETIRED]


@pytest.mark.spec("KEY-01")
def test_no_transition_but_the_lawful_ones_is_applied():
    lawful = {
        (KeyState.STAGED, KeyState.ACTIVE), (KeyState.ACTIVE, KeyState.RETIRING),
        (KeyState.RETIRING, KeyState.RETIRED), (KeyState.STAGED, KeyState.RETIRED),
    }  # fmt: skip
    key = new_key(Algorithm.ES256, KeyState.ACTIVE, now=NOW, randomness=system_randomness)
    for before, after in itertools.permutations(KeyState, 2):
        if (before, after) in lawful:
            continue
        store = Store()
        store.keys[key.kid] = replace(key, state=before)
        wrong = Plan((Step(Algorithm.ES256, key.kid, before, after),), 1)
        with pytest.raises(UnlawfulStepError):
            apply_plan(wrong, store, now=NOW, randomness=system_randomness, rules=RULES, operator="test")
        assert store.keys[key.kid].state is before


@pytest.mark.spec("CLI-02")
def test_a_plan_made_before_another_change_is_refused():
    store = Store()
    rotate(store, NOW)
    planned = plan(store.all(), NOW, version=store.version(), rules=RULES, renew=True)
    rotate(store, NOW, renew=True)
    with pytest.raises(KeysMovedError):
        apply_plan(planned, store, now=NOW, randomness=system_randomness, rules=RULES, operator="test")


@pytest.mark.spec("CLI-02")
def test_the_hash_names_the_change_and_the_state_it_was_made_from():
    store = Store()
    planned = plan([], NOW, version=1, rules=RULES)
    assert planned.hash == plan([], NOW + 999, version=1, rules=RULES).hash
    assert planned.hash != plan([], NOW, version=2, rules=RULES).hash
    assert planned.hash != plan([], NOW, version=1, rules=RotationRules()).hash
    rotate(store, NOW)
    waiting = plan(store.all(), NOW, version=store.version(), rules=RULES)
    assert waiting.hash != plan(store.all(), NOW, version=store.version(), rules=RULES, renew=True).hash


@pytest.mark.spec("TOK-02")
def test_keys_are_p256_or_rsa_of_3072_bits_unless_a_deployment_says_2048():
    assert RotationRules().rsa_bits == 3072
    ec = new_key(Algorithm.ES256, KeyState.STAGED, now=NOW, randomness=system_randomness)
    assert ec.public_jwk["crv"] == "P-256"
    rsa = new_key(Algorithm.RS256, KeyState.STAGED, now=NOW, randomness=system_randomness)
    assert len(rsa.public_jwk["n"]) == 512
    with pytest.raises(ValueError, match="2048"):
        new_key(Algorithm.RS256, KeyState.STAGED, now=NOW, randomness=system_randomness, rsa_bits=1024)


@pytest.mark.spec("KEY-05")
def test_a_key_name_is_random_and_its_public_half_holds_no_private_member():
    key = new_key(Algorithm.ES256, KeyState.STAGED, now=NOW, randomness=lambda size: b"\x00" * size)
    assert key.kid == "A" * 16
    assert set(key.public_jwk) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
