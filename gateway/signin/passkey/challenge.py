"""The challenge that an authenticator signs: 32 random bytes, kept by the server under their digest, for one use (FID-04).

It is bound to what it was asked for: one login transaction, one session's account page, one activation link. Taking it is one
step of the store, and takes it whatever the answer is worth.
"""

from dataclasses import dataclass
from typing import Protocol

from gateway.randomness import Randomness, digest

OCTETS = 32
LIFE_SECONDS = 10 * 60


@dataclass(frozen=True, slots=True)
class PasskeyChallenge:
    """`digest` is SHA-256 of the challenge, in hexadecimal; `bound_to` of what it was asked for."""

    digest: str
    bound_to: str
    expires_at: float


class PasskeyChallenges(Protocol):
    """Ephemeral. `now` is the caller's clock; a challenge whose `expires_at` is at or before it does not exist."""

    def issue(self, challenge: PasskeyChallenge, now: float) -> None: ...

    def take(self, digest: str, now: float) -> PasskeyChallenge | None:
        """Of any number of parallel calls one gets it."""
        ...


def new_challenge(bound_to: str, *, now: float, until: float, randomness: Randomness) -> tuple[bytes, PasskeyChallenge]:
    """`until`: when what it is bound to ends."""
    challenge = randomness(OCTETS)
    return challenge, PasskeyChallenge(challenge_digest(challenge), bound_to, min(now + LIFE_SECONDS, until))


def challenge_digest(challenge: bytes) -> str:
    return digest(challenge.hex())


def to_sign_in(transaction_handle: str) -> str:
    return digest(f"passkey signin {transaction_handle}")


def to_enrol(account_id: str, session_handle: str) -> str:
    return digest(f"passkey enrolment {account_id} {session_handle}")


def to_activate(link_token: str) -> str:
    return digest(f"passkey activation {link_token}")
