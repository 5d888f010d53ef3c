"""`idp_config/roles.yaml` as a RoleMapping (ror-and-directory §6.5), and what its lint refuses.

Refuses unknown keys, labels and roles written twice, rights outside an application's vocabulary, withheld rights, conditions
that are not codes. The lint also wants every declared role used, every level known, and no `user.manage` where the regional
source is the account authority (R000-15).
"""

from collections.abc import Collection
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from gateway.applications.declared_file import Declared, read_declared
from gateway.habilitations.role_mapping import (
    LegacyLabel,
    MappedApplication,
    MappedRole,
    MappingError,
    RoleMapping,
    Rule,
    When,
)
from gateway.habilitations.structure import StructureKind
from gateway.settings import ConfigurationError

Label = Annotated[str, Field(min_length=1, max_length=200)]
RoleName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Right = Annotated[str, Field(pattern=r"^[a-z]+(\.[a-z_]+)+$", max_length=60)]
GivenRole = Annotated[str, Field(pattern=r"^[a-z]+(\.[a-z_]+)*$", max_length=60)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]


class _Role(Declared):
    label: Label
    aliases: tuple[Label, ...] = ()


class _Legacy(Declared):
    label: Label
    former_rights: tuple[Right, ...] = ()


class _When(Declared):
    role: RoleName
    structure: tuple[StructureKind, ...] = ()
    category: tuple[Annotated[str, Field(pattern=r"^[0-9]{3}$")], ...] = ()
    region: tuple[Annotated[str, Field(pattern=r"^[0-9]{2}$")], ...] = ()
    profession: tuple[Annotated[str, Field(pattern=r"^[0-9A-Z]{1,8}\^[0-9]+(\.[0-9]+)+$")], ...] = ()


class _Rule(Declared):
    when: _When
    give: tuple[GivenRole, ...] = Field(min_length=1)
    rights: tuple[Right, ...] = ()
    min_acr: str | None = None


class _Application(Declared):
    rights: tuple[Right, ...]
    rules: tuple[_Rule, ...] = ()


class _RolesFile(Declared):
    version: str = Field(pattern=r"^[0-9A-Za-z.-]{1,40}$")
    roles: dict[RoleName, _Role]
    legacy: tuple[_Legacy, ...] = ()
    withheld: tuple[Right, ...] = ()
    referents: tuple[RoleName, ...] = ()
    applications: dict[Slug, _Application]


def read_mapping(path: Path) -> RoleMapping:
    """The mapping in `path`; its version is the file's own, followed by the first digits of the file's SHA-256.
    ConfigurationError says what to change."""
    declared, sha256 = read_declared(path, _RolesFile)
    try:
        return RoleMapping(
            version=f"{declared.version}+{sha256[:8]}",
            roles=tuple(MappedRole(name, role.label, role.aliases) for name, role in declared.roles.items()),
            legacy=tuple(LegacyLabel(legacy.label, legacy.former_rights) for legacy in declared.legacy),
            withheld=frozenset(declared.withheld),
            referents=frozenset(declared.referents),
            applications=MappingProxyType(
                {name: _application(name, application) for name, application in declared.applications.items()}
            ),
        )
    except MappingError as error:
        raise ConfigurationError(f"{path}: {error}") from None


def _application(name: str, declared: _Application) -> MappedApplication:
    rules = tuple(
        Rule(
            when=When(
                role=rule.when.role,
                structure=frozenset(rule.when.structure),
                category=frozenset(rule.when.category),
                region=frozenset(rule.when.region),
                profession=frozenset(rule.when.profession),
            ),
            give=rule.give,
            rights=rule.rights,
            min_acr=rule.min_acr,
        )
        for rule in declared.rules
    )
    return MappedApplication(name, frozenset(declared.rights), rules)


def lint(mapping: RoleMapping, *, account_authority: str, known_levels: Collection[str]) -> list[str]:
    """What is suspect in a mapping that can be read, in sentences; nothing when all is well."""
    remarks: list[str] = []
    used = {rule.when.role for application in mapping.applications.values() for rule in application.rules}
    remarks += [f"the role {role.name} is used by no rule" for role in mapping.roles if role.name not in used]
    for application in mapping.applications.values():
        where = f"application {application.name}"
        whens = [rule.when for rule in application.rules]
        remarks += [f"{where}: two rules have the same conditions, for {when.role}" for when in _doubles(whens)]
        given = {right for rule in application.rules for right in rule.rights}
        remarks += [f"{where}: no rule gives {right}" for right in sorted(application.vocabulary - given)]
        remarks += [
            f"{where}: the level {rule.min_acr} is not in assurance.yaml"
            for rule in application.rules
            if rule.min_acr is not None and rule.min_acr not in known_levels
        ]
        if account_authority == "ror" and "user.manage" in given:
            remarks.append(f"{where}: user.manage is given, but users are managed in the regional portal")
    return remarks


def _doubles(whens: list[When]) -> list[When]:
    return [when for index, when in enumerate(whens) if when in whens[:index]]
