"""What the received claims mean for an application: the rights it knows, held or not, and why.

Rights come from `entitlements` alone: the gateway decides, this application has no table of roles. The reason shown is
the chain the claims give: roles in the active structure, the structure, the end date.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sandbox.french_time import day_and_time, long_date


@dataclass(frozen=True)
class Right:
    code: str
    label: str
    held: bool


@dataclass(frozen=True)
class Structure:
    id: str
    name: str
    roles: tuple[str, ...]
    end: str
    is_active: bool


@dataclass(frozen=True)
class Received:
    name: str
    active: Structure | None
    rights: tuple[Right, ...]
    unknown_rights: tuple[str, ...]
    structures: tuple[Structure, ...]
    structures_total: int
    is_truncated: bool
    as_of: str


def received(claims: Mapping[str, Any], known_rights: Mapping[str, str]) -> Received:
    """`known_rights` is label by code. Reads claims as they came: a missing or odd one is shown as absent, never guessed."""
    entitlements = _strings(claims.get("entitlements"))
    active_claim = claims.get("structure")
    active_id = str(active_claim.get("id", "")) if isinstance(active_claim, Mapping) else ""
    structures = tuple(_structure(entry, active_id) for entry in _objects(claims.get("structures")))
    active = next((structure for structure in structures if structure.is_active), None)
    if active is None and active_id and isinstance(active_claim, Mapping):
        name = str(active_claim.get("name") or active_id)
        active = Structure(active_id, name, _strings(claims.get("roles")), "", is_active=True)
    total = claims.get("structures_total")
    return Received(
        name=str(claims.get("name") or claims.get("sub") or ""),
        active=active,
        rights=tuple(Right(code, label, code in entitlements) for code, label in known_rights.items()),
        unknown_rights=tuple(code for code in entitlements if code not in known_rights),
        structures=structures,
        structures_total=total if isinstance(total, int) else len(structures),
        is_truncated=claims.get("structures_truncated") is True,
        as_of=_moment(claims.get("roles_as_of")),
    )


def _structure(entry: Mapping[str, Any], active_id: str) -> Structure:
    structure_id = str(entry.get("id", ""))
    return Structure(
        id=structure_id,
        name=str(entry.get("name") or structure_id),
        roles=_strings(entry.get("roles")),
        end=_day(entry.get("end")),
        is_active=structure_id == active_id,
    )


def _day(value: object) -> str:
    try:
        return long_date(date.fromisoformat(str(value)[:10]))
    except ValueError:
        return "" if value is None else str(value)


def _moment(value: object) -> str:
    try:
        return day_and_time(datetime.fromisoformat(str(value)))
    except ValueError:
        return "" if value is None else str(value)


def _strings(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
