"""What one reading of a role source changes: habilitations to add, to end, and those seen again (ror-and-directory §1.8, §6.6).

An unknown label, person or structure gives nothing and is counted. A record without start begins today; the last day is the
given one, never later than two years after the start. A habilitation that ran out is not begun again by the same record:
renewing is a new decision, so the source must state a new start. A reading that would end too much is left to a human.
"""

import datetime
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.habilitations.habilitation import Habilitation, HabilitationState, Origin
from gateway.habilitations.ports import RoleRecord
from gateway.habilitations.role_label import canonical_label
from gateway.habilitations.role_mapping import RoleMapping
from gateway.habilitations.two_years import civil_date_from, two_years_after
from gateway.randomness import Randomness, identifier

SHRINK_FRACTION = 0.05
SHRINK_COUNT = 5

Identifier = tuple[str, str]
"""A typed identifier, such as ("rpps", "99900000011")."""


@dataclass(slots=True)
class Reconciliation:
    """`seen` holds ids; `replaced` counts those of `end` that come back in `add` with other dates; `live` is how many
    habilitations of this source were running before."""

    add: list[Habilitation] = field(default_factory=list)
    end: list[Habilitation] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    replaced: int = 0
    live: int = 0
    lost: int = 0
    """Running habilitations that end without being replaced."""
    unknown_labels: Counter[str] = field(default_factory=Counter)
    unknown_people: int = 0
    unknown_structures: int = 0
    expired: int = 0
    """Records whose two years (or whose own end) are over."""
    twins: int = 0
    """Records that say again what another one says."""
    invalid_dates: int = 0

    @property
    def shrinks(self) -> bool:
        """True when more than 5 % of the running habilitations, and more than five, would end: a human decides."""
        return self.lost > SHRINK_COUNT and self.lost > SHRINK_FRACTION * self.live


@dataclass(frozen=True, slots=True)
class _Key:
    account_id: str
    structure_id: str
    label: str


@dataclass(frozen=True, slots=True)
class _Wanted:
    record: RoleRecord
    start: datetime.date | None
    end: datetime.date | None

    def days(self, default_start: datetime.date) -> tuple[datetime.date, datetime.date]:
        start = self.start or default_start
        longest = two_years_after(start)
        return start, min(self.end, longest) if self.end else longest


def reconcile(
    *,
    records: Iterable[RoleRecord],
    current: Sequence[Habilitation],
    accounts: Mapping[Identifier, str],
    structures: Mapping[Identifier, str],
    mapping: RoleMapping,
    source: str,
    seen_at: float,
    today: datetime.date,
    randomness: Randomness,
) -> Reconciliation:
    """Compares the source's `records` with its `current` habilitations. `accounts` and `structures` give our ids of the
    identifiers that are known; others are counted as unknown."""
    result = Reconciliation(live=sum(1 for habilitation in current if habilitation.end_on >= today))
    wanted = _wanted(records, accounts=accounts, structures=structures, mapping=mapping, today=today, result=result)
    held: dict[_Key, Habilitation] = {}
    for habilitation in current:
        key = _Key(habilitation.account_id, habilitation.structure_id, canonical_label(habilitation.role_label))
        if key in wanted and key not in held:
            held[key] = habilitation
        else:
            _end(habilitation, today, result)
    for key, want in wanted.items():
        _settle(
            key,
            want,
            held.get(key),
            mapping=mapping,
            source=source,
            seen_at=seen_at,
            today=today,
            randomness=randomness,
            result=result,
        )
    return result


def _wanted(
    records: Iterable[RoleRecord],
    *,
    accounts: Mapping[Identifier, str],
    structures: Mapping[Identifier, str],
    mapping: RoleMapping,
    today: datetime.date,
    result: Reconciliation,
) -> dict[_Key, _Wanted]:
    """At most one record by person, structure and label: of several, the first to start among those not over."""
    wanted: dict[_Key, _Wanted] = {}
    for record in records:
        label = canonical_label(record.role_label)
        if not mapping.knows(label):
            result.unknown_labels[label] += 1
        account, structure = accounts.get(record.person), structures.get(record.structure)
        result.unknown_people += account is None
        result.unknown_structures += structure is None
        if account is None or structure is None:
            continue
        try:
            want = _Wanted(
                record,
                civil_date_from(record.start) if record.start else None,
                civil_date_from(record.end) if record.end else None,
            )
        except ValueError:
            result.invalid_dates += 1
            continue
        if want.start and want.end and want.end < want.start:
            result.invalid_dates += 1
            continue
        key = _Key(account, structure, label)
        other = wanted.get(key)
        if other is not None:
            result.twins += 1
        if other is None or _comes_first(want, other, today):
            wanted[key] = want
    return wanted


def _comes_first(want: _Wanted, other: _Wanted, today: datetime.date) -> bool:
    (start, end), (other_start, other_end) = want.days(today), other.days(today)
    if (end < today) != (other_end < today):
        return other_end < today
    return (start, -end.toordinal()) < (other_start, -other_end.toordinal())


def _settle(
    key: _Key,
    want: _Wanted,
    held: Habilitation | None,
    *,
    mapping: RoleMapping,
    source: str,
    seen_at: float,
    today: datetime.date,
    randomness: Randomness,
    result: Reconciliation,
) -> None:
    start, end = want.days(held.start_on if held else today)
    if end < today:
        result.expired += 1
    if held and (held.start_on, held.end_on) == (start, end):
        result.seen.append(held.id)
        return
    # What is held goes on whatever its label; a new habilitation needs a label that the mapping knows.
    begins = start <= end and end >= today and (held is not None or mapping.knows(key.label))
    if begins:
        result.add.append(
            Habilitation(
                id=identifier(randomness),
                account_id=key.account_id,
                structure_id=key.structure_id,
                role_label=want.record.role_label,
                start_on=start,
                end_on=end,
                state=HabilitationState.ACTIVE,
                origin=Origin.ROR,
                source=source,
                seen_at=seen_at,
            )
        )
    if held:
        _end(held, today, result, replaced=begins)


def _end(habilitation: Habilitation, today: datetime.date, result: Reconciliation, *, replaced: bool = False) -> None:
    result.end.append(habilitation)
    if replaced:
        result.replaced += 1
    elif habilitation.end_on >= today:
        result.lost += 1
