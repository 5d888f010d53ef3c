"""From a source's role labels to an application's roles and rights (ror-and-directory §6.2, §6.5).

A rule gives something when all its conditions hold; a label that no rule names gives nothing. A legacy label is known, kept
for comparison, and gives nothing (R000-24). Refuses a label written twice and a rule about an undeclared role.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.habilitations.role_label import canonical_label, near_misses
from gateway.habilitations.structure import Structure, StructureKind


class MappingError(ValueError):
    """A sentence: what the mapping says twice, or names without declaring it."""


@dataclass(frozen=True, slots=True)
class MappedRole:
    """`name` is how the mapping's rules call it; `label` is the source's; `aliases` are other exact labels of the same role."""

    name: str
    label: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LegacyLabel:
    """A label of the former system, with the rights it used to give: what a migration report compares with."""

    label: str
    former_rights: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class When:
    """Conditions, all of them; an empty set does not restrict. `profession` holds `<code>^<OID>` values (a profession or a
    role of TRE_R85), `category` codes of TRE_R66, `region` codes of TRE_R30."""

    role: str
    structure: frozenset[StructureKind] = frozenset()
    category: frozenset[str] = frozenset()
    region: frozenset[str] = frozenset()
    profession: frozenset[str] = frozenset()

    def holds(self, role: str, structure: Structure, profession: str | None) -> bool:
        return (
            role == self.role
            and (not self.structure or structure.kind in self.structure)
            and (not self.category or structure.category in self.category)
            and (not self.region or structure.region in self.region)
            and (not self.profession or profession in self.profession)
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """`give` are role names for the application, `rights` fine rights; below `min_acr` the rule gives nothing."""

    when: When
    give: tuple[str, ...]
    rights: tuple[str, ...]
    min_acr: str | None = None


@dataclass(frozen=True, slots=True)
class MappedApplication:
    """`vocabulary` is every right this application understands."""

    name: str
    vocabulary: frozenset[str]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a label is: a role's name, or legacy, or unknown with the labels a person may have meant."""

    role: str | None = None
    legacy: bool = False
    near: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RoleMapping:
    """`version` changes with the content. `withheld` are rights that no rule may ever give; `referents` the roles whose holders
    are the référents of their structure."""

    version: str
    roles: tuple[MappedRole, ...]
    legacy: tuple[LegacyLabel, ...]
    withheld: frozenset[str]
    applications: Mapping[str, MappedApplication]
    referents: frozenset[str] = frozenset()
    _known: Mapping[str, Recognition] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        known: dict[str, Recognition] = {}
        entries = [(label, Recognition(role=role.name)) for role in self.roles for label in (role.label, *role.aliases)]
        entries += [(legacy.label, Recognition(legacy=True)) for legacy in self.legacy]
        for label, recognition in entries:
            if known.setdefault(canonical_label(label), recognition) is not recognition:
                raise MappingError(f"the label “{label}” is written twice")
        object.__setattr__(self, "_known", known)
        names = [role.name for role in self.roles]
        if doubled := {name for name in names if names.count(name) > 1}:
            raise MappingError(f"the role {min(doubled)} is declared twice")
        if strange := self.referents - set(names):
            raise MappingError(f"referents names {min(strange)}, which is not declared under roles")
        for application in self.applications.values():
            for rule in application.rules:
                _check(rule, application, frozenset(names), self.withheld)

    def recognise(self, label: str) -> Recognition:
        """What `label` is; near misses are listed for a person, never taken."""
        recognition = self._known.get(canonical_label(label))
        return recognition or Recognition(near=near_misses(label, self._known))

    def knows(self, label: str) -> bool:
        """True for the label of a role, an alias, or a legacy label."""
        return canonical_label(label) in self._known

    def role_of(self, label: str) -> str | None:
        """The role's name when `label` is exactly (in its canonical form) a role's label or alias."""
        recognition = self._known.get(canonical_label(label))
        return recognition.role if recognition else None

    def rules_for(self, application: str) -> tuple[Rule, ...]:
        """No rule for an application that the mapping does not know."""
        mapped = self.applications.get(application)
        return mapped.rules if mapped else ()


def _check(rule: Rule, application: MappedApplication, roles: frozenset[str], withheld: frozenset[str]) -> None:
    where = f"in application {application.name}, the rule for role {rule.when.role}"
    if rule.when.role not in roles:
        raise MappingError(f"{where} names a role that is not declared under roles")
    if not rule.give:
        raise MappingError(f"{where} gives no role")
    if given := withheld.intersection(rule.rights):
        raise MappingError(f"{where} gives {min(given)}, which is withheld")
    if strange := set(rule.rights) - application.vocabulary:
        raise MappingError(f"{where} gives {min(strange)}, which is not in the application's rights")
