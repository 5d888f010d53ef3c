"""A one-time link: activation, or a new password (RST-01…RST-05).

The token in the mail is derived from the link's identifier under the link key, so that the process that sends it needs
no stored secret; only its SHA-256 is kept.
"""

from dataclasses import dataclass
from enum import StrEnum


class LinkPurpose(StrEnum):
    ACTIVATION = "activation"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class OneTimeLink:
    id: str
    account_id: str
    purpose: LinkPurpose
    token_digest: bytes
    contact_version: int
    issued_at: float
    expires_at: float
    used_at: float | None = None
    revoked_at: float | None = None
