"""What is said of a person: which claim belongs to which scope, and where it goes (DECISIONS 10, TOK-05, TOK-07).

Nothing is said that a granted scope does not ask for. The access token carries rights only; the ID token everything but
the e-mail address, which userinfo gives (an ID token travels in the address of a logout). Rights that do not fit are never
cut silently: the totals say what is missing, and userinfo gives all of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from gateway.clock import iso_utc
from gateway.oidc.ports import Person, Said, StructureRights
from gateway.oidc.psc_claims import PSC_CLAIMS, psc_claims


class Place(StrEnum):
    ACCESS_TOKEN = "access_token"
    ID_TOKEN = "id_token"
    USERINFO = "userinfo"


SCOPE_ALL = "scope_all"
"""Of Pro Santé Connect: an application written for it finds here what it reads there, in userinfo."""
SCOPE_CLAIMS: Mapping[str, tuple[str, ...]] = {
    "openid": ("sub",),
    "profile": ("name", "given_name", "family_name", "locale"),
    "email": ("email", "email_verified"),
    "rpps": ("rpps", "nat_id", "rpps_proof"),
    "profession": ("professions",),
    "ror": (
        "structure",
        "roles",
        "entitlements",
        "structures",
        "structures_total",
        "structures_truncated",
        "roles_version",
        "roles_as_of",
    ),
    SCOPE_ALL: PSC_CLAIMS,
}
SCOPES_IN = {
    Place.ACCESS_TOKEN: frozenset({"ror"}),
    Place.ID_TOKEN: frozenset({"profile", "rpps", "profession", "ror"}),
    Place.USERINFO: frozenset(SCOPE_CLAIMS),
}


@dataclass(frozen=True, slots=True)
class Rights:
    """Live rights in one application. `active` is the active structure's identifier; `said` as in `HeldRights`."""

    structures: Sequence[StructureRights]
    active: str | None
    version: str
    as_of: float | None
    said: Said | None = field(default=None, compare=False, repr=False)


def identity_claims(
    person: Person,
    scope: Sequence[str],
    place: Place,
    *,
    asked: Sequence[str] = (),
    allowed: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """Claims about the person herself. `asked` are claims named one by one; they are given when they belong to a scope
    that the client is `allowed`."""
    as_psc = psc_claims(person) if SCOPE_ALL in allowed or SCOPE_ALL in scope else {}
    wanted = _wanted(tuple(scope), place, tuple(asked), allowed, tuple(as_psc))
    known = {**as_psc, **_known(person)}
    return {name: value for name, value in known.items() if name in wanted and value is not None}


@lru_cache(maxsize=256)
def _wanted(
    scope: tuple[str, ...], place: Place, asked: tuple[str, ...], allowed: frozenset[str], as_psc: tuple[str, ...]
) -> frozenset[str]:
    granted = {name for item in scope if item in SCOPES_IN[place] for name in _names_of(item, as_psc)}
    permitted = {name for item in allowed for name in _names_of(item, as_psc)}
    return frozenset(granted | (permitted & set(asked)))


def _names_of(scope: str, as_psc: Iterable[str]) -> Iterable[str]:
    """Under `scope_all`, those of somebody whose number is not proven are none at all."""
    return as_psc if scope == SCOPE_ALL else SCOPE_CLAIMS.get(scope, ())


def _known(person: Person) -> dict[str, Any]:
    return {
        "name": f"{person.given_name} {person.family_name}",
        "given_name": person.given_name,
        "family_name": person.family_name,
        "locale": person.language,
        "email": person.email,
        "email_verified": None if person.email is None else person.email_verified,
        "rpps": person.rpps,
        # National identifier of a professional: type 8 (RPPS), then the number (ror-and-directory, idNat_PS).
        "nat_id": None if person.rpps is None else f"8{person.rpps}",
        "rpps_proof": None if person.rpps is None else person.rpps_proof,
        "professions": _professions(person.profession),
    }


def _professions(profession: str | None) -> list[dict[str, str]] | None:
    """`<code>^<OID>` as an object."""
    if profession is None:
        return None
    code, _, oid = profession.partition("^")
    return [{"code": code, "oid": oid} if oid else {"code": code}]


def rights_claims(rights: Rights, *, limit: int | None, named: bool = True) -> Mapping[str, Any]:
    """Roles and entitlements in the active structure, and the structures with the roles in each: the active one first, at
    most `limit` of them (None: all), with the total said. `named`: with the structures' names, for people to read."""
    said = rights.said
    if said is None or said.structures is not rights.structures:  # narrowed since
        return _rights_claims(rights, limit, named)
    what = rights.active, rights.version, rights.as_of, limit, named
    known = said.made.get(what)
    if known is None:
        known = said.made[what] = _rights_claims(rights, limit, named)
    return MappingProxyType(known)


def _rights_claims(rights: Rights, limit: int | None, named: bool) -> dict[str, Any]:
    ordered = sorted(rights.structures, key=lambda structure: structure.id != rights.active)
    shown = ordered if limit is None else ordered[: max(limit, 1)]
    active = ordered[0] if ordered and ordered[0].id == rights.active else None
    claims: dict[str, Any] = {
        "roles": list(active.roles) if active else [],
        "entitlements": list(active.entitlements) if active else [],
        "structures": [{**_identified(item, named), "roles": list(item.roles), "end": item.end} for item in shown],
        "structures_total": len(ordered),
        "structures_truncated": len(shown) < len(ordered),
        "roles_version": rights.version,
    }
    if active is not None:
        claims["structure"] = _identified(active, named)
    if rights.as_of is not None:
        claims["roles_as_of"] = iso_utc(rights.as_of)
    return claims


def _identified(structure: StructureRights, named: bool) -> dict[str, str]:
    return {"id": structure.id, "name": structure.name} if named else {"id": structure.id}
