"""The provider's signing keys: read from its pinned address, kept a while, read again when due (PSC-06, PSC-R10).

An unknown `kid` reads them again, at most once a minute whatever happens; when the provider is down the keys of yesterday
still do, for 24 hours. A key takes only its own numbers from the set (no `x5u`, no certificate), must be for signatures and
strong enough; a `kid` that names two keys names none.
"""

import base64
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from gateway.clock import Clock
from gateway.signin.psc.environment import PscEnvironment
from gateway.signin.psc.json_object import MalformedObject, read_object
from gateway.signin.psc.ports import PscProvider
from gateway.signin.psc.refusals import PscRefused, PscUnavailable

MIN_RSA_BITS = 2048
MAX_KEYS = 32
ALGORITHMS_OF_TYPE = {"RSA": frozenset({"RS256", "PS256"}), "EC": frozenset({"ES256"})}


@dataclass(frozen=True, slots=True)
class VerificationKey:
    key: RSAKey | ECKey
    algorithms: frozenset[str]


@dataclass(frozen=True, slots=True)
class _KeptKeys:
    by_kid: Mapping[str, VerificationKey] = field(default_factory=dict)
    read_at: float = float("-inf")


class PinnedKeys:
    """Shared by all threads. Only a thread whose key is missing waits for a reading under way."""

    def __init__(self, provider: PscProvider, environment: PscEnvironment, clock: Clock) -> None:
        self._provider = provider
        self._limits = environment.limits
        self._clock = clock
        self._kept = _KeptKeys()
        self._tried_at = float("-inf")
        self._reading = threading.Lock()

    def find(self, kid: str) -> VerificationKey | None:
        """Raises PscUnavailable when there are no keys to judge with."""
        kept, now = self._kept, self._clock.now()
        known = kid in kept.by_kid
        if not (known and now - kept.read_at < self._limits.keys_fresh_seconds):
            kept = self._read_again(wait=not known)
        if now - kept.read_at > self._limits.keys_stale_seconds:
            raise PscUnavailable("keys: none, or too old")
        return kept.by_kid.get(kid)

    def _read_again(self, *, wait: bool) -> _KeptKeys:
        if not self._reading.acquire(blocking=wait):
            return self._kept
        try:
            now = self._clock.now()
            if not 0 <= now - self._tried_at < self._limits.keys_refresh_seconds:
                self._tried_at = now
                try:
                    self._kept = _KeptKeys(read_keys(self._provider.keys()), now)
                except (PscUnavailable, PscRefused, MalformedObject):
                    return self._kept  # the keys we have, as long as they may serve
            return self._kept
        finally:
            self._reading.release()


def read_keys(unverified: bytes) -> Mapping[str, VerificationKey]:
    """The usable keys of a set, by `kid`. Raises MalformedObject when it is no key set or holds no usable key."""
    members = read_object(unverified).get("keys")
    if not isinstance(members, list) or len(members) > MAX_KEYS:
        raise MalformedObject("not a key set")
    kids = [member.get("kid") for member in members if isinstance(member, dict)]
    keys: dict[str, VerificationKey] = {}
    for member in members:
        if not isinstance(member, dict):
            continue
        kid, key = member.get("kid"), _key(member)
        if key is not None and isinstance(kid, str) and kid and kids.count(kid) == 1:
            keys[kid] = key
    if not keys:
        raise MalformedObject("no usable key")
    return keys


def _key(member: Mapping[str, Any]) -> VerificationKey | None:
    """A public key for signatures, or None: one key that we do not understand does not spoil the others."""
    kind = member.get("kty")
    if member.get("use", "sig") != "sig" or "verify" not in member.get("key_ops", ["verify"]):
        return None
    try:
        match kind:
            case "RSA":
                if _bits(member["n"]) < MIN_RSA_BITS:
                    return None
                key: RSAKey | ECKey = RSAKey.import_key({name: member[name] for name in ("kty", "n", "e")})
                _ = key.public_key  # numbers that make no key are found out here
            case "EC" if member.get("crv") == "P-256":
                key = ECKey.import_key({name: member[name] for name in ("kty", "crv", "x", "y")})
                _ = key.public_key  # and here a point that is not on the curve
            case _:
                return None
    except (JoseError, KeyError, ValueError, TypeError, AttributeError):
        return None
    algorithms = ALGORITHMS_OF_TYPE[kind]
    return VerificationKey(key, algorithms & {member["alg"]} if "alg" in member else algorithms)


def _bits(number: str) -> int:
    """How long a base64url number is (RFC 7518 §2)."""
    return int.from_bytes(base64.urlsafe_b64decode(number + "=" * (-len(number) % 4))).bit_length()
