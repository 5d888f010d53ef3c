"""What people lose when the former labels give way to the regional roles (R000-22, R000-24).

Former labels give nothing any more; they are kept to compare. For each person and structure that held one: the former rights
that no current role gives back. A report for people to act on; nothing is granted from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.habilitations.habilitation import Habilitation
from gateway.habilitations.role_label import canonical_label
from gateway.habilitations.role_mapping import RoleMapping
from gateway.habilitations.structure import Structure


@dataclass(frozen=True, slots=True)
class LostRights:
    account_id: str
    structure_id: str
    former_labels: tuple[str, ...]
    rights: tuple[str, ...]


def lost_rights(
    habilitations: Sequence[tuple[Habilitation, Structure]], mapping: RoleMapping, application: str
) -> list[LostRights]:
    """One line by person and structure that loses something, whatever the dates: the report looks at labels alone."""
    former_rights = {canonical_label(legacy.label): legacy.former_rights for legacy in mapping.legacy}
    rules = mapping.rules_for(application)
    labels: dict[tuple[str, str], set[str]] = {}
    before: dict[tuple[str, str], set[str]] = {}
    after: dict[tuple[str, str], set[str]] = {}
    for habilitation, structure in habilitations:
        place = (habilitation.account_id, structure.id)
        label = canonical_label(habilitation.role_label)
        if label in former_rights:
            labels.setdefault(place, set()).add(label)
            before.setdefault(place, set()).update(former_rights[label])
        role = mapping.role_of(label)
        for rule in rules:
            if role is not None and rule.when.holds(role, structure, profession=None):
                after.setdefault(place, set()).update(rule.rights)
    return [
        LostRights(*place, tuple(sorted(labels[place])), tuple(sorted(lost)))
        for place in sorted(before)
        if (lost := before[place] - after.get(place, set()))
    ]
