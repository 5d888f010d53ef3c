import datetime
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.accounts.account import Account, AccountStatus
from gateway.habilitations.effective_rights import EffectiveRights, effective_rights
from gateway.habilitations.habilitation import Habilitation, HabilitationState, Origin
from gateway.habilitations.live_rights import LiveRights
from gateway.habilitations.role_mapping import MappedApplication, MappedRole, RoleMapping, Rule, When
from gateway.habilitations.structure import Structure
from tests.unit.habilitations.habilitation_examples import (
    ANONYMOUS,
    EJ,
    ESAT,
    FOYER,
    HOUR,
    MAPPING,
    NADIA,
    NAMED,
    NOTIFICATIONS,
    NOW,
    PAUL,
    REFERENT,
    STATISTICS,
    TODAY,
    KeptHabilitations,
    KnownAccounts,
    KnownStructures,
    Scale,
    from_ror,
    habilitation,
    instant,
)

DAY = datetime.timedelta(days=1)


def rights(
    *held: tuple[Habilitation, Structure],
    account: Account = NADIA,
    application: str = "orientation",
    acr: str = "low",
    now: float = NOW,
    mapping: RoleMapping = MAPPING,
) -> EffectiveRights:
    return effective_rights(
        account=account, habilitations=held, mapping=mapping, application=application, acr=acr, scale=Scale(), now=now
    )


def gives(item: Habilitation, structure: Structure = ESAT, **how: object) -> bool:
    return bool(rights((item, structure), **how).structures)  # type: ignore[arg-type]


def one_rule(when: When, *, min_acr: str | None = None) -> RoleMapping:
    rule = Rule(when, ("role",), ("a.right",), min_acr)
    application = MappedApplication("app", frozenset({"a.right"}), (rule,))
    return RoleMapping("1", (MappedRole("r", "Role"),), (), frozenset(), {"app": application})


@pytest.mark.spec("TOK-05")
def test_rights_are_grouped_by_structure_and_none_leaks_into_another() -> None:
    effective = rights(
        (habilitation(REFERENT), ESAT),
        (habilitation(STATISTICS), ESAT),
        (habilitation(NAMED, FOYER), FOYER),
    )
    assert [(item.structure.id, item.roles, item.entitlements) for item in effective.structures] == [
        (
            ESAT.id,
            ("msph.referent", "msph.stats"),
            ("etab.update", "habilitation.update", "stats.read", "unite.update"),
        ),
        (FOYER.id, ("msph.tdb_nom",), ("tdb.nominatif",)),
    ]


@pytest.mark.spec("TOK-05")
def test_another_application_receives_nothing_of_these_roles() -> None:
    other = MappedApplication("suivi", frozenset(), ())
    mapping = replace(MAPPING, applications={**MAPPING.applications, "suivi": other})
    assert not gives(habilitation(REFERENT), application="suivi", mapping=mapping)
    assert not gives(habilitation(REFERENT), application="unheard-of")


@pytest.mark.spec("TOK-05")
def test_a_habilitation_of_somebody_else_gives_nothing() -> None:
    assert not gives(habilitation(REFERENT, account=PAUL))


@pytest.mark.spec("TOK-05", "TOK-06", "ADM-05")
@given(
    start=st.dates(datetime.date(2020, 1, 1), datetime.date(2030, 12, 31)),
    length=st.integers(0, 730),
    offset=st.integers(-3, 733),
    hour=st.sampled_from([0, 1, 12, 22, 23]),
)
def test_a_habilitation_works_from_its_first_to_its_last_day_in_paris_and_on_no_other(
    start: datetime.date, length: int, offset: int, hour: int
) -> None:
    item = habilitation(REFERENT, start_on=start, end_on=start + length * DAY)
    today = start + offset * DAY
    assert gives(item, now=instant(today, hour, 59, 59)) == (0 <= offset <= length)


@pytest.mark.spec("TOK-06", "ADM-05")
def test_access_stops_at_midnight_in_paris_after_the_last_day() -> None:
    item = habilitation(REFERENT, end_on=TODAY)
    assert gives(item, now=instant(TODAY, 23, 59, 59))
    assert not gives(item, now=instant(TODAY + DAY))
    assert not gives(item, now=instant(TODAY, 23, 59, 59) + 1)


@pytest.mark.spec("TOK-06")
def test_an_ended_habilitation_is_gone_at_once() -> None:
    assert not gives(habilitation(REFERENT, state=HabilitationState.ENDED))


@pytest.mark.spec("TOK-05")
@pytest.mark.parametrize("status", [status for status in AccountStatus if status is not AccountStatus.ACTIVE])
def test_an_account_that_is_not_active_has_no_right(status: AccountStatus) -> None:
    assert rights((habilitation(REFERENT), ESAT), account=replace(NADIA, status=status)) == EffectiveRights()


@pytest.mark.spec("TOK-05")
def test_a_closed_structure_suspends_its_habilitations_and_gives_them_back() -> None:
    assert not gives(habilitation(REFERENT), replace(ESAT, active=False))
    assert gives(habilitation(REFERENT), ESAT)


def test_a_right_in_the_legal_person_says_nothing_about_its_sites() -> None:
    mapping = one_rule(When("r"))
    effective = rights((habilitation("Role", EJ), EJ), application="app", mapping=mapping)
    assert [item.structure.id for item in effective.structures] == [EJ.id]


def test_what_a_source_said_stops_after_72_hours_and_not_before() -> None:
    item = from_ror(REFERENT, seen_at=NOW)
    assert gives(item, now=NOW + 72 * HOUR)
    assert not gives(item, now=NOW + 72 * HOUR + 1)
    assert not gives(replace(item, seen_at=None))


@pytest.mark.parametrize("origin", [Origin.MANUAL, Origin.PROFESSION])
def test_what_people_gave_stays_when_the_source_is_silent(origin: Origin) -> None:
    assert gives(habilitation(REFERENT, origin=origin), now=NOW + 100 * 24 * HOUR)


def test_the_freshness_told_is_that_of_the_oldest_word_of_a_source() -> None:
    held = [(from_ror(REFERENT, seen_at=NOW - 10), ESAT), (from_ror(NAMED, structure=FOYER, seen_at=NOW - 90), FOYER)]
    assert rights(*held).as_of == NOW - 90
    assert rights((habilitation(REFERENT), ESAT)).as_of is None
    stale = rights((from_ror(REFERENT, seen_at=NOW - 80 * HOUR), ESAT))
    assert (stale.structures, stale.as_of) == ((), NOW - 80 * HOUR)


def test_the_end_told_is_that_of_the_habilitation_that_ends_first() -> None:
    early, late = datetime.date(2026, 4, 1), datetime.date(2026, 8, 31)
    held = [(habilitation(REFERENT, end_on=late), ESAT), (habilitation(STATISTICS, end_on=early), ESAT)]
    unmapped = (habilitation("Handicap - ESMS", end_on=TODAY), ESAT)
    assert rights(*held, unmapped).structures[0].end == early


def test_below_the_level_a_rule_asks_for_it_gives_nothing() -> None:
    mapping = one_rule(When("r"), min_acr="middle")
    levels = {
        acr: gives(habilitation("Role"), application="app", mapping=mapping, acr=acr)
        for acr in ("low", "middle", "high", "?")
    }
    assert levels == {"low": False, "middle": True, "high": True, "?": False}


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (When("r", category=frozenset({"246"})), True),
        (When("r", category=frozenset({"382"})), False),
        (When("r", region=frozenset({"93", "76"})), True),
        (When("r", region=frozenset({"76"})), False),
        (When("r", profession=frozenset({"60^1.2.250.1.71.1.2.7"})), True),
        (When("r", profession=frozenset({"60^1.2.250.1.213.1.6.1.107"})), False),
        (When("r", structure=frozenset({EJ.kind})), False),
    ],
)
def test_every_condition_of_a_rule_must_hold(when: When, expected: bool) -> None:
    assert gives(habilitation("Role"), application="app", mapping=one_rule(when)) is expected


def test_a_condition_on_the_profession_is_not_met_by_an_unknown_one() -> None:
    mapping = one_rule(When("r", profession=frozenset({"60^1.2.250.1.71.1.2.7"})))
    assert not gives(habilitation("Role"), application="app", mapping=mapping, account=replace(NADIA, profession=None))


@pytest.mark.spec("TOK-05", "TOK-06")
def test_rights_are_read_again_at_each_question() -> None:
    structures = KnownStructures(ESAT, FOYER)
    kept = KeptHabilitations(structures, [habilitation(REFERENT), habilitation(NOTIFICATIONS, FOYER)])
    live = LiveRights(accounts=KnownAccounts(NADIA), habilitations=kept, mapping=lambda: MAPPING, scale=Scale())
    found, version, as_of = live.rights("nadia", "orientation", "low", NOW)
    assert [item.structure.name for item in found] == ["ESAT", "Foyer"]
    assert (version, as_of) == (MAPPING.version, None)
    assert [item.name for item in live.structures_of("nadia", "orientation", "low", NOW)] == ["ESAT", "Foyer"]
    ended = habilitation(REFERENT, state=HabilitationState.ENDED)
    kept.kept[ended.id] = ended
    assert [item.structure.name for item in live.rights("nadia", "orientation", "low", NOW)[0]] == ["Foyer"]


def test_an_unknown_account_has_no_right_and_no_structure_to_choose() -> None:
    live = LiveRights(
        accounts=KnownAccounts(),
        habilitations=KeptHabilitations(KnownStructures()),
        mapping=lambda: MAPPING,
        scale=Scale(),
    )
    assert live.rights("nobody", "orientation", "low", NOW) == ((), MAPPING.version, None)
    assert live.structures_of("nobody", "orientation", "low", NOW) == ()


@pytest.mark.spec("R000-23")
def test_holding_both_dashboards_is_holding_two_rights() -> None:
    effective = rights((habilitation(NAMED), ESAT), (habilitation(ANONYMOUS), ESAT))
    assert effective.structures[0].entitlements == ("tdb.anonyme", "tdb.nominatif")


@pytest.mark.spec("TOK-05")
@settings(max_examples=300, deadline=None)
@given(
    seen=st.lists(st.floats(-100, 2), min_size=1, max_size=3),
    days=st.tuples(st.integers(-2, 1), st.integers(-1, 2)),
    hours=st.floats(-50, 50),
    later=st.floats(0, 1, exclude_min=True, exclude_max=True),
)
def test_between_the_two_instants_it_names_the_clock_changes_nothing(
    seen: list[float], days: tuple[int, int], hours: float, later: float
) -> None:
    held = [
        (from_ror(label, seen_at=NOW + hour * HOUR, start_on=TODAY + days[0] * DAY, end_on=TODAY + days[1] * DAY), ESAT)
        for label, hour in zip((NOTIFICATIONS, STATISTICS, NAMED), seen, strict=False)
    ]
    first = rights(*held, acr="high", now=NOW + hours * HOUR)
    now = first.since + (first.until - first.since) * later
    for instant_within in (math.nextafter(first.since, math.inf), now, math.nextafter(first.until, -math.inf)):
        if first.since < instant_within < first.until:
            assert rights(*held, acr="high", now=instant_within) == first
