"""The signing keys as requests use them: read from the store, parsed once, kept in memory (KEY-01).

`keep_fresh` is the only call that touches the store; it asks for the version at most every few seconds and reads the keys
again only when it moved. Publishing a key a day before its use (KEY-02) is what makes those few seconds harmless. An
unknown `kid` never triggers a read: whoever sends it would choose how often we read.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc.jwk import ECKey, OKPKey, RSAKey

from gateway.clock import Clock
from gateway.keys.es256 import segment
from gateway.keys.ports import SigningKeyStore
from gateway.keys.signing_key import Algorithm, KeyState, SigningKey

PUBLISHED = (KeyState.ACTIVE, KeyState.STAGED, KeyState.RETIRING)


class NoActiveKeyError(LookupError):
    """Nothing signs with this algorithm: `passerelle init` was never run, or its first key is still staged."""


@dataclass(frozen=True, slots=True, repr=False)
class RingKey:
    """A parsed key. `key` is private when it was asked to sign, public when it was asked to verify."""

    kid: str
    algorithm: Algorithm
    key: ECKey | OKPKey | RSAKey
    header_segments: dict[str, bytes] = field(default_factory=dict, compare=False)
    """The header of our tokens by `typ`, as base64url of its JSON; filled as they are met."""
    private: ec.EllipticCurvePrivateKey | None = None
    public: ec.EllipticCurvePublicKey | None = None
    """The parsed key itself, when it is for ES256 (gateway/keys/es256.py)."""

    def header_segment(self, typ: str) -> bytes:
        """As joserfc would write it."""
        known = self.header_segments.get(typ)
        if known is None:
            header = {"alg": str(self.algorithm), "kid": self.kid, "typ": typ}
            known = self.header_segments[typ] = segment(json.dumps(header, separators=(",", ":")).encode())
        return known


@dataclass(frozen=True, slots=True, repr=False)
class _Ring:
    version: int
    read_at: float
    active: Mapping[Algorithm, RingKey]
    verifying: Mapping[str, RingKey]
    jwks: Mapping[str, Sequence[Mapping[str, str]]]


class KeyRing:
    """Thread-safe: a reader sees one whole ring or the next one, never a mixture."""

    def __init__(self, store: SigningKeyStore, *, clock: Clock, refresh_seconds: float = 5.0) -> None:
        self._store = store
        self._clock = clock
        self._refresh_seconds = refresh_seconds
        self._ring: _Ring | None = None

    def is_due(self) -> bool:
        """Whether `keep_fresh` would read the store. A clock set back counts as time passed."""
        return self._ring is None or abs(self._clock.now() - self._ring.read_at) >= self._refresh_seconds

    def keep_fresh(self) -> None:
        """Blocking; the event loop calls it in a thread, and only when `is_due`."""
        if not self.is_due():
            return
        now = self._clock.now()
        # The version is read before the keys: a change in between is seen again at the next reading, never missed.
        version = self._store.version()
        ring = self._ring
        if ring is not None and ring.version == version:
            self._ring = _Ring(version, now, ring.active, ring.verifying, ring.jwks)
        else:
            self._ring = _read(self._store.all(), version, now)

    def active(self, algorithm: Algorithm) -> RingKey:
        try:
            return self._current().active[algorithm]
        except KeyError:
            raise NoActiveKeyError(algorithm) from None

    def verifying(self, kid: str) -> RingKey | None:
        """The public key of this name, among those published."""
        return self._current().verifying.get(kid)

    def es256_of(self, header_segment: bytes, typ: str) -> RingKey | None:
        """The key of ES256 that writes exactly this header for tokens of this `typ`."""
        for key in self._current().verifying.values():
            if key.public is not None and key.header_segment(typ) == header_segment:
                return key
        return None

    def algorithms(self) -> tuple[Algorithm, ...]:
        """Those that something signs with today."""
        return tuple(sorted(self._current().active))

    def jwks(self) -> Mapping[str, Sequence[Mapping[str, str]]]:
        """The published set: active keys first, then staged, then retiring."""
        return self._current().jwks

    def _current(self) -> _Ring:
        if self._ring is None:
            self.keep_fresh()
        ring = self._ring
        if ring is None:  # pragma: no cover -- keep_fresh sets it or raises
            raise NoActiveKeyError("no ring")
        return ring


def _read(keys: Sequence[SigningKey], version: int, now: float) -> _Ring:
    published = sorted((key for key in keys if key.state in PUBLISHED), key=lambda key: PUBLISHED.index(key.state))
    return _Ring(
        version=version,
        read_at=now,
        active=MappingProxyType({key.algorithm: _signing(key) for key in published if key.state is KeyState.ACTIVE}),
        verifying=MappingProxyType({key.kid: _verifying(key) for key in published}),
        jwks=MappingProxyType({"keys": tuple(dict(key.public_jwk) for key in published)}),
    )


def _signing(key: SigningKey) -> RingKey:
    if key.algorithm is Algorithm.ES256:
        parsed = ECKey.import_key(key.private_pem)
        return RingKey(key.kid, key.algorithm, parsed, private=parsed.get_op_key("sign"))
    if key.algorithm is Algorithm.EDDSA:
        return RingKey(key.kid, key.algorithm, OKPKey.import_key(key.private_pem))
    return RingKey(key.kid, key.algorithm, RSAKey.import_key(_own_rsa_key(key.private_pem)))


def _own_rsa_key(pem: bytes) -> rsa.RSAPrivateKey:
    """Without proving again that its numbers are prime, which takes a tenth of a second, of a worker's first token and of each
    new key: we generated it, and its seal in the store vouches for every octet."""
    parsed = load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(parsed, rsa.RSAPrivateKey):
        raise TypeError("a key of RSA was expected")
    return parsed


def _verifying(key: SigningKey) -> RingKey:
    if key.algorithm is not Algorithm.ES256:
        return RingKey(key.kid, key.algorithm, _of_kind(key).import_key(dict(key.public_jwk)))
    parsed = ECKey.import_key(dict(key.public_jwk))
    return RingKey(key.kid, key.algorithm, parsed, public=parsed.get_op_key("verify"))


def _of_kind(key: SigningKey) -> type[OKPKey | RSAKey]:
    return OKPKey if key.algorithm is Algorithm.EDDSA else RSAKey
