import datetime
from dataclasses import replace

import pytest

from gateway.accounts.account import Account, AccountStatus
from gateway.habilitations.grant import GrantRefused, SelfGrantRefused, manual_grant
from gateway.habilitations.habilitation import Habilitation, Origin
from tests.unit.habilitations.habilitation_examples import ESAT, MAPPING, NADIA, PAUL, REFERENT, TODAY, Counter

TWO_YEARS = datetime.date(2028, 3, 10)


def grant(to: Account = NADIA, granted_by: Account = PAUL, **changes: object) -> Habilitation:
    demand = {"structure": ESAT, "role_label": REFERENT, "mapping": MAPPING, "today": TODAY, "randomness": Counter()}
    return manual_grant(to=to, granted_by=granted_by, **(demand | changes))  # type: ignore[arg-type]


def test_a_grant_names_who_gave_it_and_lasts_two_years() -> None:
    given = grant()
    assert (given.account_id, given.granted_by, given.origin) == ("nadia", "paul", Origin.MANUAL)
    assert (given.start_on, given.end_on) == (TODAY, TWO_YEARS)


@pytest.mark.spec("ADM-01")
def test_nobody_gives_a_habilitation_to_oneself() -> None:
    with pytest.raises(SelfGrantRefused):
        grant(NADIA, NADIA)


@pytest.mark.spec("ADM-01")
@pytest.mark.parametrize(
    "same",
    [{"rpps": NADIA.rpps}, {"email": "Nadia.BENALI@demo.passerelle.test"}, {"phone": "+33639980007"}],
)
def test_a_second_account_of_the_same_person_is_oneself(same: dict[str, str]) -> None:
    with pytest.raises(SelfGrantRefused):
        grant(replace(NADIA, phone="+33639980007"), replace(PAUL, **same))  # type: ignore[arg-type]


def test_two_people_without_rpps_or_phone_are_not_the_same_person() -> None:
    nameless = {"rpps": None, "phone": None}
    assert grant(replace(NADIA, **nameless), replace(PAUL, **nameless))  # type: ignore[arg-type]


@pytest.mark.spec("ADM-05")
def test_a_grant_of_exactly_two_years_is_accepted_and_one_day_more_is_not() -> None:
    assert grant(end_on=TWO_YEARS).end_on == TWO_YEARS
    with pytest.raises(GrantRefused, match="two years"):
        grant(end_on=TWO_YEARS + datetime.timedelta(days=1))


@pytest.mark.parametrize(
    "changes",
    [
        {"start_on": TODAY - datetime.timedelta(days=1)},
        {"end_on": TODAY - datetime.timedelta(days=1)},
        {"role_label": "IAM - Autre (IAM)"},
        {"role_label": "Handicap - ESMS"},
        {"structure": replace(ESAT, active=False)},
        {"granted_by": replace(PAUL, status=AccountStatus.BLOCKED)},
        {"to": replace(NADIA, status=AccountStatus.ARCHIVED)},
    ],
)
def test_a_grant_that_could_not_hold_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(GrantRefused):
        grant(**changes)  # type: ignore[arg-type]


def test_a_grant_of_one_day_is_a_grant() -> None:
    assert grant(end_on=TODAY).end_on == TODAY
