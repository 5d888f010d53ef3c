from dataclasses import replace

import pytest

from gateway.accounts.account import Account, AccountStatus
from gateway.habilitations.habilitation import Habilitation, HabilitationState
from gateway.habilitations.import_roles import RoleImport, ShrinkingSourceRefused
from gateway.habilitations.import_structures import StructureImport, import_structures
from gateway.habilitations.ports import RoleRecord
from gateway.habilitations.structure import Structure, StructureKind
from gateway.journal.events import Outcome
from tests.unit.habilitations.habilitation_examples import (
    EJ,
    ESAT,
    FOYER,
    MAPPING,
    NADIA,
    NAMED,
    NOW,
    PAUL,
    REFERENT,
    Counter,
    FixedClock,
    KeptHabilitations,
    KnownAccounts,
    KnownStructures,
    Records,
    from_ror,
    record,
)


class World:
    def __init__(self, *accounts: Account, kept: list[Habilitation] | None = None) -> None:
        self.structures = KnownStructures(EJ, ESAT, FOYER)
        self.habilitations = KeptHabilitations(self.structures, kept or [])
        self.importer = RoleImport(
            accounts=KnownAccounts(*(accounts or (NADIA, PAUL))),  # type: ignore[arg-type]
            structures=self.structures,
            habilitations=self.habilitations,
            mapping=MAPPING,
            clock=FixedClock(),
            randomness=Counter(),
        )

    def roles(self) -> list[tuple[str, str, str]]:
        running = [item for item in self.habilitations.kept.values() if item.state is HabilitationState.ACTIVE]
        return sorted((item.account_id, item.structure_id, item.role_label) for item in running)


@pytest.mark.parametrize(
    "person",
    [("rpps", "99900000011"), ("idnat", "899900000011"), ("email", NADIA.email), ("login", "n.benali")],
)
@pytest.mark.parametrize("structure", [("finess", "990000010"), ("idnat_struct", "1990000010")])
def test_a_person_and_a_structure_are_found_by_each_typed_identifier(
    person: tuple[str, str], structure: tuple[str, str]
) -> None:
    world = World(replace(NADIA, email_verified_at=1.0))
    world.importer.run(Records(record(REFERENT, person=person, structure=structure)), source="ror")
    assert world.roles() == [("nadia", ESAT.id, REFERENT)]


@pytest.mark.parametrize(
    "person",
    [
        ("rpps", "899900000011"),
        ("idnat", "099900000011"),
        ("idnat", "99900000011"),
        ("login", "99900000011"),
        ("email", NADIA.email),
    ],
)
def test_an_identifier_is_never_read_as_another_type(person: tuple[str, str]) -> None:
    world = World()
    plan = world.importer.run(Records(record(REFERENT, person=person)), source="ror")
    assert (world.roles(), plan.changes.unknown_people) == ([], 1)


def test_a_plan_writes_nothing() -> None:
    world = World()
    plan = world.importer.plan(Records(record(REFERENT)), source="ror")
    assert (len(plan.changes.add), world.roles(), world.habilitations.events) == (1, [], [])


def test_everything_that_changes_has_its_journal_line() -> None:
    world = World(kept=[from_ror(NAMED)])
    unknown = "IAM - MSPH - référent ESMS (IAM)"
    plan = world.importer.run(Records(record(REFERENT), record(unknown), record(unknown)), source="ror", operator="op")
    lines = [(event.name, event.target, event.structure, dict(event.details)) for event in world.habilitations.events]
    assert lines == [
        ("habilitation.ended", "nadia", ESAT.id, {"role": NAMED, "source": "ror"}),
        ("habilitation.granted", "nadia", ESAT.id, {"role": REFERENT, "source": "ror"}),
        ("role.unmapped", None, None, {"role": unknown, "count": 2, "source": "ror"}),
        (
            "directory.imported",
            None,
            None,
            {"source": "ror", "count": 3, "added": 1, "ended": 1, "unknown": 2, "operator": "op"},
        ),
    ]
    assert plan.near_misses[unknown][0] == REFERENT


def many(count: int) -> tuple[list[RoleRecord], list[Account]]:
    people = [replace(NADIA, id=f"a{n}", rpps=f"{99800000000 + n}") for n in range(count)]
    return [record(REFERENT, rpps=str(person.rpps)) for person in people], people


def test_a_reading_that_would_end_too_much_is_refused_journalled_and_left_to_a_person() -> None:
    records, people = many(100)
    world = World(*people)
    world.importer.run(Records(*records), source="ror")
    world.importer.run(Records(*records[5:]), source="ror")
    assert len(world.roles()) == 95
    with pytest.raises(ShrinkingSourceRefused) as refusal:
        world.importer.run(Records(*records[11:]), source="ror")
    assert refusal.value.facts == {"lost": 6, "live": 95}
    assert len(world.roles()) == 95
    last = world.habilitations.events[-1]
    assert (last.name, last.outcome, last.reason) == ("directory.imported", Outcome.REFUSED, "shrinking_source")
    world.importer.run(Records(*records[11:]), source="ror", forced=True)
    assert len(world.roles()) == 89
    assert world.habilitations.events[-1].reason == "forced"


def test_an_empty_reading_of_a_large_source_is_refused() -> None:
    records, people = many(10)
    world = World(*people)
    world.importer.run(Records(*records), source="ror")
    with pytest.raises(ShrinkingSourceRefused):
        world.importer.run(Records(), source="ror")


def test_only_the_habilitations_of_the_same_source_can_end() -> None:
    others = [from_ror(REFERENT, source="other"), from_ror(NAMED, source=None, id="manual")]
    world = World(kept=others)
    world.importer.run(Records(), source="ror")
    assert len(world.roles()) == 2


@pytest.mark.spec("ADM-08")
def test_an_archived_account_receives_nothing_and_loses_what_the_source_gave() -> None:
    archived = replace(NADIA, status=AccountStatus.ARCHIVED)
    world = World(archived, kept=[from_ror(REFERENT)])
    world.importer.run(Records(record(REFERENT), record(NAMED)), source="ror")
    assert world.roles() == []


def test_an_account_that_is_not_activated_yet_finds_its_roles_when_it_is() -> None:
    world = World(replace(NADIA, status=AccountStatus.INVITED))
    world.importer.run(Records(record(REFERENT)), source="ror")
    assert world.roles() == [("nadia", ESAT.id, REFERENT)]


@pytest.mark.parametrize(("said", "kept"), [(NOW - 7200, NOW - 7200), (NOW + 7200, NOW)])
def test_the_age_of_a_reading_is_that_of_its_oldest_word_and_never_in_the_future(said: float, kept: float) -> None:
    world = World()
    world.importer.run(Records(record(REFERENT, seen_at=said), record(NAMED, seen_at=NOW + 9000)), source="ror")
    assert {item.seen_at for item in world.habilitations.kept.values()} == {kept}


class Said:
    def __init__(self, *structures: Structure) -> None:
        self._structures = structures

    def structures(self):
        return iter(self._structures)


def read(stored: KnownStructures, *said: Structure, forced: bool = False) -> StructureImport:
    return import_structures(
        reader=Said(*said), structures=stored, source="structures", clock=FixedClock(), forced=forced
    )


def test_structures_are_stored_legal_persons_first() -> None:
    stored = KnownStructures()
    assert read(stored, ESAT, FOYER, EJ) == StructureImport(3, 0, 0)
    assert list(stored.by_id) == [EJ.id, ESAT.id, FOYER.id]
    assert [(event.name, dict(event.details)) for event in stored.events] == [
        ("directory.imported", {"source": "structures", "structures": 3, "ended": 0})
    ]


def test_a_site_whose_legal_person_is_unknown_is_stored_without_it_and_counted() -> None:
    stored = KnownStructures()
    assert read(stored, ESAT).unknown_parents == 1
    assert stored.by_id[ESAT.id].parent_id is None
    assert read(KnownStructures(EJ), ESAT).unknown_parents == 0


def test_a_structure_that_is_not_mentioned_stays_open() -> None:
    stored = KnownStructures(EJ, ESAT, FOYER)
    read(stored, EJ, replace(ESAT, active=False))
    assert (stored.by_id[ESAT.id].active, stored.by_id[FOYER.id].active) == (False, True)


def test_closing_too_many_structures_at_once_is_left_to_a_person() -> None:
    sites = [Structure(f"fineg:98000000{n}", StructureKind.EG, f"Site {n}", finess=f"98000000{n}") for n in range(8)]
    stored = KnownStructures(*sites)
    closed = [replace(site, active=False) for site in sites[:6]]
    with pytest.raises(ShrinkingSourceRefused):
        read(stored, *closed)
    assert all(site.active for site in stored.by_id.values())
    assert stored.events[-1].outcome is Outcome.REFUSED
    assert read(stored, *closed, forced=True).closed == 6
