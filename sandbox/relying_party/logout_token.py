"""The logout token and its validation, OpenID Connect Back-Channel Logout 1.0 §2.4 and §2.6, every step, in one list.

Refuses another `typ` (an ID token is not a logout token), issuer or audience, a token out of its time, one that says no
logout event, names neither session nor person, holds a `nonce`, or was already received.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.relying_party.failures import ResponseRefused
from sandbox.relying_party.signed_token import KeyFor, audiences, in_time, signed_claims

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
LONGEST_SECONDS = 600
RECEIVED_KNOWN = 10_000


@dataclass(frozen=True)
class LogoutToken:
    """At least one of the two is there."""

    sid: str | None
    sub: str | None


class ReceivedOnce:
    """The `jti` already seen, until their token expires."""

    def __init__(self) -> None:
        self._until: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def is_new(self, jti: str, expires_at: float, now: datetime) -> bool:
        with self._lock:
            for old in [known for known, until in self._until.items() if until <= now.timestamp()]:
                del self._until[old]
            if jti in self._until or len(self._until) >= RECEIVED_KNOWN:
                return False
            self._until[jti] = expires_at
            return True


def verify_logout_token(
    logout_token: str,
    *,
    key_for: KeyFor,
    expected_issuer: str,
    expected_client_id: str,
    received: ReceivedOnce,
    now: datetime,
) -> LogoutToken:
    claims = signed_claims(logout_token, key_for=key_for, accepted_types=("logout+jwt",))
    if claims.get("iss") != expected_issuer:
        raise ResponseRefused("wrong_issuer", repr(claims.get("iss")))
    if expected_client_id not in audiences(claims):
        raise ResponseRefused("wrong_audience", repr(claims.get("aud")))
    in_time(claims, now)
    if claims["exp"] > claims["iat"] + LONGEST_SECONDS:
        raise ResponseRefused("lives_too_long")
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise ResponseRefused("no_logout_event")
    if "nonce" in claims:
        raise ResponseRefused("nonce_in_logout_token")
    sid, sub = _name(claims, "sid"), _name(claims, "sub")
    if sid is None and sub is None:
        raise ResponseRefused("nobody_named")
    jti = _name(claims, "jti")
    if jti is None:
        raise ResponseRefused("missing_claim", "jti")
    if not received.is_new(jti, claims["exp"], now):
        raise ResponseRefused("already_received")
    return LogoutToken(sid, sub)


def _name(claims: dict[str, Any], name: str) -> str | None:
    value = claims.get(name)
    if value is not None and (not isinstance(value, str) or not value):
        raise ResponseRefused("odd_claim", name)
    return value
