"""The keys of applications, ready to verify with; and nobody's, so that an unknown application costs as much as a known one."""

import hashlib
from functools import cache, lru_cache

from gateway.applications.client import Client
from gateway.applications.client_key import ClientKey
from gateway.keys.public_key import PublicKey, read_public_jwk
from gateway.randomness import base64url

# The generators of the two curves, and a modulus that nobody chose: whatever they verify is refused.
_NOBODYS = {
    "ES256": {
        "kty": "EC",
        "crv": "P-256",
        "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY",
        "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
    },
    "EdDSA": {"kty": "OKP", "crv": "Ed25519", "x": base64url(bytes.fromhex("58" + 31 * "66"))},
}


def parsed(key: ClientKey) -> PublicKey:
    return _parsed(key.algorithm, tuple(sorted(key.public.items())))


def key_of(client: Client, kid: str | None, algorithm: str) -> PublicKey | None:
    """The one that `kid` names, or the only one; None when its algorithm is another."""
    for key in client.keys:
        if (key.kid == kid or (kid is None and len(client.keys) == 1)) and key.algorithm == algorithm:
            return parsed(key)
    return None


@cache
def nobodys_key(algorithm: str) -> PublicKey:
    """`algorithm` is one that applications' keys may have."""
    if algorithm in _NOBODYS:
        return read_public_jwk(_NOBODYS[algorithm])
    modulus = bytearray(hashlib.shake_256(b"nobody").digest(256))
    modulus[0] |= 0x80
    modulus[-1] |= 1
    return read_public_jwk({"kty": "RSA", "n": base64url(bytes(modulus)), "e": "AQAB"})


@lru_cache(maxsize=1024)
def _parsed(algorithm: str, public: tuple[tuple[str, str], ...]) -> PublicKey:
    return read_public_jwk({**dict(public), "alg": algorithm})
