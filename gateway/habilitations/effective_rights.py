"""What one person may do in each structure, for one application, at one instant (ror-and-directory §6.2, TOK-05, TOK-06).

Nothing unless the account is active, the structure is active, and today (in Paris, both ends included) is within the
habilitation. What a source said more than `stale_after` seconds ago stops; manual habilitations stay (DECISIONS 16). A right
in a legal person (EJ) says nothing about its sites (EG): people are habilitated site by site (R000-08).
"""

import datetime
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.accounts.account import Account, AccountStatus, KnownPerson
from gateway.clock import civil_date, civil_day
from gateway.habilitations.habilitation import Habilitation, HabilitationState, Origin
from gateway.habilitations.ports import AcrScale
from gateway.habilitations.role_mapping import RoleMapping, Rule
from gateway.habilitations.structure import Structure

STALE_AFTER = 72 * 3600


@dataclass(frozen=True, slots=True)
class RightsInStructure:
    """Roles and rights of one application in one structure. `end` is the last day of the earliest ending habilitation that
    gives something there."""

    structure: Structure
    roles: tuple[str, ...]
    entitlements: tuple[str, ...]
    end: datetime.date


@dataclass(frozen=True, slots=True)
class EffectiveRights:
    """`structures` in the order of their names. `as_of` is the oldest instant at which a source said what concerns this
    application, too old or not; None when nothing comes from a source. Between `since` and `until`, both left out, the same
    habilitations give the same rights."""

    structures: tuple[RightsInStructure, ...] = ()
    as_of: float | None = None
    since: float = -math.inf
    until: float = math.inf


def effective_rights(
    *,
    account: Account | KnownPerson,
    habilitations: Sequence[tuple[Habilitation, Structure]],
    mapping: RoleMapping,
    application: str,
    acr: str,
    scale: AcrScale,
    now: float,
    stale_after: float = STALE_AFTER,
) -> EffectiveRights:
    """The union of what the application's rules give for every habilitation in force; no rule, nothing."""
    if account.status is not AccountStatus.ACTIVE:
        return EffectiveRights()
    today = civil_date(now)
    rules = [
        rule for rule in mapping.rules_for(application) if rule.min_acr is None or scale.satisfies(acr, rule.min_acr)
    ]
    given: dict[str, list[tuple[Habilitation, Structure, Rule]]] = {}
    read_at: list[float] = []
    since, until = civil_day(now)
    for habilitation, structure in habilitations:
        if habilitation.account_id != account.id or not in_force(habilitation, structure, today):
            continue
        matching = list(_matching(rules, mapping, habilitation, structure, account))
        if matching and from_a_source(habilitation) and habilitation.seen_at is not None:
            read_at.append(habilitation.seen_at)
        stale = is_stale(habilitation, now, stale_after)
        if from_a_source(habilitation) and habilitation.seen_at is not None:
            turns_stale = habilitation.seen_at + stale_after
            since, until = (max(since, turns_stale), until) if stale else (since, min(until, turns_stale))
        if not stale:
            for rule in matching:
                given.setdefault(structure.id, []).append((habilitation, structure, rule))
    structures = sorted(
        (_union(items) for items in given.values()), key=lambda item: (item.structure.name, item.structure.id)
    )
    return EffectiveRights(tuple(structures), min(read_at, default=None), since, until)


def in_force(habilitation: Habilitation, structure: Structure, today: datetime.date) -> bool:
    """Not ended, in an active structure, and today is one of its days."""
    return (
        habilitation.state is HabilitationState.ACTIVE
        and habilitation.structure_id == structure.id
        and structure.active
        and habilitation.start_on <= today <= habilitation.end_on
    )


def from_a_source(habilitation: Habilitation) -> bool:
    return habilitation.origin is Origin.ROR


def is_stale(habilitation: Habilitation, now: float, stale_after: float = STALE_AFTER) -> bool:
    """A source's word that is too old, or of unknown age, is not believed any more."""
    if not from_a_source(habilitation):
        return False
    return habilitation.seen_at is None or now - habilitation.seen_at > stale_after


def _matching(
    rules: Sequence[Rule],
    mapping: RoleMapping,
    habilitation: Habilitation,
    structure: Structure,
    account: Account | KnownPerson,
) -> Iterator[Rule]:
    role = mapping.role_of(habilitation.role_label)
    if role is not None:
        yield from (rule for rule in rules if rule.when.holds(role, structure, account.profession))


def _union(items: Sequence[tuple[Habilitation, Structure, Rule]]) -> RightsInStructure:
    return RightsInStructure(
        structure=items[0][1],
        roles=tuple(sorted({role for _, _, rule in items for role in rule.give})),
        entitlements=tuple(sorted({right for _, _, rule in items for right in rule.rights})),
        end=min(habilitation.end_on for habilitation, _, _ in items),
    )
