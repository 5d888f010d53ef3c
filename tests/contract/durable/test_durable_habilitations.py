"""Habilitations and structures, on both engines."""

import dataclasses
import datetime
from datetime import date

import pytest
import sqlalchemy as sa

from gateway.accounts.account import Account
from gateway.habilitations.habilitation import HabilitationState, Origin
from gateway.habilitations.ports import HabilitationRefusedError, SelfGrantError
from gateway.habilitations.structure import Structure, StructureKind
from gateway.journal.effects import NO_EFFECTS
from gateway.storage.sql import Database, tables
from tests.contract.durable.samples import NOW, a_habilitation, a_structure, an_account, lines, told


@pytest.fixture
def person(database: Database) -> Account:
    for number in (1, 2):
        database.accounts.create(an_account(number), NO_EFFECTS)
    return an_account(1)


@pytest.fixture
def place(database: Database) -> Structure:
    database.structures.put([a_structure(1), a_structure(2)], NO_EFFECTS)
    return a_structure(1)


def test_habilitations_are_read_with_their_structure(database: Database, person: Account, place: Structure) -> None:
    manual = a_habilitation(
        person, a_structure(2), "hab-2", origin=Origin.MANUAL, source=None, seen_at=None, granted_by=an_account(2).id
    )
    for habilitation in (a_habilitation(person, place), manual):
        database.habilitations.grant(habilitation, told("habilitation.granted"))
    database.habilitations.grant(a_habilitation(an_account(2), place, "of-another"), NO_EFFECTS)
    assert database.habilitations.of(person.id) == [
        (a_habilitation(person, place), place),
        (manual, a_structure(2)),
    ]
    assert database.habilitations.of("nobody") == []
    assert lines(database) == ["habilitation.granted"] * 2


def test_those_of_many_people_are_the_ones_of_each(database: Database, person: Account, place: Structure) -> None:
    for habilitation in (
        a_habilitation(person, place),
        a_habilitation(person, a_structure(2), "hab-2"),
        a_habilitation(an_account(2), place, "of-another"),
        a_habilitation(an_account(2), a_structure(2), "ended"),
    ):
        database.habilitations.grant(habilitation, NO_EFFECTS)
    database.habilitations.end("ended", NO_EFFECTS)
    asked = [person.id, an_account(2).id, "nobody"]
    assert dict(database.habilitations.of_many(asked)) == {one: database.habilitations.of(one) for one in asked[:2]}
    assert dict(database.habilitations.of_many([])) == {}
    assert dict(database.habilitations.of_many([person.id])) == {person.id: database.habilitations.of(person.id)}


def test_an_ended_habilitation_is_not_read_and_may_be_given_again(
    database: Database, person: Account, place: Structure
) -> None:
    database.habilitations.grant(a_habilitation(person, place), NO_EFFECTS)
    database.habilitations.end("hab-1", told("habilitation.ended"))
    assert database.habilitations.of(person.id) == []
    again = a_habilitation(person, place, "hab-2")
    database.habilitations.grant(again, NO_EFFECTS)
    assert database.habilitations.of(person.id) == [(again, place)]


@pytest.mark.spec("ADM-01")
def test_the_database_refuses_that_a_person_grants_something_to_oneself(
    database: Database, raw: sa.Engine, person: Account, place: Structure
) -> None:
    own = a_habilitation(person, place, origin=Origin.MANUAL, granted_by=person.id)
    with pytest.raises(SelfGrantError):
        database.habilitations.grant(own, told())
    with pytest.raises(SelfGrantError):
        database.habilitations.apply(add=[own], end=(), seen=(), seen_at=NOW, effects=told())
    given = a_habilitation(person, place, origin=Origin.MANUAL, granted_by=an_account(2).id)
    database.habilitations.grant(given, NO_EFFECTS)
    with pytest.raises(sa.exc.IntegrityError), raw.begin() as connection:
        connection.execute(sa.update(tables.habilitation).values(granted_by=person.id))
    assert database.habilitations.of(person.id) == [(given, place)]
    assert lines(database) == []


@pytest.mark.spec("ADM-05")
@pytest.mark.parametrize(
    ("start", "last", "after"),
    [
        (date(2026, 1, 1), date(2028, 1, 1), date(2028, 1, 2)),
        (date(2026, 12, 31), date(2028, 12, 31), date(2029, 1, 1)),
        (date(2027, 2, 28), date(2029, 2, 28), date(2029, 3, 1)),
        (date(2028, 2, 29), date(2030, 2, 28), date(2030, 3, 1)),
        (date(2026, 2, 28), date(2028, 2, 28), date(2028, 2, 29)),
        (date(2026, 3, 1), date(2028, 3, 1), date(2028, 3, 2)),
    ],
)
def test_the_database_refuses_more_than_two_years(
    database: Database, person: Account, place: Structure, start: date, last: date, after: date
) -> None:
    assert after - last == datetime.timedelta(days=1)
    too_long = a_habilitation(person, place, start_on=start, end_on=after)
    with pytest.raises(HabilitationRefusedError) as refused:
        database.habilitations.grant(too_long, told())
    assert refused.value.reason == "too_long"
    allowed = dataclasses.replace(too_long, end_on=last)
    database.habilitations.grant(allowed, NO_EFFECTS)
    assert database.habilitations.of(person.id) == [(allowed, place)]
    assert lines(database) == []


@pytest.mark.parametrize("source", ["ror-93", None])
def test_a_second_active_habilitation_for_the_same_thing_is_refused(
    database: Database, person: Account, place: Structure, source: str | None
) -> None:
    database.habilitations.grant(a_habilitation(person, place, source=source), NO_EFFECTS)
    with pytest.raises(HabilitationRefusedError) as refused:
        database.habilitations.grant(a_habilitation(person, place, "twin", source=source), told())
    assert refused.value.reason == "twin"
    assert refused.value.__suppress_context__
    for number, other in enumerate(({"source": "ror-76"}, {"role_label": "autre"}, {"origin": Origin.PROFESSION})):
        said = {"source": source} | other
        database.habilitations.grant(a_habilitation(person, place, f"other-{number}", **said), NO_EFFECTS)


@pytest.mark.parametrize("unknown", ["account_id", "structure_id", "granted_by"])
def test_a_habilitation_of_nobody_or_nowhere_is_refused(
    database: Database, person: Account, place: Structure, unknown: str
) -> None:
    habilitation = dataclasses.replace(a_habilitation(person, place), **{unknown: "nothing"})
    with pytest.raises(HabilitationRefusedError) as refused:
        database.habilitations.grant(habilitation, told())
    assert refused.value.reason == "unknown"


def test_an_import_ends_adds_and_notes_in_one_step(database: Database, person: Account, place: Structure) -> None:
    kept = a_habilitation(person, place, "kept", role_label="IAM - MSPH - Administration")
    replaced = a_habilitation(person, place, "replaced")
    for habilitation in (kept, replaced):
        database.habilitations.grant(habilitation, NO_EFFECTS)
    successor = a_habilitation(person, place, "successor")
    database.habilitations.apply(
        add=[successor], end=["replaced"], seen=["kept"], seen_at=NOW + 60, effects=told("directory.imported")
    )
    expected = [dataclasses.replace(kept, seen_at=NOW + 60), successor]
    assert database.habilitations.from_source("ror-93") == expected
    assert database.habilitations.from_source("ror-76") == []
    assert lines(database) == ["directory.imported"]


def test_an_import_that_is_refused_leaves_everything_as_it_was(
    database: Database, person: Account, place: Structure
) -> None:
    kept = a_habilitation(person, place, "kept")
    database.habilitations.grant(kept, NO_EFFECTS)
    good = a_habilitation(person, a_structure(2), "good")
    for bad in (a_habilitation(person, place, "bad", structure_id="nothing"), dataclasses.replace(good, id="twin")):
        with pytest.raises(HabilitationRefusedError):
            database.habilitations.apply(add=[good, bad], end=["kept"], seen=(), seen_at=NOW, effects=told())
    assert database.habilitations.from_source("ror-93") == [kept]
    assert lines(database) == []


def test_reading_habilitations_is_one_indexed_select(
    database: Database, raw: sa.Engine, person: Account, place: Structure
) -> None:
    seen: list[str] = []
    sa.event.listen(database._connections.engine, "before_cursor_execute", lambda *said: seen.append(said[2]))
    database.habilitations.of(person.id)
    assert len(seen) == 1
    if raw.dialect.name == "sqlite":
        with raw.connect() as connection:
            plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {seen[0]}", (person.id,)).all())
        assert "SEARCH habilitation USING INDEX uq_habilitation_active_twin (account_id=?)" in plan
        assert "SCAN" not in plan


def test_an_unknown_state_is_refused_by_the_database(
    database: Database, raw: sa.Engine, person: Account, place: Structure
) -> None:
    database.habilitations.grant(a_habilitation(person, place), NO_EFFECTS)
    assert {state.value for state in HabilitationState} == {"active", "ended"}
    with pytest.raises(sa.exc.IntegrityError), raw.begin() as connection:
        connection.execute(sa.update(tables.habilitation).values(state="forever"))


def test_structures_are_found_by_their_numbers_and_replaced_as_a_whole(database: Database) -> None:
    site = a_structure(1, siret="99900000100012", parent_id="finej:990000028", category="354", department="13")
    owner = a_structure(2, id="finej:990000028", kind=StructureKind.EJ, siret="99900000100012")
    database.structures.put([owner, site], told("directory.imported"))
    assert database.structures.get(site.id) == site
    assert database.structures.find_by_finess("990000002") == site
    assert database.structures.find_by_siret("99900000100012") == site
    assert database.structures.find_by_finess("990000036") is None
    assert database.structures.get("\0") is None
    closed = dataclasses.replace(site, active=False, category=None)
    database.structures.put([closed], NO_EFFECTS)
    database.structures.put([], NO_EFFECTS)
    assert database.structures.get(site.id) == closed
    assert database.structures.find_by_siret("99900000100012") == owner
    assert lines(database) == ["directory.imported"]


def test_who_holds_something_in_a_structure_is_found_by_it(
    database: Database, person: Account, place: Structure
) -> None:
    mine, ended = a_habilitation(person, place), a_habilitation(an_account(2), place, "ended")
    theirs = a_habilitation(an_account(2), place, "theirs", role_label="Another role")
    elsewhere = a_habilitation(an_account(2), a_structure(2), "elsewhere")
    for one in (mine, ended, elsewhere):
        database.habilitations.grant(one, NO_EFFECTS)
    database.habilitations.end(ended.id, NO_EFFECTS)
    database.habilitations.grant(theirs, NO_EFFECTS)
    held = database.habilitations.in_structures([place.id])
    assert {one.id for one, _ in held} == {mine.id, theirs.id}
    assert {structure for _, structure in held} == {place}
    assert list(database.habilitations.in_structures([])) == []
