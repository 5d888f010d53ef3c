"""Reads a role source and applies what it says, in one transaction, with its journal lines (ror-and-directory §6.6).

A plan first: nothing is written until `apply`. Refuses, and journals the refusal, when too much would end, unless a person
forces it. Archived accounts receive nothing, and lose what they had from this source (ADM-08).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.accounts.account import AccountStatus
from gateway.accounts.ports import Accounts
from gateway.clock import Clock, civil_date
from gateway.habilitations.habilitation import Habilitation
from gateway.habilitations.ports import Habilitations, RoleRecord, RoleSource, Structures
from gateway.habilitations.reconcile import Identifier, Reconciliation, reconcile
from gateway.habilitations.role_mapping import RoleMapping
from gateway.journal.effects import because
from gateway.journal.events import Event, Outcome
from gateway.randomness import Randomness
from gateway.refusal import Refusal

_LABEL_LENGTH = 120
_LABELS_JOURNALLED = 100


class ShrinkingSourceRefused(Refusal):
    """Facts: `lost`, `live`."""

    code = "shrinking_source"
    text = "directory.shrinking_source"


@dataclass(frozen=True, slots=True)
class RolePlan:
    """What would change. `near_misses` gives, for each unknown label, the known ones a person may have meant."""

    source: str
    read: int
    seen_at: float
    changes: Reconciliation
    near_misses: Mapping[str, Sequence[str]]


class RoleImport:
    """Accepts any source of role records: `plan` compares, `apply` writes, `run` does both."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        structures: Structures,
        habilitations: Habilitations,
        mapping: RoleMapping,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._accounts = accounts
        self._structures = structures
        self._habilitations = habilitations
        self._mapping = mapping
        self._clock = clock
        self._randomness = randomness

    def plan(self, reader: RoleSource, *, source: str) -> RolePlan:
        """`source` names what was read ("ror"): only its own earlier habilitations are compared and can end."""
        now = self._clock.now()
        records = tuple(reader.records())
        # The oldest word dates the whole reading, and a clock that runs ahead cannot make it younger.
        seen_at = min([now, *(record.seen_at for record in records)])
        changes = reconcile(
            records=records,
            current=self._habilitations.from_source(source),
            accounts=self._known_accounts(records),
            structures=self._known_structures(records),
            mapping=self._mapping,
            source=source,
            seen_at=seen_at,
            today=civil_date(now),
            randomness=self._randomness,
        )
        near = {label: self._mapping.recognise(label).near for label in changes.unknown_labels}
        return RolePlan(source, len(records), seen_at, changes, near)

    def apply(self, plan: RolePlan, *, forced: bool = False, operator: str | None = None) -> None:
        """Writes the plan; ShrinkingSourceRefused when too much would end and nobody forces it."""
        now, changes = self._clock.now(), plan.changes
        if changes.shrinks and not forced:
            refused = _imported(plan, now, Outcome.REFUSED, operator, reason="shrinking_source")
            self._habilitations.apply(add=(), end=(), seen=(), seen_at=plan.seen_at, effects=because(refused))
            raise ShrinkingSourceRefused(
                f"{plan.source}: {changes.lost} of {changes.live} running habilitations would end",
                lost=changes.lost,
                live=changes.live,
            )
        events = [
            *(_changed("habilitation.ended", habilitation, plan.source, now) for habilitation in changes.end),
            *(_changed("habilitation.granted", habilitation, plan.source, now) for habilitation in changes.add),
            *(
                _unmapped(label, count, plan.source, now)
                for label, count in changes.unknown_labels.most_common(_LABELS_JOURNALLED)
            ),
            _imported(plan, now, Outcome.SUCCESS, operator, reason="forced" if changes.shrinks else None),
        ]
        self._habilitations.apply(
            add=changes.add,
            end=[habilitation.id for habilitation in changes.end],
            seen=changes.seen,
            seen_at=plan.seen_at,
            effects=because(*events),
        )

    def run(self, reader: RoleSource, *, source: str, forced: bool = False, operator: str | None = None) -> RolePlan:
        """Plans and applies."""
        plan = self.plan(reader, source=source)
        self.apply(plan, forced=forced, operator=operator)
        return plan

    def _known_accounts(self, records: Sequence[RoleRecord]) -> Mapping[Identifier, str]:
        found = {person: self._account_id(*person) for person in {record.person for record in records}}
        return {person: account_id for person, account_id in found.items() if account_id is not None}

    def _account_id(self, kind: str, value: str) -> str | None:
        match kind:
            case "rpps":
                account = self._accounts.find_by_rpps(value)
            case "idnat" if len(value) == 12 and value.startswith("8"):  # type 8 of TRE_G08: an RPPS follows
                account = self._accounts.find_by_rpps(value[1:])
            case "email":
                account = self._accounts.find_by_verified_email(value)
            case "login":
                account = self._accounts.find_by_username(value)
            case _:
                account = None
        return account.id if account is not None and account.status is not AccountStatus.ARCHIVED else None

    def _known_structures(self, records: Sequence[RoleRecord]) -> Mapping[Identifier, str]:
        found = {identifier: self._structure_id(*identifier) for identifier in {record.structure for record in records}}
        return {identifier: structure_id for identifier, structure_id in found.items() if structure_id is not None}

    def _structure_id(self, kind: str, value: str) -> str | None:
        match kind:
            case "finess":
                structure = self._structures.find_by_finess(value)
            case "siret":
                structure = self._structures.find_by_siret(value)
            case "idnat_struct" if len(value) == 10 and value.startswith("1"):  # type 1 of TRE_G07: FINESS
                structure = self._structures.find_by_finess(value[1:])
            case "idnat_struct" if len(value) == 15 and value.startswith("3"):  # type 3: SIRET
                structure = self._structures.find_by_siret(value[1:])
            case "local_id":
                structure = self._structures.get(f"local:{value}")
            case "idnat_struct":
                structure = self._structures.get(f"idnst:{value}")
            case _:
                structure = None
        return structure.id if structure is not None else None


def _changed(name: str, habilitation: Habilitation, source: str, now: float) -> Event:
    return Event(
        name,
        Outcome.SUCCESS,
        now,
        target=habilitation.account_id,
        structure=habilitation.structure_id,
        details={"role": habilitation.role_label[:_LABEL_LENGTH], "source": source},
    )


def _unmapped(label: str, count: int, source: str, now: float) -> Event:
    return Event(
        "role.unmapped", Outcome.REFUSED, now, details={"role": label[:_LABEL_LENGTH], "count": count, "source": source}
    )


def _imported(plan: RolePlan, now: float, outcome: Outcome, operator: str | None, *, reason: str | None) -> Event:
    changes = plan.changes
    unknown = changes.unknown_labels.total() + changes.unknown_people + changes.unknown_structures
    details: dict[str, str | int] = {
        "source": plan.source,
        "count": plan.read,
        "added": len(changes.add),
        "ended": len(changes.end),
        "unknown": unknown,
    }
    if operator is not None:
        details["operator"] = operator
    return Event("directory.imported", outcome, now, reason=reason, details=details)
