"""A habilitation given by hand: by someone else, two years at most, in a known role (ADM-01, ADM-05, R003-04).

Refuses to give it to oneself, under this account or another of the same person (same RPPS, e-mail or phone). The database
refuses the plain case again.
"""

import datetime

from gateway.accounts.account import Account, AccountStatus
from gateway.habilitations.habilitation import Habilitation, HabilitationState, Origin
from gateway.habilitations.role_mapping import RoleMapping
from gateway.habilitations.structure import Structure
from gateway.habilitations.two_years import two_years_after
from gateway.randomness import Randomness, identifier
from gateway.refusal import Refusal


class GrantRefused(Refusal):
    code = "grant_refused"
    text = "habilitation.grant_refused"


class SelfGrantRefused(GrantRefused):
    code = "self_grant_refused"
    text = "habilitation.self_grant_refused"


def manual_grant(
    *,
    to: Account,
    granted_by: Account,
    structure: Structure,
    role_label: str,
    mapping: RoleMapping,
    today: datetime.date,
    randomness: Randomness,
    start_on: datetime.date | None = None,
    end_on: datetime.date | None = None,
) -> Habilitation:
    """The habilitation to store; it starts today and lasts two years unless said otherwise."""
    if same_person(to, granted_by):
        raise SelfGrantRefused("the giver and the receiver are the same person")
    if granted_by.status is not AccountStatus.ACTIVE:
        raise GrantRefused("the giver's account is not active")
    if to.status is AccountStatus.ARCHIVED:
        raise GrantRefused("the receiver's account is archived")
    if not structure.active:
        raise GrantRefused("the structure is closed")
    if mapping.role_of(role_label) is None:
        raise GrantRefused("the role is not one of the mapping's roles")
    start = start_on or today
    end = end_on or two_years_after(start)
    if start < today:
        raise GrantRefused("a habilitation does not start in the past")
    if end < start:
        raise GrantRefused("the last day comes before the first")
    if end > two_years_after(start):
        raise GrantRefused("a habilitation lasts two years at most")
    return Habilitation(
        id=identifier(randomness),
        account_id=to.id,
        structure_id=structure.id,
        role_label=role_label,
        start_on=start,
        end_on=end,
        state=HabilitationState.ACTIVE,
        origin=Origin.MANUAL,
        granted_by=granted_by.id,
    )


def same_person(one: Account, other: Account) -> bool:
    """Same account, RPPS, e-mail (whatever its case) or phone."""
    return (
        one.id == other.id
        or (one.rpps is not None and one.rpps == other.rpps)
        or one.email.casefold() == other.email.casefold()
        or (one.phone is not None and one.phone == other.phone)
    )
