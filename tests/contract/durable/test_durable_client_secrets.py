"""The rotation of an application's secret is one transaction that judges its plan again, on both engines."""

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from gateway.applications.ports import SecretSlot, SecretsMovedError
from gateway.journal.effects import NO_EFFECTS
from gateway.storage.sql import Database
from gateway.storage.sql import client_secrets as adapter
from tests.contract.durable.samples import NOW, lines, told

OLD = SecretSlot("orientation", 1, b"1" * 32, NOW, None)
NEW = SecretSlot("orientation", 2, b"2" * 32, NOW + 10, None)
ENDED = dataclasses.replace(OLD, expires_at=NOW + 100)


@pytest.mark.spec("KEY-06")
def test_a_rotation_adds_the_new_slot_and_ends_the_old_after_the_overlap(database: Database) -> None:
    database.client_secrets.rotate(OLD, ending=(), at=NOW, effects=told("client_secret.added"))
    database.client_secrets.rotate(NEW, ending=(OLD,), at=NOW + 100, effects=told("client_secret.added"))
    assert database.client_secrets.of("orientation") == [NEW, ENDED]
    assert lines(database) == ["client_secret.added"] * 2


@pytest.mark.spec("CLI-02", "CLI-03")
@pytest.mark.parametrize(
    "stored",
    [
        [],
        [dataclasses.replace(OLD, digest=b"x" * 32)],
        [ENDED],
        [OLD, dataclasses.replace(NEW, expires_at=NOW + 11)],
        [OLD, dataclasses.replace(NEW, slot=3)],
    ],
    ids=["none left", "another secret", "ending already", "a live one in its place", "one more"],
)
def test_a_rotation_whose_plan_no_longer_fits_writes_nothing(database: Database, stored: list[SecretSlot]) -> None:
    for slot in stored:
        database.client_secrets.put(slot, NO_EFFECTS)
    with pytest.raises(SecretsMovedError):
        database.client_secrets.rotate(NEW, ending=(OLD,), at=NOW + 100, effects=told())
    assert sorted(database.client_secrets.of("orientation"), key=lambda slot: slot.slot) == stored
    assert lines(database) == []


def test_a_slot_that_has_ended_is_used_again_and_others_clients_do_not_matter(database: Database) -> None:
    ended = dataclasses.replace(NEW, digest=b"0" * 32, created_at=NOW - 9, expires_at=NEW.created_at)
    for slot in (OLD, ended, dataclasses.replace(OLD, client_id="suivi")):
        database.client_secrets.put(slot, NO_EFFECTS)
    database.client_secrets.rotate(NEW, ending=(OLD,), at=NOW + 100, effects=NO_EFFECTS)
    assert database.client_secrets.of("orientation") == [NEW, ENDED]


@pytest.mark.spec("CLI-03")
@pytest.mark.parametrize("ending", [(OLD,), ()], ids=["a rotation", "the first secret"])
def test_of_parallel_rotations_of_one_plan_one_is_done(
    database: Database, open_database: Callable[..., Database], ending: tuple[SecretSlot, ...]
) -> None:
    for slot in ending:
        database.client_secrets.put(slot, NO_EFFECTS)
    databases = [open_database() for _ in range(6)]
    start = Barrier(6)

    def rotate(number: int) -> bool:
        mine = dataclasses.replace(NEW, digest=bytes([number]) * 32, created_at=NEW.created_at + number / 8)
        start.wait()
        try:
            databases[number].client_secrets.rotate(mine, ending=ending, at=NOW + 100, effects=told())
        except SecretsMovedError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(rotate, range(6)))
    assert done.count(True) == 1
    newest, *others = database.client_secrets.of("orientation")
    assert newest.digest == bytes([done.index(True)]) * 32
    assert others == [ENDED][: len(ending)]
    assert len(lines(database)) == 1


@pytest.mark.spec("CLI-03")
def test_a_rotation_that_fails_at_its_last_act_never_was(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    database.client_secrets.put(OLD, NO_EFFECTS)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the journal cannot be written")

    monkeypatch.setattr(adapter, "record", fail)
    with pytest.raises(RuntimeError):
        database.client_secrets.rotate(NEW, ending=(OLD,), at=NOW + 100, effects=told())
    assert database.client_secrets.of("orientation") == [OLD]
