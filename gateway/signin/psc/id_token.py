"""The ID token: who proved what to Pro Santé Connect, when, for us, for this question (PSC-03, §2.3 item 3, §7.4).

First the signature, by the key that `kid` names in the pinned set and an algorithm of our list; then CLAIM_CHECKS, the whole
of it, in order. Refuses any header member that would choose the key or change the rules (`jku`, `x5u`, `jwk`, `crit`…), and
a token that is anything else than an ID token. Nothing inside is believed before the signature.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from gateway.randomness import base64url
from gateway.signin.psc.attempt import Attempt
from gateway.signin.psc.environment import PscEnvironment
from gateway.signin.psc.json_object import MalformedObject, read_object
from gateway.signin.psc.key_set import PinnedKeys
from gateway.signin.psc.refusals import PscRefused

TOKEN_LIMIT = 16 * 1024
HEADER_MEMBERS = {"alg", "kid", "typ"}
MAX_AMR = 16


@dataclass(frozen=True, slots=True)
class VerifiedIdToken:
    """`compact` is the token itself, for the hint of a later logout alone; times are seconds since the epoch."""

    issuer: str
    subject: str
    acr: str
    amr: tuple[str, ...]
    auth_time: float
    session_id: str | None
    preferred_username: str | None
    compact: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Expected:
    """What the claims are compared with."""

    environment: PscEnvironment
    attempt: Attempt
    access_token: str = field(repr=False)
    now: float

    @property
    def skew(self) -> int:
        return self.environment.limits.clock_skew_seconds


def verify_id_token(unverified: str, *, keys: PinnedKeys, expected: Expected) -> VerifiedIdToken:
    """Raises PscRefused; PscUnavailable when there are no keys to judge with."""
    claims = _signed_claims(unverified, keys, expected.environment.id_token_algorithms)
    for check in CLAIM_CHECKS:
        check(claims, expected)
    return VerifiedIdToken(
        issuer=claims["iss"],
        subject=claims["sub"],
        acr=claims["acr"],
        amr=tuple(claims.get("amr", ())),
        auth_time=claims["auth_time"],
        session_id=claims.get("sid"),
        preferred_username=claims.get("preferred_username"),
        compact=unverified,
    )


def _signed_claims(unverified: str, keys: PinnedKeys, algorithms: Sequence[str]) -> dict[str, Any]:
    if not unverified.isascii() or not 0 < len(unverified) <= TOKEN_LIMIT:
        raise PscRefused("id token: size or alphabet")
    header = _header(unverified)
    if not set(header) <= HEADER_MEMBERS or not all(isinstance(value, str) for value in header.values()):
        raise PscRefused("id token: header members")
    if header.get("typ", "JWT") != "JWT":
        raise PscRefused("id token: header typ")
    algorithm = header.get("alg")
    if algorithm not in algorithms:
        raise PscRefused("id token: alg")
    key = keys.find(header["kid"]) if header.get("kid") else None
    if key is None:
        raise PscRefused("id token: kid")
    if algorithm not in key.algorithms:
        raise PscRefused("id token: alg is not the key's")
    try:
        return read_object(jws.deserialize_compact(unverified, key.key, algorithms=[algorithm]).payload or b"")
    except MalformedObject:
        raise PscRefused("id token: payload") from None
    except (JoseError, ValueError):
        raise PscRefused("id token: signature") from None


def _header(unverified: str) -> dict[str, Any]:
    segment = unverified.split(".", 1)[0]
    try:
        return read_object(base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise PscRefused("id token: header") from None


Claims = Mapping[str, Any]


def it_is_an_id_token(claims: Claims, expected: Expected) -> None:
    """Keycloak says what each of its tokens is; an access or logout token signed by the same key is refused."""
    if claims.get("typ", "ID") != "ID" or "events" in claims:
        raise PscRefused("id token: typ")


def issuer_is_exactly_ours(claims: Claims, expected: Expected) -> None:
    if claims.get("iss") != expected.environment.issuer:
        raise PscRefused("id token: iss")


def audience_is_us(claims: Claims, expected: Expected) -> None:
    """Us alone, as text or as a list of one: we know no other client that could be trusted with it (Core §3.1.3.7)."""
    if claims.get("aud") not in (expected.environment.client_id, [expected.environment.client_id]):
        raise PscRefused("id token: aud")


def authorized_party_is_us(claims: Claims, expected: Expected) -> None:
    if claims.get("azp", expected.environment.client_id) != expected.environment.client_id:
        raise PscRefused("id token: azp")


def it_has_not_expired(claims: Claims, expected: Expected) -> None:
    if _instant(claims, "exp") <= expected.now - expected.skew:
        raise PscRefused("id token: exp")


def it_was_issued_for_this_question(claims: Claims, expected: Expected) -> None:
    """Neither in the future nor before we asked."""
    issued_at = _instant(claims, "iat")
    if not expected.attempt.started_at - expected.skew <= issued_at <= expected.now + expected.skew:
        raise PscRefused("id token: iat")


def it_is_valid_already(claims: Claims, expected: Expected) -> None:
    if "nbf" in claims and _instant(claims, "nbf") > expected.now + expected.skew:
        raise PscRefused("id token: nbf")


def nonce_is_the_attempts(claims: Claims, expected: Expected) -> None:
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), expected.attempt.nonce.encode()):
        raise PscRefused("id token: nonce")


def access_token_is_its_own(claims: Claims, expected: Expected) -> None:
    """`at_hash` (Core §3.1.3.6), when there is one; SHA-256 with every algorithm of our list."""
    if "at_hash" not in claims:
        return
    half = hashlib.sha256(expected.access_token.encode("ascii")).digest()[:16]
    if claims["at_hash"] != base64url(half):
        raise PscRefused("id token: at_hash")


def subject_is_named(claims: Claims, expected: Expected) -> None:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255 or not subject.isprintable():
        raise PscRefused("id token: sub")


def level_is_accepted(claims: Claims, expected: Expected) -> None:
    """A level of this environment's list, whichever was asked; absent is refused (REG-03, PSC-R9)."""
    if claims.get("acr") not in expected.environment.accepted_acr:
        raise PscRefused("id token: acr")


def authentication_is_recent_enough(claims: Claims, expected: Expected) -> None:
    """Never older than their session may live; nor than `max_age`; nor than the question, when we asked to prove anew."""
    proved_at = _instant(claims, "auth_time")
    oldest = expected.now - expected.environment.limits.session_seconds
    if expected.attempt.max_age_seconds is not None:
        oldest = max(oldest, expected.now - expected.attempt.max_age_seconds)
    if expected.attempt.reauthenticate:
        oldest = max(oldest, expected.attempt.started_at)
    if not oldest - expected.skew <= proved_at <= expected.now + expected.skew:
        raise PscRefused("id token: auth_time")


def what_else_we_keep_is_text(claims: Claims, expected: Expected) -> None:
    for name in ("sid", "preferred_username"):
        if not isinstance(claims.get(name, ""), str):
            raise PscRefused(f"id token: {name}")
    methods = claims.get("amr", [])
    if not isinstance(methods, list) or len(methods) > MAX_AMR or not all(isinstance(one, str) for one in methods):
        raise PscRefused("id token: amr")


def _instant(claims: Claims, name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 2**40:
        raise PscRefused(f"id token: {name}")
    return value


CLAIM_CHECKS: Sequence[Callable[[Claims, Expected], None]] = (
    it_is_an_id_token,
    issuer_is_exactly_ours,
    audience_is_us,
    authorized_party_is_us,
    it_has_not_expired,
    it_was_issued_for_this_question,
    it_is_valid_already,
    nonce_is_the_attempts,
    access_token_is_its_own,
    subject_is_named,
    level_is_accepted,
    authentication_is_recent_enough,
    what_else_we_keep_is_text,
)
