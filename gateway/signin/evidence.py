"""What a person has proved, and when: the only source of `acr`, `amr` and `auth_time` (LOA-01)."""

from dataclasses import dataclass
from enum import StrEnum


class Means(StrEnum):
    PASSWORD = "password"
    EMAIL_CODE = "email_code"
    SMS_CODE = "sms_code"
    TRUSTED_DEVICE = "trusted_device"
    TOTP = "totp"
    RECOVERY_CODE = "recovery_code"
    PASSKEY = "passkey"
    PSC = "psc"
    CARD = "card"


LINKED = frozenset({Means.PSC, Means.CARD})
"""Means that prove an identity, which a link ties to the account."""

STRONG = LINKED | {Means.PASSKEY}
"""Means that prove the person alone, both steps in one, and owe nothing to the contacts or the password of the account."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One proof. `at` is in seconds since the epoch."""

    means: Means
    at: float
    passkey: str | None = None
    """Which passkey it was: the proof is worth nothing once that one is revoked or flagged."""
    synced: bool = False
    """Whether that passkey may be copied to other devices by its maker (BE)."""
