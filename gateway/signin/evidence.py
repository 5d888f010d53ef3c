"""What a person has proved, and when: the only source of `acr`, `amr` and `auth_time` (LOA-01)."""

from dataclasses import dataclass
from enum import StrEnum


class Means(StrEnum):
    PASSWORD = "password"
    EMAIL_CODE = "email_code"
    SMS_CODE = "sms_code"
    TRUSTED_DEVICE = "trusted_device"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One proof. `at` is in seconds since the epoch."""

    means: Means
    at: float
