"""A one-time link: activation, a new password (RST-01…RST-05), a recovery that two people opened (FID-11), or a protest: "it
was not me" (LNK-09, OTP-13).

The token in the mail is derived from the link's identifier under the link key, so that the process that sends it needs
no stored secret; only its SHA-256 is kept. A link may also be a sheet of paper: its token then comes from the code on it.
"""

import base64
import hashlib
from dataclasses import dataclass
from enum import StrEnum

from gateway.journal.effects import Outgoing
from gateway.keys.purposes import Purpose, PurposeKey
from gateway.randomness import Randomness, base64url, identifier


class LinkPurpose(StrEnum):
    ACTIVATION = "activation"
    RESET = "reset"
    NOT_ME = "not_me"
    """Its identifier is the identity link's. It outlives changes of contact and of password."""
    UNDO_CONTACT = "undo_contact"
    """Its identifier is the change's. It outlives later changes too."""
    RECOVERY = "recovery"
    """Always a sheet."""
    STOP_RECOVERY = "stop_recovery"
    """Its identifier is the recovery's. It outlives changes of contact and of password."""


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
    printed_by: str | None = None
    """The référent who printed it; None when it was mailed."""
    contact_change: str | None = None
    contact_proved_at: float | None = None
    """When the holder of the sheet gave back a code sent to the address of that change."""

    @property
    def proves_address(self) -> bool:
        """A mailed link came by the account's address; paper did not."""
        return self.printed_by is None or self.contact_proved_at is not None


_TOKEN_OCTETS = 32


def link_token(key: PurposeKey, purpose: LinkPurpose, link_id: str) -> str:
    """The 256-bit token that the mail carries."""
    return base64url(key.mac(Purpose.LINK, purpose.encode(), link_id.encode()))


def token_digest(token: str) -> bytes | None:
    """What the store finds a link by; None when `token` has not the shape of one."""
    try:
        octets = base64.b64decode(token + "=", altchars=b"-_", validate=True)
    except ValueError:
        return None
    if len(octets) != _TOKEN_OCTETS or base64url(octets) != token:
        return None
    return hashlib.sha256(token.encode()).digest()


def new_link(
    key: PurposeKey,
    purpose: LinkPurpose,
    *,
    account_id: str,
    contact_version: int,
    now: float,
    ttl_seconds: int,
    randomness: Randomness,
    link_id: str | None = None,
) -> OneTimeLink:
    link_id = link_id or identifier(randomness)
    return OneTimeLink(
        id=link_id,
        account_id=account_id,
        purpose=purpose,
        token_digest=hashlib.sha256(link_token(key, purpose, link_id).encode()).digest(),
        contact_version=contact_version,
        issued_at=now,
        expires_at=now + ttl_seconds,
    )


def sending(link: OneTimeLink) -> Outgoing:
    """The order to mail it."""
    return Outgoing("link", {"link": link.id, "account": link.account_id, "purpose": link.purpose.value})
