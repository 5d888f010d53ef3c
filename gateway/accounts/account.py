"""An account: our record of one professional (NIST: subscriber account)."""

from dataclasses import dataclass
from enum import StrEnum


class AccountStatus(StrEnum):
    INVITED = "invited"
    ACTIVE = "active"
    BLOCKED = "blocked"
    ARCHIVED = "archived"


class RppsProof(StrEnum):
    """How the RPPS of an account is known (DECISIONS 6)."""

    DECLARED = "declared"
    CARD = "card"
    PSC = "psc"


class CodeChannel(StrEnum):
    EMAIL = "email"
    SMS = "sms"


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """The part of an account that applications may be told of. Where names were not asked, what is encrypted is empty."""

    id: str
    status: AccountStatus
    profession: str | None
    language: str
    rpps_proof: RppsProof | None
    email_verified_at: float | None
    family_name: str = ""
    given_name: str = ""
    email: str = ""
    rpps: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """`id` is the random UUID that becomes `sub`. `phone` is E.164. Instants are seconds since the epoch."""

    id: str
    username: str
    family_name: str
    given_name: str
    email: str
    status: AccountStatus
    created_at: float
    email_verified_at: float | None = None
    email_changed_at: float | None = None
    """When its holder replaced it: a new address recovers nothing for a while (OTP-13)."""
    recovery_email: str | None = None
    """Counts in no uniqueness, and signs nobody in (R000-13)."""
    recovery_email_verified_at: float | None = None
    phone: str | None = None
    phone_verified_at: float | None = None
    code_channel: CodeChannel = CodeChannel.EMAIL
    rpps: str | None = None
    rpps_proof: RppsProof | None = None
    profession: str | None = None
    """`<code>^<OID>`, such as `60^1.2.250.1.71.1.2.7`."""
    contact_version: int = 1
    """Grows when a contact changes: pending codes and links die."""
    code_demanded_since: float | None = None
    """Device trust older than this is void (reset, change of contact)."""
    language: str = "fr"
    archived_at: float | None = None
    last_signin_at: float | None = None
    last_signin_acr: str | None = None
    is_administrator: bool = False
    password_hash: str | None = None
    """Encrypted PHC string; None when the account has no password."""
    password_set_at: float | None = None
    password_disabled_at: float | None = None
    """When a hundred failures in a row put it out of use; a reset brings one back (THR-03)."""
    must_change_password: bool = False
    """Another one must be chosen before anything is issued (R001-08, PWD-07)."""
