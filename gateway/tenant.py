"""Whom this deployment serves: `idp_config/tenant.yaml` (DECISIONS 14). One deployment, one tenant."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from gateway.applications.declared_file import Declared, read_declared


class _Contact(Declared):
    name: str
    email: str = Field(pattern=r"^[^@\s<>]+@[^@\s<>]+$")
    phone: str | None = None
    hours: Mapping[str, str] | None = None


class _Contacts(Declared):
    default: _Contact
    by_department: Mapping[str, _Contact] = {}


class _Legal(Declared):
    version: str
    address: str = Field(pattern=r"^(/|https://)[^\s<>]+$")


class _TenantFile(Declared):
    tenant: str
    name: Mapping[Literal["fr", "en"], str]
    host: str
    languages: tuple[Literal["fr", "en"], ...] = ("fr", "en")
    account_authority: Literal["ror", "gateway", "support"]
    contacts: _Contacts
    legal: Mapping[str, _Legal] = {}


@dataclass(frozen=True, slots=True)
class Tenant:
    """`contact` is the address that error pages and mails give; `accessibility` that of the organisation's own declaration,
    None where ours stands."""

    name: Mapping[str, str]
    host: str
    account_authority: str
    contact_name: str
    contact_email: str
    contact_phone: str | None
    contact_hours: Mapping[str, str]
    accessibility: str | None = None


class _RankingFile(Declared):
    ranking: tuple[tuple[str, ...], ...]


def read_tenant(path: Path) -> Tenant:
    """The tenant in `path`; ConfigurationError-like sentences name file and key."""
    declared, _ = read_declared(path, _TenantFile)
    contact = declared.contacts.default
    return Tenant(
        name={str(language): name for language, name in declared.name.items()},
        host=declared.host,
        account_authority=declared.account_authority,
        contact_name=contact.name,
        contact_email=contact.email,
        contact_phone=contact.phone,
        contact_hours=contact.hours or {},
        accessibility=declaration.address if (declaration := declared.legal.get("accessibility")) is not None else None,
    )


def read_ranking(path: Path) -> tuple[tuple[str, ...], ...]:
    """The ranking of assurance levels in `path` (assurance.yaml), weakest first."""
    declared, _ = read_declared(path, _RankingFile)
    return declared.ranking
