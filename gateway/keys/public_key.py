"""A public key of somebody else, and what they signed with it (RFC 7517, RFC 7518, RFC 8725 §3.1; TOK-01, TOK-02).

Keys are P-256, Ed25519, or RSA of 2048 to 4096 bits; each has its own algorithms, and whoever verifies names the one that it
expects. Refused: any private member, a secret key, other curves, numbers that make no key.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from gateway.keys.chosen_algorithm import ChosenAlgorithm
from gateway.keys.compact_jws import json_object

ALGORITHMS_OF_TYPE = {
    "EC": frozenset({"ES256"}),
    "OKP": frozenset({"EdDSA"}),
    "RSA": frozenset({"PS256", "RS256"}),
}
_NUMBERS = {"EC": ("crv", "x", "y"), "OKP": ("crv", "x"), "RSA": ("n", "e")}
_CURVE = {"EC": "P-256", "OKP": "Ed25519"}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_MIN_RSA_BITS, _MAX_RSA_BITS = 2048, 8192
_LONGEST_EXPONENT = 11
"""In base64url: 64 bits. Whoever may send a key would otherwise make each verification cost a hundred."""


class UnusableKeyError(ValueError):
    """A sentence: why this key may not serve."""


class SignatureRefused(Exception):  # noqa: N818 -- the domain's word
    """The reason is for the log."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """`thumbprint` is RFC 7638 with SHA-256; `spki` its DER form, as certificates hold it."""

    kid: str | None
    thumbprint: str
    algorithms: frozenset[str] = field(repr=False)
    spki: bytes = field(repr=False)
    key: ECKey | OKPKey | RSAKey = field(repr=False, compare=False)


def read_public_jwk(unverified: Mapping[str, Any]) -> PublicKey:
    """Raises UnusableKeyError."""
    kind = unverified.get("kty")
    if not isinstance(kind, str) or kind not in _NUMBERS:
        raise UnusableKeyError("kty is EC, OKP or RSA")
    if _PRIVATE & unverified.keys():
        raise UnusableKeyError("the private part of a key stands here; only the public one may")
    if kind in _CURVE and unverified.get("crv") != _CURVE[kind]:
        raise UnusableKeyError(f"crv is {_CURVE[kind]} for {kind} keys")
    if unverified.get("use", "sig") != "sig" or "verify" not in _operations(unverified):
        raise UnusableKeyError("this key is not for signatures")
    algorithms, kid = ALGORITHMS_OF_TYPE[kind], unverified.get("kid")
    if "alg" in unverified:
        algorithms = frozenset(name for name in algorithms if name == unverified["alg"])
    if not algorithms:
        raise UnusableKeyError("alg is not one of this kind of key")
    if kid is not None and (not isinstance(kid, str) or not 0 < len(kid) <= 128):
        raise UnusableKeyError("kid is a text of 128 characters at most")
    key = _parsed(kind, {name: unverified.get(name) for name in ("kty", *_NUMBERS[kind])})
    spki = key.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return PublicKey(kid, key.thumbprint(), algorithms, spki, key)


def _operations(unverified: Mapping[str, Any]) -> tuple[object, ...]:
    listed = unverified.get("key_ops", ["verify"])
    return tuple(listed) if isinstance(listed, list) else ()


def _parsed(kind: str, numbers: Mapping[str, Any]) -> ECKey | OKPKey | RSAKey:
    if not all(isinstance(number, str) and number.isascii() and len(number) <= 1024 for number in numbers.values()):
        raise UnusableKeyError("a number of the key is missing")
    if len(numbers.get("e", "")) > _LONGEST_EXPONENT:
        raise UnusableKeyError("the exponent of an RSA key has 64 bits at most")
    key: ECKey | OKPKey | RSAKey
    try:
        if kind == "EC":
            key = ECKey.import_key(dict(numbers))
        elif kind == "OKP":
            key = OKPKey.import_key(dict(numbers))
        else:
            key = RSAKey.import_key(dict(numbers))
        _ = key.public_key  # a point that is not on the curve is found out here
    except (JoseError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise UnusableKeyError("these numbers make no key") from error
    if isinstance(key, RSAKey) and not _MIN_RSA_BITS <= key.public_key.key_size <= _MAX_RSA_BITS:
        raise UnusableKeyError(f"an RSA key has {_MIN_RSA_BITS} to {_MAX_RSA_BITS} bits")
    return key


class _Registry(ChosenAlgorithm):
    """Headers may carry an RSA key."""

    max_header_length = 4096


_REGISTRY = _Registry()


def verified_claims(unverified: str, key: PublicKey, *, expected_algorithm: str) -> dict[str, Any]:
    """The payload of a compact JWS signed with this key by this algorithm. Raises SignatureRefused."""
    if expected_algorithm not in key.algorithms:
        raise SignatureRefused("algorithm is not the key's own")
    try:
        found = jws.extract_compact(unverified.encode("ascii"), registry=_REGISTRY)
        if found.headers().get("alg") != expected_algorithm:
            raise SignatureRefused("algorithm")
        if not jws.validate_compact(found, key.key, registry=_REGISTRY):
            raise SignatureRefused("signature")
        return json_object(found.payload)
    except (JoseError, ValueError, TypeError) as error:
        raise SignatureRefused("signature or payload") from error
