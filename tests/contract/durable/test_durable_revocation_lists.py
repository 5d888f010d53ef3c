"""Revocation lists are kept with their line in the journal, and their number never goes down, on both engines (SV-09)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from gateway.signin.card.ports import StoredList
from gateway.storage.sql import Database
from gateway.storage.sql import revocation_lists as adapter
from tests.contract.durable.samples import NOW, lines, told

FIRST = StoredList("a" * 64, 100, NOW, NOW + 6 * 86400.0, b"\x30\x00\xff")
NEWER = replace(FIRST, number=101, this_update=NOW + 1, der=b"newer")


@pytest.mark.spec("SV-09")
def test_a_list_comes_back_as_it_was_kept_and_each_authority_has_its_own(database: Database) -> None:
    other = replace(FIRST, authority="b" * 64, number=2**63 - 1)
    assert database.revocation_lists.keep(FIRST, told("revocation_list.kept"))
    assert database.revocation_lists.keep(other, told("revocation_list.kept"))
    assert database.revocation_lists.find(FIRST.authority) == FIRST
    assert database.revocation_lists.find("c" * 64) is None
    assert database.revocation_lists.numbers() == {FIRST.authority: 100, other.authority: 2**63 - 1}
    assert lines(database) == ["revocation_list.kept"] * 2


@pytest.mark.spec("SV-09")
@pytest.mark.parametrize("number", [100, 99, 0])
def test_the_same_number_or_a_lower_one_changes_nothing(database: Database, number: int) -> None:
    database.revocation_lists.keep(FIRST, told())
    assert not database.revocation_lists.keep(replace(NEWER, number=number), told("revocation_list.kept"))
    assert database.revocation_lists.find(FIRST.authority) == FIRST
    assert len(lines(database)) == 1
    assert database.revocation_lists.keep(NEWER, told())
    assert database.revocation_lists.find(FIRST.authority) == NEWER


@pytest.mark.spec("SV-09")
def test_of_parallel_writers_the_highest_number_stays(open_database: Callable[..., Database]) -> None:
    databases = [open_database() for _ in range(6)]
    start = Barrier(6)

    def keep(number: int) -> bool:
        start.wait()
        return databases[number].revocation_lists.keep(replace(FIRST, number=number), told())

    with ThreadPoolExecutor(6) as pool:
        kept = list(pool.map(keep, range(6)))
    assert kept[5]
    assert databases[0].revocation_lists.numbers() == {FIRST.authority: 5}
    assert len(lines(databases[0])) == kept.count(True)


@pytest.mark.spec("SV-09")
def test_a_list_and_its_line_are_written_together_or_not_at_all(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the journal cannot be written")

    monkeypatch.setattr(adapter, "record", fail)
    with pytest.raises(RuntimeError):
        database.revocation_lists.keep(FIRST, told())
    assert database.revocation_lists.numbers() == {}
