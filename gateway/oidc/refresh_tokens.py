"""Refresh tokens: how one is named and read back, and what is kept of its answer (RFC 6749 §6, RFC 9700 §4.14; DECISIONS 8).

A token is `<grant>.<generation>.<secret>.<tag>`, opaque to applications. The store keeps the SHA-256 of the live secret; the
tag, made under a key of ours, tells a token that was spent long ago from an invention: only the first may revoke a family. The
answer to a token is sealed under a key that only that token gives.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass, field, replace

from gateway.keys.envelope import Envelope, UnreadableError
from gateway.keys.purposes import Purpose, PurposeKey
from gateway.oidc.ports import RefreshState
from gateway.randomness import Randomness, base64url, opaque

_TAG_OCTETS = 16
_FORM = re.compile(
    r"(?P<grant>[0-9a-f][A-Za-z0-9_-]{43})\.(?P<generation>0|[1-9][0-9]{0,5})"
    r"\.(?P<secret>[A-Za-z0-9_-]{43})\.(?P<tag>[A-Za-z0-9_-]{22})"
)


@dataclass(frozen=True, slots=True)
class PresentedRefreshToken:
    """One that we made; whether it is the live one is the store's to say."""

    grant_id: str
    generation: int
    secret: str = field(repr=False)

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
        self._randomness = randomness
        self._idle_seconds = idle_seconds

    def make(self, grant_id: str, generation: int, now: float) -> tuple[str, RefreshState]:
        """A new token of the grant, and what the store keeps of it."""
        secret = opaque(self._randomness)
        state = RefreshState(generation, _digest(secret), now + self._idle_seconds)
        return f"{grant_id}.{generation}.{secret}.{self._tag(grant_id, generation, secret)}", state

    def extended(self, presented: PresentedRefreshToken, now: float) -> RefreshState:
        """The same token, alive for longer: it is not rotated."""
        return replace(presented.state, ends_at=now + self._idle_seconds)

    def read(self, unverified: str) -> PresentedRefreshToken | None:
        """None when it is not one that we made."""
        found = _FORM.fullmatch(unverified)
        if found is None:
            return None
        grant_id, generation, secret = found["grant"], int(found["generation"]), found["secret"]
        if not hmac.compare_digest(found["tag"], self._tag(grant_id, generation, secret)):
            return None
        return PresentedRefreshToken(grant_id, generation, secret)

    def sealed(self, presented: PresentedRefreshToken, answer: bytes) -> bytes:
        return _envelope(presented).seal(answer, context=_place(presented), randomness=self._randomness)

    def opened(self, presented: PresentedRefreshToken, sealed: bytes) -> bytes | None:
        try:
            return _envelope(presented).open(sealed, expected_context=_place(presented))
        except UnreadableError:
            return None

    def _tag(self, grant_id: str, generation: int, secret: str) -> str:
        parts = (grant_id.encode(), str(generation).encode(), secret.encode())
        return base64url(self._key.mac(Purpose.REFRESH_TOKEN, *parts)[:_TAG_OCTETS])


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("ascii")).hexdigest()


def _envelope(presented: PresentedRefreshToken) -> Envelope:
    """The secret has 256 random bits: one HMAC makes a key of it that is not its digest."""
    return Envelope(hmac.digest(presented.secret.encode("ascii"), b"answer to a refresh token", "sha256"))


def _place(presented: PresentedRefreshToken) -> tuple[bytes, ...]:
    return (b"refresh answer", presented.grant_id.encode(), str(presented.generation).encode())
