import datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.habilitations.two_years import civil_date_from, two_years_after


@pytest.mark.spec("ADM-05")
@given(st.dates(datetime.date(1900, 1, 1), datetime.date(2200, 12, 31)))
@example(datetime.date(2028, 2, 29))
@example(datetime.date(2096, 2, 29))
def test_two_years_is_the_same_day_two_years_later_or_the_28th_for_a_29_february(start: datetime.date) -> None:
    end = two_years_after(start)
    leap_day = (start.month, start.day) == (2, 29)
    assert (end.year, end.month, end.day) == (start.year + 2, start.month, 28 if leap_day else start.day)


@pytest.mark.spec("ADM-05")
@given(st.dates(datetime.date(1900, 1, 1), datetime.date(2198, 12, 31)))
def test_two_years_never_pass_the_bound_that_the_database_keeps(start: datetime.date) -> None:
    def number(date: datetime.date) -> int:
        return date.year * 10000 + date.month * 100 + date.day

    assert number(two_years_after(start)) <= number(start) + 20000


@given(st.dates(datetime.date(1900, 1, 1), datetime.date(2200, 12, 31)))
def test_a_date_has_one_written_form(date: datetime.date) -> None:
    assert civil_date_from(date.isoformat()) == date


@pytest.mark.parametrize(
    "text",
    [
        "",
        "20260310",
        "2026-W11-2",
        "10/03/2026",
        "2026-3-1",
        "2026-02-30",
        "9999-01-01",
        "0001-01-01",
        "２０２６-03-10",
    ],
)
def test_any_other_form_of_a_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        civil_date_from(text)
