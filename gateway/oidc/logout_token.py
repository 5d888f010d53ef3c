"""The logout token: tells an application that a session has ended (OpenID Connect Back-Channel Logout 1.0 §2.4; SES-07).

It names the session and the person as that application knows them, is for it alone, lives two minutes at most and never holds a
`nonce`; its `typ` keeps it from being taken for an ID token (RFC 8725 §3.11).
"""

from typing import Any

LOGOUT_TOKEN_TYP = "logout+jwt"
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


def logout_claims(
    *, issuer: str, client_id: str, sub: str, sid: str, jti: str, now: float, ttl_seconds: int
) -> dict[str, Any]:
    return {
        "iss": issuer,
        "sub": sub,
        "aud": client_id,
        "iat": int(now),
        "exp": int(now) + ttl_seconds,
        "jti": jti,
        "sid": sid,
        "events": {LOGOUT_EVENT: {}},
    }
