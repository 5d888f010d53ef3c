"""What is remembered of people is given only under the mark it was read by, and only while the clock does not change it."""

import asyncio
import math
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.oidc.ports import Person, PersonAsked
from gateway.wiring import remembered_people
from gateway.wiring.remembered_people import RememberedPeople, Told


class Accounts:
    """Says how often it was read, and the instants between which what it says holds."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.between = (-math.inf, math.inf)
        self.while_reading = lambda: None

    def told_between(self, asked: Sequence[PersonAsked]) -> Sequence[tuple[Told | None, float, float]]:
        self.read += [one.account_id for one in asked]
        self.while_reading()
        return [(None if one.account_id == "nobody" else self._told(one), *self.between) for one in asked]

    def _told(self, one: PersonAsked) -> Told:
        name = f"reading {len(self.read)}"
        return Person(one.account_id, True, name, "Exemple", None, False, None, None, None, "fr"), None


class Mark:
    def __init__(self) -> None:
        self.mark: str | None = "m1"
        self.without_waiting = True

    def at_once(self) -> str | None:
        return self.mark if self.without_waiting else None

    def read(self) -> str | None:
        return self.mark


@pytest.fixture
def accounts() -> Accounts:
    return Accounts()


@pytest.fixture
def mark() -> Mark:
    return Mark()


@pytest.fixture
def version() -> list[str]:
    return ["v1"]


@pytest.fixture
def people(accounts: Accounts, mark: Mark, version: list[str]) -> RememberedPeople:
    return RememberedPeople(accounts, mark, lambda: version[0])  # type: ignore[arg-type]


def asking(account_id: str = "a", *, now: float = 100.0, acr: str = "acr", named: bool = True) -> PersonAsked:
    return PersonAsked(account_id, "application", acr, now, named)


def at_once(people: RememberedPeople, *asked: PersonAsked) -> Any:
    """What is told of the last, all of them asked in one turn of an event loop."""

    async def ask() -> Any:
        return [people.told_at_once(one) for one in asked][-1]

    return asyncio.run(ask())


def test_the_questions_of_one_turn_share_one_reading_of_the_mark(people: RememberedPeople, mark: Mark) -> None:
    people.told([asking()])

    async def ask() -> None:
        assert people.told_at_once(asking()) is not None
        mark.mark = "m2"  # after the requests of this turn came
        assert people.told_at_once(asking()) is not None
        await asyncio.sleep(0)
        assert people.told_at_once(asking()) is None

    asyncio.run(ask())


def test_a_loop_that_ended_in_its_turn_leaves_no_mark_to_the_next(people: RememberedPeople, mark: Mark) -> None:
    people.told([asking()])

    async def ask() -> object:
        return people.told_at_once(asking())

    with asyncio.Runner() as first:
        assert first.run(ask()) is not None
        people._of_turn = first.get_loop(), "m1"  # as if its turn had not come to its end
    mark.mark = "m2"
    assert asyncio.run(ask()) is None


def test_what_was_read_is_told_at_once_until_the_mark_changes(
    people: RememberedPeople, accounts: Accounts, mark: Mark
) -> None:
    assert at_once(people, asking()) is None
    (told,) = people.told([asking()])
    assert at_once(people, asking()) == told == people.told([asking()])[0]
    mark.mark = "m2"
    assert at_once(people, asking()) is None
    assert people.told([asking()]) != [told]
    assert accounts.read == ["a", "a"]


def test_each_question_has_its_own_answer(people: RememberedPeople, version: list[str]) -> None:
    people.told([asking()])
    assert at_once(people, asking("b")) is None
    assert at_once(people, asking(acr="stronger")) is None
    assert at_once(people, asking(named=False)) is None
    version[0] = "v2"
    assert at_once(people, asking()) is None


def test_what_the_clock_may_have_changed_is_read_anew(people: RememberedPeople, accounts: Accounts) -> None:
    accounts.between = (90.0, 110.0)
    people.told([asking()])
    assert at_once(people, asking(now=90.5)) is not None
    assert at_once(people, asking(now=109.5)) is not None
    assert at_once(people, asking(now=110.0)) is None
    assert at_once(people, asking(now=90.0)) is None


def test_what_changes_while_it_is_read_is_not_kept_for_the_new_mark(
    people: RememberedPeople, accounts: Accounts, mark: Mark
) -> None:
    def changes() -> None:
        mark.mark = "m2"
        accounts.while_reading = lambda: None
        people.told([asking("b")])  # another thread reads under the new mark meanwhile

    accounts.while_reading = changes
    people.told([asking()])
    assert at_once(people, asking()) is None
    assert at_once(people, asking("b")) is not None


def test_without_a_mark_nothing_is_remembered(people: RememberedPeople, accounts: Accounts, mark: Mark) -> None:
    mark.mark = None
    people.told([asking()])
    people.told([asking()])
    assert at_once(people, asking()) is None
    assert accounts.read == ["a", "a"]


def test_where_the_mark_is_a_trip_away_it_saves_the_reading(
    people: RememberedPeople, accounts: Accounts, mark: Mark
) -> None:
    mark.without_waiting = False
    people.told([asking()])
    assert at_once(people, asking()) is None
    people.told([asking(), asking("b")])
    assert accounts.read == ["a", "b"]


def test_an_unknown_account_is_looked_for_each_time(people: RememberedPeople, accounts: Accounts) -> None:
    assert people.told([asking("nobody")]) == [None]
    assert people.told([asking("nobody")]) == [None]
    assert accounts.read == ["nobody", "nobody"]


def test_there_is_an_end_to_what_is_remembered(people: RememberedPeople, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered_people, "MOST", 3)
    for number in range(5):
        people.told([asking(f"a{number}")])
    kept = [number for number in range(5) if at_once(people, asking(f"a{number}")) is not None]
    assert kept == [3, 4]
