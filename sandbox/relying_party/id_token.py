"""ID token validation, OpenID Connect Core §3.1.3.7, every step, in one visible list.

Returns the claims or refuses: signature, issuer, audience and authorized party, time, nonce, access token hash, subject.
"""

import base64
import hashlib
from datetime import datetime
from typing import Any

from sandbox.relying_party.failures import ResponseRefused
from sandbox.relying_party.signed_token import KeyFor, audiences, in_time, signed_claims


def verify_id_token(
    id_token: str,
    *,
    key_for: KeyFor,
    expected_issuer: str,
    expected_client_id: str,
    expected_nonce: str,
    access_token: str,
    now: datetime,
) -> dict[str, Any]:
    claims = signed_claims(id_token, key_for=key_for, accepted_types=(None, "jwt"))
    if claims.get("iss") != expected_issuer:
        raise ResponseRefused("wrong_issuer", repr(claims.get("iss")))
    if expected_client_id not in audiences(claims):
        raise ResponseRefused("wrong_audience", repr(claims.get("aud")))
    if claims.get("azp", expected_client_id if len(audiences(claims)) == 1 else None) != expected_client_id:
        raise ResponseRefused("wrong_authorized_party", repr(claims.get("azp")))
    in_time(claims, now)
    if claims.get("nonce") != expected_nonce:
        raise ResponseRefused("wrong_nonce")
    if "at_hash" in claims and claims["at_hash"] != _half_hash(access_token):
        raise ResponseRefused("wrong_access_token_hash")
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise ResponseRefused("missing_claim", "sub")
    return claims


def _half_hash(access_token: str) -> str:
    """Core §3.1.3.6; both accepted algorithms hash with SHA-256."""
    digest = hashlib.sha256(access_token.encode("ascii", "replace")).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode("ascii")
