"""The access token, read as the application's own API would read it (RFC 9068 §4): typ, signature, iss, aud, time.

A client has no business inside an access token; a resource server reads those made for it, and refuses the others.
So the page shows the claims when `aud` names this application, and says why not otherwise.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.relying_party.failures import ResponseRefused
from sandbox.relying_party.signed_token import KeyFor, audiences, in_time, signed_claims


@dataclass(frozen=True)
class AccessTokenReading:
    claims: dict[str, Any] = field(default_factory=dict)
    refused_because: str = ""


def read_as_own_api(
    token: str, *, key_for: KeyFor, expected_issuer: str, own_audiences: frozenset[str], now: datetime
) -> AccessTokenReading:
    try:
        claims = _verified(token, key_for, expected_issuer, own_audiences, now)
    except ResponseRefused as refusal:
        return AccessTokenReading(refused_because=str(refusal))
    return AccessTokenReading(claims)


def _verified(
    token: str, key_for: KeyFor, expected_issuer: str, own_audiences: frozenset[str], now: datetime
) -> dict[str, Any]:
    claims = signed_claims(token, key_for=key_for, accepted_types=("at+jwt", "application/at+jwt"))
    if claims.get("iss") != expected_issuer:
        raise ResponseRefused("wrong_issuer", repr(claims.get("iss")))
    if own_audiences.isdisjoint(audiences(claims)):
        raise ResponseRefused("wrong_audience", repr(claims.get("aud")))
    in_time(claims, now)
    return claims
