"""A signing key and the states it goes through (KEY-01).

`staged` is published and not used; `active` signs (one per algorithm); `retiring` is published so that what it signed
still verifies; `retired` is gone. Transitions only go forward; only a staged key may be abandoned.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Algorithm(StrEnum):
    ES256 = "ES256"
    RS256 = "RS256"
    PS256 = "PS256"
    EDDSA = "EdDSA"
    """With Ed25519."""


class KeyState(StrEnum):
    STAGED = "staged"
    ACTIVE = "active"
    RETIRING = "retiring"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """`kid` is random. `private_pem` is PKCS#8 PEM, in clear only in memory; instants are seconds since the epoch."""

    kid: str
    algorithm: Algorithm
    state: KeyState
    public_jwk: Mapping[str, str]
    private_pem: bytes
    created_at: float
    state_since: float
