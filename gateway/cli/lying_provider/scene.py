"""What an honest answer is made of, and what a lie may change in it."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.keys.signing_key import Algorithm
from gateway.keys.throwaway import ThrowawayKey
from gateway.randomness import Randomness, base64url, opaque

ELSEWHERE = "https://another-provider.invalid"
SOMEBODY_ELSE = "another-application"
PERSON = {
    "sub": "camille-essai-0001",
    "name": "Camille Essai",
    "given_name": "Camille",
    "family_name": "Essai",
    "preferred_username": "c.essai",
    "email": "camille.essai@exemple.invalid",
    "email_verified": True,
}
"""Who signs in, each time; `--claims` changes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """`secret` None: a public client. `other_key` is never published."""

    issuer: str
    client_id: str
    secret: str | None
    key: ThrowawayKey
    other_key: ThrowawayKey
    randomness: Randomness
    person: Mapping[str, Any] = field(default_factory=lambda: PERSON)

    @classmethod
    def prepared(
        cls,
        *,
        issuer: str,
        client_id: str,
        secret: str | None,
        algorithm: Algorithm,
        randomness: Randomness,
        claims: Mapping[str, Any],
    ) -> "Scene":
        kid = opaque(randomness, 8)
        return cls(
            issuer=issuer,
            client_id=client_id,
            secret=secret,
            key=ThrowawayKey.generate(kid, algorithm),
            other_key=ThrowawayKey.generate(kid, algorithm),
            randomness=randomness,
            person={**PERSON, **claims},
        )

    def honest(self, claims: Mapping[str, Any], *, typ: str = "JWT") -> str:
        return self.key.sign({"kid": self.key.kid, "typ": typ}, claims)


def half_hash(access_token: str, algorithm: Algorithm) -> str:
    """`at_hash` (Core §3.1.3.6): Ed25519 hashes with SHA-512, the others with SHA-256."""
    digest = hashlib.sha512 if algorithm is Algorithm.EDDSA else hashlib.sha256
    hashed = digest(access_token.encode()).digest()
    return base64url(hashed[: len(hashed) // 2])


def segment(content: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()
