"""The mark of people, on both engines: no change that applications could be told of goes by without it, whoever makes it."""

import asyncio
import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

import pytest
import sqlalchemy as sa

from gateway.accounts.account import AccountStatus, RppsProof
from gateway.habilitations.live_rights import LiveRights
from gateway.habilitations.role_mapping import RoleMapping
from gateway.journal.effects import NO_EFFECTS
from gateway.oidc.ports import HeldRights, Person, PersonAsked
from gateway.storage.sql import Database
from gateway.wiring.people import PeopleFromAccounts
from gateway.wiring.remembered_people import RememberedPeople
from tests.contract.durable.samples import NOW, a_habilitation, a_structure, an_account, told

OpenDatabase = Callable[..., Database]
NOTHING_MAPPED = RoleMapping("v1", (), (), frozenset(), {})


@pytest.fixture
def other(database: Database, open_database: OpenDatabase) -> Database:
    """Another process, after a person with one habilitation was written."""
    database.accounts.create(an_account(), NO_EFFECTS)
    database.structures.put([a_structure()], NO_EFFECTS)
    database.habilitations.grant(a_habilitation(an_account(), a_structure()), NO_EFFECTS)
    return open_database(node="node-2")


CHANGES: dict[str, Callable[[Database], None]] = {
    "archived": lambda d: d.accounts.update(an_account(status=AccountStatus.ARCHIVED), NO_EFFECTS),
    "renamed": lambda d: d.accounts.update(an_account(family_name="Autre"), NO_EFFECTS),
    "proven": lambda d: d.accounts.update(an_account(rpps="99900000003", rpps_proof=RppsProof.CARD), NO_EFFECTS),
    "created": lambda d: d.accounts.create(an_account(2), NO_EFFECTS),
    "granted": lambda d: d.habilitations.grant(
        a_habilitation(an_account(), a_structure(), "h2", role_label="x"), told()
    ),
    "ended": lambda d: d.habilitations.end("hab-1", NO_EFFECTS),
    "seen again": lambda d: d.habilitations.apply(add=[], end=[], seen=["hab-1"], seen_at=NOW + 9, effects=NO_EFFECTS),
    "structure closed": lambda d: d.structures.put([a_structure(active=False)], NO_EFFECTS),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_another_process_s_commit_changes_the_mark(
    database: Database, other: Database, change: Callable[[Database], None]
) -> None:
    before = database.people_mark.read()
    assert before is not None
    assert database.people_mark.at_once() in {before, None}
    change(other)
    after = database.people_mark.read()
    assert after != before
    assert database.people_mark.at_once() in {after, None}


def test_what_nobody_is_told_of_leaves_the_mark(database: Database, other: Database) -> None:
    before = database.people_mark.read()
    other.accounts.note_signin(an_account().id, NOW, "acr")
    other.structures.put([], told())
    assert database.people_mark.read() == before


@pytest.mark.parametrize("table", ["account", "habilitation", "structure"])
def test_an_operator_s_own_statement_changes_the_mark(
    database: Database, other: Database, raw: sa.Engine, table: str
) -> None:
    column = {"account": "status", "habilitation": "end_on", "structure": "name"}[table]
    for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"):
        before = other.people_mark.read()
        with raw.begin() as connection:
            if statement.startswith("DELETE"):
                connection.execute(sa.text("DELETE FROM habilitation"))
            connection.execute(sa.text(statement))
        assert other.people_mark.read() != before


def test_sqlite_alone_knows_it_at_once(database: Database, url: str) -> None:
    assert (database.people_mark.at_once() is not None) == url.startswith("sqlite")


def test_a_transaction_is_unseen_until_its_commit_and_undone_with_it(
    database: Database, other: Database, raw: sa.Engine
) -> None:
    before = database.people_mark.read()
    with raw.connect() as connection:
        transaction = connection.begin()
        connection.execute(sa.text("UPDATE account SET language = 'en'"))
        assert database.people_mark.read() == before
        transaction.rollback()
    assert database.people_mark.read() == before


def _remembering(database: Database) -> RememberedPeople:
    rights = LiveRights(
        accounts=database.accounts,
        habilitations=database.habilitations,
        mapping=lambda: NOTHING_MAPPED,
        scale=None,  # type: ignore[arg-type]  # no rule asks
    )
    return RememberedPeople(PeopleFromAccounts(database.accounts, rights), database.people_mark, rights.version)


async def _at_once(people: RememberedPeople, asked: PersonAsked) -> tuple[Person, HeldRights | None] | None:
    return people.told_at_once(asked)


@pytest.mark.spec("TOK-06")
def test_raced_what_was_committed_before_the_question_is_always_in_the_answer(
    database: Database, open_database: OpenDatabase
) -> None:
    """Two writers in their own processes, each with its own person and both with a common structure; two readers."""
    accounts = [an_account(number, language="0") for number in (1, 2)]
    for account in accounts:
        database.accounts.create(account, NO_EFFECTS)
    written, done, lock = {account.id: 0 for account in accounts}, Event(), Lock()
    people = _remembering(database)
    remembered = 0

    def write(index: int) -> None:
        mine, own = open_database(node=f"writer-{index}"), accounts[index]
        for number in range(1, 60):
            mine.accounts.update(dataclasses.replace(own, language=str(number)), told())
            with lock:
                written[own.id] = number
            mine.structures.put([a_structure(name=f"{index}-{number}")], NO_EFFECTS)

    def read() -> int:
        nonlocal remembered
        asked = [PersonAsked(account.id, None, "acr", NOW) for account in accounts]
        questions = 0
        while not done.is_set():
            for one in asked:
                with lock:
                    expected = written[one.account_id]
                at_once = asyncio.run(_at_once(people, one))
                answer = at_once or people.told([one])[0]
                assert answer is not None
                assert int(answer[0].language) >= expected
                remembered += at_once is not None
                questions += 1
        return questions

    with ThreadPoolExecutor(4) as pool:
        reading = [pool.submit(read) for _ in range(2)]
        writing = [pool.submit(write, index) for index in range(2)]
        try:
            for one in writing:
                one.result(60)
        finally:
            done.set()
        assert all(one.result(10) for one in reading)
    last = [people.told([PersonAsked(account.id, None, "acr", NOW)])[0] for account in accounts]
    assert [told[0].language for told in last if told is not None] == ["59", "59"]


def test_nobody_is_read_twice_while_nothing_changes(database: Database, other: Database, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    people = _remembering(database)
    asked = PersonAsked(an_account().id, "application", "acr", NOW)
    first = people.told([asked])
    monkeypatch.setattr(type(database.accounts), "known", None)
    assert people.told([asked]) == first
    assert isinstance(first[0], tuple)
    assert isinstance(first[0][0], Person)
