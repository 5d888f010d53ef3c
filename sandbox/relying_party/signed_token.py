"""The signature of a token (RFC 7515) before anything inside it is believed.

Two algorithms, each with its own kind of key: ES256 and RS256. Refuses `none`, HMAC, a key that is not published
under the token's `kid`, an unexpected `typ`, and a payload that is not an object.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import jwt

from sandbox.relying_party.failures import ResponseRefused

ALGORITHMS = ("ES256", "RS256")
KeyFor = Callable[[str | None, str], jwt.PyJWK]

# Times are judged by the caller, against the shared clock; PyJWT would judge them against this machine's.
_SIGNATURE_ONLY: Any = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


def signed_claims(token: str, *, key_for: KeyFor, accepted_types: tuple[str | None, ...]) -> dict[str, Any]:
    """`accepted_types` are lower-case `typ` values; None accepts a token without one."""
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as failure:
        raise ResponseRefused("unreadable_token") from failure
    algorithm, kid, declared_type = header.get("alg"), header.get("kid"), header.get("typ")
    if algorithm not in ALGORITHMS:
        raise ResponseRefused("refused_algorithm", repr(algorithm))
    if (declared_type.lower() if isinstance(declared_type, str) else declared_type) not in accepted_types:
        raise ResponseRefused("wrong_token_type", repr(declared_type))
    try:
        return jwt.decode(token, key_for(kid, algorithm), algorithms=[algorithm], options=_SIGNATURE_ONLY)
    except jwt.PyJWTError as failure:
        raise ResponseRefused("bad_signature") from failure


def in_time(claims: dict[str, Any], now: datetime, *, clock_difference_seconds: float = 5.0) -> None:
    """`exp` still to come and `iat` not in the future, or ResponseRefused."""
    expires_at, issued_at = _seconds(claims, "exp"), _seconds(claims, "iat")
    if now.timestamp() >= expires_at:
        raise ResponseRefused("expired")
    if issued_at > now.timestamp() + clock_difference_seconds:
        raise ResponseRefused("issued_in_the_future")


def audiences(claims: dict[str, Any]) -> list[str]:
    audience = claims.get("aud")
    values = audience if isinstance(audience, list) else [audience]
    return [value for value in values if isinstance(value, str)]


def _seconds(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ResponseRefused("missing_claim", name)
    return float(value)
