"""The `claims` parameter (OpenID Connect Core §5.5): what of it we honour, and what is refused.

Honoured: claims asked by name in `id_token` and in `userinfo` (when the client's scopes allow them), `acr` with values, `sub`
with one value. Malformed JSON, a member twice, half a character, a wrong type or two people is `invalid_request`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.keys.compact_jws import json_object

MAX_LENGTH = 4096


class MalformedClaimsRequest(ValueError):  # noqa: N818 -- a refusal of the request
    pass


@dataclass(frozen=True, slots=True)
class ClaimsRequest:
    """`id_token` and `userinfo`: the claims asked by name; `acr_values` in order of preference; `sub`: the only person the
    answer may be about."""

    id_token: tuple[str, ...] = ()
    userinfo: tuple[str, ...] = ()
    acr_values: tuple[str, ...] = ()
    acr_essential: bool = False
    sub: str | None = None


def read_claims_request(unverified: str) -> ClaimsRequest:
    if len(unverified) > MAX_LENGTH:
        raise MalformedClaimsRequest("too long")
    try:
        asked = json_object(unverified.encode())
    except ValueError as error:
        raise MalformedClaimsRequest("not JSON") from error
    id_token = _asked_of(asked, "id_token")
    userinfo = _asked_of(asked, "userinfo")
    acr = id_token.get("acr") or {}
    people = {value for place in (id_token, userinfo) for value in _values(place.get("sub") or {})}
    if len(people) > 1:
        raise MalformedClaimsRequest("an answer is about one person")
    return ClaimsRequest(
        id_token=tuple(id_token),
        userinfo=tuple(userinfo),
        acr_values=_values(acr),
        acr_essential=acr.get("essential") is True,
        sub=next(iter(people), None),
    )


def _asked_of(asked: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    members = asked.get(place)
    if members is None:
        return {}
    if not isinstance(members, dict):
        raise MalformedClaimsRequest(f"{place} is not an object")
    for member in members.values():
        if member is not None and not isinstance(member, dict):
            raise MalformedClaimsRequest("a claim is asked by null or by an object")
        if member and not isinstance(member.get("essential", False), bool):
            raise MalformedClaimsRequest("essential is true or false")
    return members


def _values(member: Mapping[str, Any]) -> tuple[str, ...]:
    values = member.get("values", [member["value"]] if "value" in member else [])
    if not isinstance(values, list) or not all(isinstance(value, str) and value for value in values):
        raise MalformedClaimsRequest("values are strings")
    return tuple(values)
