import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.habilitations.habilitation import Habilitation, Origin
from gateway.habilitations.ports import RoleRecord
from gateway.habilitations.reconcile import Reconciliation, reconcile
from gateway.habilitations.two_years import two_years_after
from tests.unit.habilitations.habilitation_examples import (
    ESAT,
    FOYER,
    MAPPING,
    NAMED,
    NOTIFICATIONS,
    NOW,
    REFERENT,
    STATISTICS,
    TODAY,
    Counter,
    from_ror,
    record,
)

ACCOUNTS = {("rpps", "99900000011"): "nadia", ("email", "nadia.benali@demo.passerelle.test"): "nadia"}
STRUCTURES = {("finess", "990000010"): ESAT.id, ("finess", "990000028"): FOYER.id}
DAY = datetime.timedelta(days=1)


def compare(
    *records: RoleRecord, current: list[Habilitation] | None = None, today: datetime.date = TODAY
) -> Reconciliation:
    return reconcile(
        records=records,
        current=current or [],
        accounts=ACCOUNTS,
        structures=STRUCTURES,
        mapping=MAPPING,
        source="ror",
        seen_at=NOW,
        today=today,
        randomness=Counter(),
    )


def test_a_new_record_without_dates_begins_today_and_lasts_two_years() -> None:
    (added,) = compare(record(REFERENT)).add
    assert (added.account_id, added.structure_id, added.role_label) == ("nadia", ESAT.id, REFERENT)
    assert (added.start_on, added.end_on) == (TODAY, datetime.date(2028, 3, 10))
    assert (added.origin, added.source, added.seen_at, added.granted_by) == (Origin.ROR, "ror", NOW, None)


@pytest.mark.spec("ADM-05")
@given(
    start=st.none() | st.dates(datetime.date(2024, 1, 1), datetime.date(2030, 1, 1)),
    end=st.none() | st.dates(datetime.date(2024, 1, 1), datetime.date(2040, 1, 1)),
    today=st.dates(datetime.date(2026, 1, 1), datetime.date(2028, 12, 31)),
)
def test_whatever_a_source_says_no_habilitation_passes_two_years_or_begins_over(
    start: datetime.date | None, end: datetime.date | None, today: datetime.date
) -> None:
    said = record(REFERENT, start=start and start.isoformat(), end=end and end.isoformat())
    for added in compare(said, today=today).add:
        assert added.start_on == (start or today)
        assert added.start_on <= added.end_on <= two_years_after(added.start_on)
        assert added.end_on == min(end or datetime.date.max, two_years_after(added.start_on))
        assert added.end_on >= today


@pytest.mark.spec("ADM-05")
def test_a_habilitation_begun_on_a_29_february_ends_on_a_28th() -> None:
    (added,) = compare(record(REFERENT), today=datetime.date(2028, 2, 29)).add
    assert added.end_on == datetime.date(2030, 2, 28)


def test_the_same_reading_again_changes_nothing_but_the_freshness() -> None:
    held = compare(record(REFERENT), record(NAMED)).add
    again = compare(record(NAMED), record(REFERENT), current=held, today=TODAY + 30 * DAY)
    assert (again.add, again.end) == ([], [])
    assert set(again.seen) == {item.id for item in held}


def test_a_record_that_disappears_ends_its_habilitation_and_no_other() -> None:
    held = compare(record(REFERENT), record(NAMED)).add
    changes = compare(record(NAMED), current=held)
    assert [item.role_label for item in changes.end] == [REFERENT]
    assert (changes.lost, changes.seen) == (1, [held[1].id])


def test_a_record_whose_dates_change_replaces_its_habilitation_without_counting_as_lost() -> None:
    held = compare(record(REFERENT)).add
    changes = compare(record(REFERENT, end="2026-12-31"), current=held)
    assert changes.end == held
    assert [(item.start_on, item.end_on) for item in changes.add] == [(TODAY, datetime.date(2026, 12, 31))]
    assert (changes.replaced, changes.lost) == (1, 0)


@pytest.mark.spec("ADM-05")
def test_the_same_record_does_not_begin_again_what_ran_out() -> None:
    held = compare(record(REFERENT)).add
    later = two_years_after(TODAY) + DAY
    silent = compare(record(REFERENT), current=held, today=later)
    assert (silent.add, silent.end, silent.expired, silent.seen) == ([], [], 1, [held[0].id])
    renewed = compare(record(REFERENT, start=later.isoformat()), current=held, today=later)
    assert [item.start_on for item in renewed.add] == [later]


def test_a_record_that_is_over_ends_what_ran_and_begins_nothing() -> None:
    held = compare(record(REFERENT)).add
    changes = compare(record(REFERENT, end=TODAY.isoformat()), current=held, today=TODAY + DAY)
    assert (changes.add, changes.end, changes.expired, changes.lost) == ([], held, 1, 1)


def test_a_future_start_is_kept_as_it_is_said() -> None:
    (added,) = compare(record(REFERENT, start="2026-09-01")).add
    assert (added.start_on, added.end_on) == (datetime.date(2026, 9, 1), datetime.date(2028, 9, 1))


def test_unknown_labels_people_and_structures_give_nothing_and_are_counted() -> None:
    changes = compare(
        record("IAM - Autre (IAM)"),
        record("IAM -  Autre (IAM)"),
        record(REFERENT, rpps="99900000078"),
        record(REFERENT, finess="990000044"),
        record(REFERENT, rpps="99900000078", finess="990000044"),
    )
    assert changes.add == []
    assert changes.unknown_labels == {"IAM - Autre (IAM)": 2}
    assert (changes.unknown_people, changes.unknown_structures) == (2, 2)


@pytest.mark.spec("R000-24")
def test_a_former_label_is_imported_to_compare() -> None:
    changes = compare(record("Handicap - ESMS Administratif"))
    assert [item.role_label for item in changes.add] == ["Handicap - ESMS Administratif"]
    assert not changes.unknown_labels


def test_a_label_that_the_mapping_forgets_does_not_end_what_the_source_still_says() -> None:
    held = [from_ror("IAM - Ancien (IAM)", start_on=TODAY, end_on=two_years_after(TODAY))]
    changes = compare(record("IAM - Ancien (IAM)"), current=held)
    assert (changes.end, changes.seen) == ([], [held[0].id])
    assert changes.unknown_labels == {"IAM - Ancien (IAM)": 1}


def test_one_habilitation_for_a_person_named_twice() -> None:
    changes = compare(record(REFERENT), record(REFERENT, person=("email", "nadia.benali@demo.passerelle.test")))
    assert (len(changes.add), changes.twins) == (1, 1)


def test_of_two_periods_the_one_that_is_not_over_and_begins_first_is_taken() -> None:
    periods = [("2027-01-01", None), ("2025-06-01", "2026-06-30"), ("2022-01-01", None)]
    (added,) = compare(*(record(REFERENT, start=start, end=end) for start, end in periods)).add
    assert added.start_on == datetime.date(2025, 6, 1)


@pytest.mark.parametrize("dates", [("10/03/2026", None), (None, "soon"), ("2026-05-01", "2026-04-30")])
def test_dates_that_make_no_sense_give_nothing(dates: tuple[str | None, str | None]) -> None:
    changes = compare(record(REFERENT, start=dates[0], end=dates[1]))
    assert (changes.add, changes.invalid_dates) == ([], 1)


@given(live=st.integers(0, 400), lost=st.integers(0, 400))
def test_a_reading_is_suspect_above_five_per_cent_and_five_habilitations(live: int, lost: int) -> None:
    assert Reconciliation(live=live, lost=lost).shrinks == (lost >= 6 and lost * 20 > live)


def test_what_already_ran_out_does_not_count_as_lost() -> None:
    over = [from_ror(label, id=str(n), end_on=TODAY - DAY) for n, label in enumerate([REFERENT, NAMED, NOTIFICATIONS])]
    changes = compare(current=[*over, from_ror(STATISTICS)])
    assert (changes.live, changes.lost, len(changes.end)) == (1, 1, 4)


LABELS = st.sampled_from([REFERENT, NAMED, NOTIFICATIONS, STATISTICS, "IAM - Autre (IAM)", "Handicap - ESMS"])
DATES = st.none() | st.dates(datetime.date(2024, 1, 1), datetime.date(2029, 1, 1)).map(datetime.date.isoformat)
RECORDS = st.builds(
    lambda label, rpps, finess, start, end: record(label, rpps=rpps, finess=finess, start=start, end=end),
    LABELS,
    st.sampled_from(["99900000011", "99900000078"]),
    st.sampled_from(["990000010", "990000028", "990000044"]),
    DATES,
    DATES,
)


@given(first=st.lists(RECORDS, max_size=8), second=st.lists(RECORDS, max_size=8))
def test_applying_a_reading_then_reading_it_again_is_quiet_and_leaves_no_twins(
    first: list[RoleRecord], second: list[RoleRecord]
) -> None:
    held: list[Habilitation] = []
    for records in (first, second):
        changes = compare(*records, current=held)
        assert changes.lost <= changes.live
        held = [item for item in held if item not in changes.end] + changes.add
        keys = [(item.account_id, item.structure_id, item.role_label) for item in held]
        assert len(set(keys)) == len(keys)
        again = compare(*records, current=held)
        assert (again.add, again.end, set(again.seen)) == ([], [], {item.id for item in held})
