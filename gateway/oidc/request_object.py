"""A request object passed by value (RFC 9101, OpenID Connect Core §6.1): who signed it, and the parameters in it.

The key is one of the client's own, named by `kid` (or its only one), and the algorithm that key's own. `typ` is explicit, so
that nothing else a client signs can pass for a request; `iss` and `client_id` are the client, `aud` is our issuer, `exp` at
most an hour away. Refused: other header members, encryption, `request` or `request_uri` inside, a member twice, a value that
no parameter has.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from gateway.applications.client import Client
from gateway.applications.client_key import ClientKey
from gateway.keys.compact_jws import unverified_header
from gateway.keys.public_key import PublicKey, SignatureRefused, read_public_jwk, verified_claims
from gateway.oidc.parameters import MAX_PARAMETERS, UnverifiedParameters

TYP = "oauth-authz-req+jwt"
LIMIT = 16 * 1024
MAX_LIFETIME_SECONDS = 3600
SKEW_SECONDS = 10
"""How far in the future a client's clock may be (`jwt.skew`)."""
_HEADER_MEMBERS = frozenset({"alg", "kid", "typ"})
_OF_THE_OBJECT = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti"})


class RequestObjectRefused(Exception):  # noqa: N818 -- the domain's word
    """The reason is for the log."""


def read_request_object(unverified: str, client: Client, *, expected_audience: str, now: float) -> UnverifiedParameters:
    """The parameters that the client signed, still to be examined as any others. Raises RequestObjectRefused."""
    members = _verified(unverified, client)
    audience = members.get("aud")
    if members.get("iss") != client.client_id or members.get("client_id") != client.client_id:
        raise RequestObjectRefused("iss or client_id is not the client")
    if audience not in (expected_audience, [expected_audience]):
        raise RequestObjectRefused("aud is not our issuer")
    if members.get("sub") == client.client_id:
        raise RequestObjectRefused("sub is the client: this is an assertion")
    _refuse_unless_in_time(members, now)
    if {"request", "request_uri"} & set(members):
        raise RequestObjectRefused("a request inside the request")
    if len(members) > MAX_PARAMETERS:
        raise RequestObjectRefused("too many members")
    return _parameters(members)


def _parameters(members: Mapping[str, Any]) -> UnverifiedParameters:
    pairs = [(name, value) for name in members if name not in _OF_THE_OBJECT for value in _values(name, members[name])]
    try:
        "".join(name + value for name, value in pairs).encode()
    except UnicodeEncodeError as error:  # half a character, which JSON can write and a query cannot
        raise RequestObjectRefused("not text") from error
    return UnverifiedParameters(pairs)


def _values(name: str, value: object) -> list[str]:
    """As it would have been written in a query."""
    match value:
        case str():
            return [value]
        case bool() | None | float():
            pass
        case int() if name == "max_age":
            return [str(value)]
        case dict() if name == "claims":
            return [json.dumps(value)]
        case list() if name == "resource" and all(isinstance(item, str) for item in value):
            return [str(item) for item in value]
    raise RequestObjectRefused(f"the type of a value: {type(value).__name__}")


def _refuse_unless_in_time(members: Mapping[str, Any], now: float) -> None:
    expires_at = _instant(members, "exp")
    if expires_at is None or not now < expires_at <= now + MAX_LIFETIME_SECONDS:
        raise RequestObjectRefused("exp is missing, past, or too far away")
    for name in ("nbf", "iat"):
        begins_at = _instant(members, name)
        if begins_at is not None and begins_at > now + SKEW_SECONDS:
            raise RequestObjectRefused(f"{name} is in the future")


def _instant(members: Mapping[str, Any], name: str) -> float | None:
    value = members.get(name)
    if name in members and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise RequestObjectRefused(f"{name} is not an instant")
    return value


def _verified(unverified: str, client: Client) -> dict[str, Any]:
    if len(unverified) > LIMIT or not unverified.isascii() or unverified.count(".") != 2:
        raise RequestObjectRefused("size or shape")
    try:
        header = unverified_header(unverified)
    except ValueError as error:
        raise RequestObjectRefused("header") from error
    if not set(header) <= _HEADER_MEMBERS or not all(isinstance(value, str) for value in header.values()):
        raise RequestObjectRefused("header members")
    if header.get("typ") != TYP:
        raise RequestObjectRefused("typ")
    key = _key(client, header.get("kid"))
    try:
        return verified_claims(unverified, _parsed(tuple(key.public.items())), expected_algorithm=key.algorithm)
    except SignatureRefused as error:
        raise RequestObjectRefused(str(error)) from error


def _key(client: Client, kid: str | None) -> ClientKey:
    if kid is None and len(client.keys) == 1:
        return client.keys[0]
    for key in client.keys:
        if key.kid == kid:
            return key
    raise RequestObjectRefused("unknown key")


@lru_cache(maxsize=1024)
def _parsed(public: tuple[tuple[str, str], ...]) -> PublicKey:
    return read_public_jwk(dict(public))
