"""Signing keys and the applications' secrets, on both engines."""

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import sqlalchemy as sa

from gateway.applications.ports import SecretSlot
from gateway.journal.effects import NO_EFFECTS
from gateway.keys.ports import KeysMovedError
from gateway.keys.signing_key import Algorithm, KeyState, SigningKey
from gateway.storage.sql import Database, tables
from gateway.storage.sql.broken_rule import BrokenRuleError
from tests.contract.durable.samples import NOW, lines, told


def a_key(kid: str, state: KeyState, created_at: float = NOW, algorithm: Algorithm = Algorithm.ES256) -> SigningKey:
    return SigningKey(kid, algorithm, state, {"kty": "EC", "kid": kid}, f"pem of {kid}".encode(), created_at, NOW)


def test_signing_keys_are_read_oldest_first_as_they_were_written(database: Database) -> None:
    keys = [
        a_key("a", KeyState.STAGED, NOW + 2),
        a_key("b", KeyState.ACTIVE, NOW + 1),
        a_key("c", KeyState.ACTIVE, NOW, Algorithm.RS256),
    ]
    assert database.signing_keys.version() == 0
    database.signing_keys.replace(keys, expected_version=0, effects=told("key.staged"))
    assert database.signing_keys.all() == keys[::-1]
    assert database.signing_keys.version() == 1
    assert lines(database) == ["key.staged"]


def test_a_successor_becomes_active_in_the_step_where_the_other_steps_down(database: Database) -> None:
    old, new = a_key("old", KeyState.ACTIVE), a_key("new", KeyState.STAGED, NOW + 1)
    database.signing_keys.replace([old, new], expected_version=0, effects=NO_EFFECTS)
    changed = [
        dataclasses.replace(new, state=KeyState.ACTIVE, state_since=NOW + 2),
        dataclasses.replace(old, state=KeyState.RETIRING, state_since=NOW + 2),
    ]
    database.signing_keys.replace(changed, expected_version=1, effects=NO_EFFECTS)
    assert database.signing_keys.all() == changed[::-1]


@pytest.mark.spec("KEY-01")
def test_two_active_keys_of_one_algorithm_are_refused_by_the_database(database: Database) -> None:
    database.signing_keys.replace([a_key("one", KeyState.ACTIVE)], expected_version=0, effects=NO_EFFECTS)
    with pytest.raises(BrokenRuleError) as refused:
        database.signing_keys.replace([a_key("two", KeyState.ACTIVE)], expected_version=1, effects=told())
    assert refused.value.rule == "uq_signing_key_active"
    assert [key.kid for key in database.signing_keys.all()] == ["one"]
    assert database.signing_keys.version() == 1
    assert lines(database) == []


@pytest.mark.spec("KEY-01")
def test_a_retired_key_is_gone_and_its_private_half_forgotten(database: Database, raw: sa.Engine) -> None:
    key = a_key("old", KeyState.RETIRING)
    database.signing_keys.replace([key], expected_version=0, effects=NO_EFFECTS)
    database.signing_keys.replace(
        [dataclasses.replace(key, state=KeyState.RETIRED)], expected_version=1, effects=NO_EFFECTS
    )
    assert database.signing_keys.all() == []
    with raw.connect() as connection:
        row = connection.execute(sa.select(tables.signing_key)).one()
    assert (row.kid, row.state, row.private_pem) == ("old", "retired", None)


def test_of_parallel_changes_of_the_keys_one_is_written_and_the_others_must_plan_again(
    database: Database, open_database: Callable[..., Database]
) -> None:
    databases = [open_database() for _ in range(4)]
    start = Barrier(4)

    def change(number: int) -> bool:
        start.wait()
        try:
            key = a_key(f"kid-{number}", KeyState.STAGED)
            databases[number].signing_keys.replace([key], expected_version=0, effects=told("key.staged"))
        except KeysMovedError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(change, range(4))).count(True) == 1
    assert len(database.signing_keys.all()) == database.signing_keys.version() == len(lines(database)) == 1


def test_a_client_has_two_slots_and_the_newest_comes_first(database: Database) -> None:
    old = SecretSlot("orientation", 1, b"1" * 32, NOW, None)
    new = SecretSlot("orientation", 2, b"2" * 32, NOW + 1, NOW + 99)
    for slot in (old, new, SecretSlot("suivi", 1, b"3" * 32, NOW, None)):
        database.client_secrets.put(slot, told("client_secret.added"))
    assert database.client_secrets.of("orientation") == [new, old]
    assert database.client_secrets.of("nobody\0") == []
    replaced = SecretSlot("orientation", 1, b"4" * 32, NOW + 2, None)
    database.client_secrets.put(replaced, told("client_secret.added"))
    assert database.client_secrets.of("orientation") == [replaced, new]
    assert lines(database) == ["client_secret.added"] * 4


def test_an_expiry_only_comes_nearer(database: Database) -> None:
    database.client_secrets.put(SecretSlot("orientation", 1, b"1" * 32, NOW, None), NO_EFFECTS)
    for at, expected in ((NOW + 50, NOW + 50), (NOW + 90, NOW + 50), (NOW + 10, NOW + 10)):
        database.client_secrets.expire("orientation", 1, at, told("client_secret.removed"))
        assert [slot.expires_at for slot in database.client_secrets.of("orientation")] == [expected]
