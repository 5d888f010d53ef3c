"""The authenticators that a person enrols beside a password: an application that shows time-based codes (FID-02, FID-03) and
a sheet of recovery codes (FID-12). How they are judged is said in gateway/signin.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TotpAuthenticator:
    """An application that shows a code every 30 seconds. `secret` is 160 bits; `last_time_step` the step of the last accepted
    code: only a later one is accepted. It signs nobody in before `confirmed_at`, nor after `revoked_at`."""

    id: str
    account_id: str
    label: str
    secret: bytes
    created_at: float
    confirmed_at: float | None = None
    last_time_step: int | None = None
    failures: int = 0
    """Consecutive wrong codes; from a limit on, the application is disabled until another is enrolled (OTP-09)."""
    revoked_at: float | None = None


@dataclass(frozen=True, slots=True)
class RecoveryCodes:
    """A set of single-use codes, as keyed hashes; a new set revokes the one before."""

    id: str
    account_id: str
    digests: tuple[bytes, ...]
    created_at: float
