"""One key per purpose, and a key that refuses another one (KEY-04)."""

import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum


class Purpose(StrEnum):
    FIELD_ENCRYPTION = "field-encryption"
    BLIND_INDEX = "blind-index"
    PASSWORD_PEPPER = "password-pepper"
    ONE_TIME_CODE = "one-time-code"
    RECOVERY_CODE = "recovery-code"
    LINK = "link"
    FORM = "form"
    THROTTLE = "throttle"
    PENDING_IDENTITY = "pending-identity"
    REFRESH_TOKEN = "refresh-token"
    DPOP_NONCE = "dpop-nonce"
    PAIRWISE_SUBJECT = "pairwise-subject"
    KNOWN_BROWSER = "known-browser"


class WrongPurposeError(RuntimeError):
    """A key was asked to serve a purpose that is not its own."""


@dataclass(frozen=True, slots=True, repr=False)
class PurposeKey:
    """256 secret bits, usable for `purpose` alone."""

    purpose: Purpose
    raw: bytes

    def for_purpose(self, purpose: Purpose) -> bytes:
        """The bytes, if `purpose` is this key's own."""
        if purpose is not self.purpose:
            raise WrongPurposeError(f"a {self.purpose} key was asked for {purpose}")
        return self.raw

    def mac(self, purpose: Purpose, *parts: bytes) -> bytes:
        """HMAC-SHA-256 over the length-prefixed parts (no two lists of parts give the same message)."""
        message = b"".join([len(part).to_bytes(4, "big") + part for part in parts])
        return hmac.digest(self.for_purpose(purpose), message, hashlib.sha256)
