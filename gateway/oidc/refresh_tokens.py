"""Refresh tokens: how one is named and read back, and what is kept of its answer (RFC 6749 §6, RFC 9700 §4.14; DECISIONS 8).

A token is `<grant>.<generation>.<secret>.<tag>.<facts>`, opaque to applications. The store keeps the SHA-256 of the live
secret; the tag, made under a key of ours over all the rest, tells a token that was spent long ago from an invention: only the
first may revoke a family. The facts are the grant, which never changes while it lives, sealed under a key of ours: what a
refresh gives is made from them, and whether the grant lives and the token is the live one is judged by the step of the store
that spends it. The answer to a token is sealed under a key that only that token gives.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field, fields, replace
from operator import attrgetter

import orjson

from gateway.keys.envelope import Envelope, UnreadableError
from gateway.keys.purposes import Purpose, PurposeKey
from gateway.oidc.ports import Grant, RefreshState
from gateway.randomness import Randomness, base64url, opaque

_TAG_OCTETS = 16
_FORM = re.compile(
    r"(?P<grant>[0-9a-f][A-Za-z0-9_-]{43})\.(?P<generation>0|[1-9][0-9]{0,5})"
    r"\.(?P<secret>[A-Za-z0-9_-]{43})\.(?P<tag>[A-Za-z0-9_-]{22})\.(?P<facts>[A-Za-z0-9_-]{0,2048})"
)
LIMIT = 2400
"""No token of ours is longer."""
_FACTS_LIMIT = 2048
_FACTS = tuple(name.name for name in fields(Grant) if name.name != "id")
_LISTED = attrgetter(*_FACTS)
KNOWN_GRANTS = 1024
"""Sealed facts that need not be opened again: an application comes back for the same grant again and again."""


@dataclass(frozen=True, slots=True)
class PresentedRefreshToken:
    """One that we made; whether it is the live one is the store's to say."""

    grant_id: str
    generation: int
    secret: str = field(repr=False)
    facts: str = field(default="", repr=False)
    """Its grant, sealed; empty when it does not fit."""

    @property
    def state(self) -> RefreshState:
        return RefreshState(self.generation, _digest(self.secret), 0.0)

    def is_live(self, live: RefreshState) -> bool:
        """Whether it is the one that the store calls live; its end is not looked at."""
        return (self.generation, _digest(self.secret)) == (live.generation, live.digest)


class RefreshTokens:
    """`idle_seconds`: a token that is not used for so long is dead."""

    def __init__(self, key: PurposeKey, randomness: Randomness, *, idle_seconds: int) -> None:
        self._key = key
        self._sealing = Envelope(key.mac(Purpose.REFRESH_TOKEN, b"facts of a grant"))
        self._randomness = randomness
        self._idle_seconds = idle_seconds
        self._known: dict[str, Grant] = {}

    def make(self, grant: Grant, generation: int, now: float, *, facts: str | None = None) -> tuple[str, RefreshState]:
        """A new token of the grant, and what the store keeps of it. `facts`: those of a token of the same grant."""
        secret = opaque(self._randomness)
        state = RefreshState(generation, _digest(secret), now + self._idle_seconds)
        facts = facts or self._facts(grant)
        return f"{grant.id}.{generation}.{secret}.{self._tag(grant.id, generation, secret, facts)}.{facts}", state

    def grant_of(self, presented: PresentedRefreshToken) -> Grant | None:
        """As it was when it began; whether it lives is the store's to say. None when the token does not hold it, or not as this
        version reads it."""
        if not presented.facts:
            return None
        known = self._known.get(presented.facts)
        if known is not None and known.id == presented.grant_id:
            return known
        sealed = base64.urlsafe_b64decode(presented.facts + "=" * (-len(presented.facts) % 4))
        try:
            listed = self._sealing.open(sealed, expected_context=(b"grant", presented.grant_id.encode()))
        except UnreadableError:
            return None
        facts = dict(zip(_FACTS, orjson.loads(listed), strict=False))
        if len(facts) < len(_FACTS):
            return None
        facts |= {"id": presented.grant_id, "scope": tuple(facts["scope"]), "amr": tuple(facts["amr"])}
        if len(self._known) >= KNOWN_GRANTS:
            self._known.clear()
        grant = self._known[presented.facts] = Grant(**facts)
        return grant

    def extended(self, presented: PresentedRefreshToken, now: float) -> RefreshState:
        """The same token, alive for longer: it is not rotated."""
        return replace(presented.state, ends_at=now + self._idle_seconds)

    def read(self, unverified: str) -> PresentedRefreshToken | None:
        """None when it is not one that we made."""
        found = _FORM.fullmatch(unverified)
        if found is None:
            return None
        grant_id, generation, secret, facts = found["grant"], int(found["generation"]), found["secret"], found["facts"]
        if not hmac.compare_digest(found["tag"], self._tag(grant_id, generation, secret, facts)):
            return None
        return PresentedRefreshToken(grant_id, generation, secret, facts)

    def sealed(self, presented: PresentedRefreshToken, answer: bytes) -> bytes:
        return _envelope(presented).seal(answer, context=_place(presented), randomness=self._randomness)

    def opened(self, presented: PresentedRefreshToken, sealed: bytes) -> bytes | None:
        try:
            return _envelope(presented).open(sealed, expected_context=_place(presented))
        except UnreadableError:
            return None

    def _facts(self, grant: Grant) -> str:
        listed = orjson.dumps(_LISTED(grant), default=dict)
        sealed = self._sealing.seal(listed, context=(b"grant", grant.id.encode()), randomness=self._randomness)
        facts = base64url(sealed)
        return facts if len(facts) <= _FACTS_LIMIT else ""

    def _tag(self, grant_id: str, generation: int, secret: str, facts: str) -> str:
        parts = (grant_id.encode(), str(generation).encode(), secret.encode(), facts.encode())
        return base64url(self._key.mac(Purpose.REFRESH_TOKEN, *parts)[:_TAG_OCTETS])


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("ascii")).hexdigest()


def _envelope(presented: PresentedRefreshToken) -> Envelope:
    """The secret has 256 random bits: one HMAC makes a key of it that is not its digest."""
    return Envelope(hmac.digest(presented.secret.encode("ascii"), b"answer to a refresh token", "sha256"))


def _place(presented: PresentedRefreshToken) -> tuple[bytes, ...]:
    return (b"refresh answer", presented.grant_id.encode(), str(presented.generation).encode())
