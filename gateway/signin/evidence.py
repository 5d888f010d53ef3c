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
    PSC = "psc"
    CARD = "card"


STRONG = frozenset({Means.PSC, Means.CARD})
"""Means that prove the person alone, at the highest level, and owe nothing to the contacts or the password of the account."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One proof. `at` is in seconds since the epoch."""

    means: Means
    at: float
