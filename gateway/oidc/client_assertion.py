"""`private_key_jwt`: a client signs who it is (RFC 7523 §3, OpenID Connect Core §9, FAPI 2.0 §5.3.2.1; OID-05).

The key is one of its file, the algorithm that key's own. `iss` and `sub` are the client, `aud` is our issuer as a text and
nothing else, `exp` at most five minutes after `iat` (or from now), and each `jti` serves once. Refused: other header members.
"""

from collections.abc import Mapping
from typing import Any

from gateway.applications.client import Client
from gateway.applications.client_key import KEY_ALGORITHMS
from gateway.keys.compact_jws import unverified_claims, unverified_header
from gateway.keys.public_key import SignatureRefused, verified_claims
from gateway.oidc.client_keys import key_of, nobodys_key
from gateway.oidc.ports import ProofKind, UsedProofs

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIMIT = 8 * 1024
JTI_LIMIT = 256
LIFETIME_SECONDS = 300
SKEW_SECONDS = 30
"""How far in the future a client's clock may be."""
FAR = 2**40
"""Seconds; an integer that no float holds is no instant."""
_HEADER_MEMBERS = frozenset({"alg", "kid", "typ"})
_TYPS = frozenset({"JWT", "client-authentication+jwt"})


class AssertionRefused(Exception):  # noqa: N818 -- the domain's word
    """The reason is for the log."""


def named_client(unverified: str) -> str:
    """Whom the assertion says to be about; nothing of it is believed. Raises AssertionRefused."""
    if len(unverified) > LIMIT or not unverified.isascii():
        raise AssertionRefused("size or alphabet")
    try:
        subject = unverified_claims(unverified).get("sub")
    except ValueError as error:
        raise AssertionRefused("payload") from error
    if not isinstance(subject, str) or not subject:
        raise AssertionRefused("sub")
    return subject


class ClientAssertions:
    def __init__(self, used: UsedProofs, *, issuer: str) -> None:
        self._used = used
        self._issuer = issuer

    async def verify(self, unverified: str, client: Client | None, now: float) -> None:
        """That `client` made it, just now, for us, and that it is spent by this. Raises AssertionRefused. An unknown client
        (None) costs the same verification."""
        algorithm, kid = _header(unverified)
        key = key_of(client, kid, algorithm) if client is not None else None
        try:
            claims = verified_claims(unverified, key or nobodys_key(algorithm), expected_algorithm=algorithm)
        except SignatureRefused as error:
            raise AssertionRefused(str(error)) from error
        if client is None or key is None:
            raise AssertionRefused("unknown key")
        expires_at = self._examine(claims, client, now)
        if not await self._used.use_once(ProofKind.ASSERTION, client.client_id, claims["jti"], expires_at, now):
            raise AssertionRefused("jti was used before")

    def _examine(self, claims: Mapping[str, Any], client: Client, now: float) -> float:
        """When it ends."""
        if claims.get("iss") != client.client_id or claims.get("sub") != client.client_id:
            raise AssertionRefused("iss or sub is not the client")
        if claims.get("aud") != self._issuer:
            raise AssertionRefused("aud is not our issuer")
        jti = claims.get("jti")
        if not isinstance(jti, str) or not 0 < len(jti) <= JTI_LIMIT:
            raise AssertionRefused("jti is missing, or no text")
        issued_at = _instant(claims, "iat") if "iat" in claims else now  # optional, in RFC 7523 and in Core
        expires_at = _instant(claims, "exp")
        begins_at = _instant(claims, "nbf") if "nbf" in claims else issued_at
        if max(issued_at, begins_at) > now + SKEW_SECONDS:
            raise AssertionRefused("in the future")
        if expires_at <= now:
            raise AssertionRefused("expired")
        if expires_at - issued_at > LIFETIME_SECONDS:
            raise AssertionRefused("lives too long")
        return expires_at


def _header(unverified: str) -> tuple[str, str | None]:
    """Algorithm and kid."""
    try:
        header = unverified_header(unverified)
    except ValueError as error:
        raise AssertionRefused("header") from error
    if not set(header) <= _HEADER_MEMBERS or not all(isinstance(value, str) for value in header.values()):
        raise AssertionRefused("header members")
    if header.get("typ", "JWT") not in _TYPS:
        raise AssertionRefused("typ")
    algorithm = header.get("alg")
    if algorithm not in KEY_ALGORITHMS:
        raise AssertionRefused("alg")
    return str(algorithm), header.get("kid")


def _instant(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < FAR:
        raise AssertionRefused(f"{name} is missing, or no instant")
    return value
