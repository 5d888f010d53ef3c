"""The authenticators that a person enrols beside a password, or in its place: an application that shows time-based codes
(FID-02, FID-03), a sheet of recovery codes (FID-12), passkeys (FID-06…FID-08). How they are judged is said in gateway/signin.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.accounts.account import CodeChannel


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


@dataclass(frozen=True, slots=True)
class Passkey:
    """A WebAuthn credential. `credential_id` and `public_key` (COSE, as CBOR) are the authenticator's own. `backup_eligible`
    (BE) never changes: whether its maker may copy it to other devices; `backed_up` (BS) is whether it has. It signs nobody in
    after `flagged_at`, when its signature counter went back as a copy's would (FID-07), nor after `revoked_at`."""

    id: str
    account_id: str
    credential_id: bytes
    public_key: bytes
    sign_count: int
    aaguid: str
    """The model of the authenticator, a UUID; all zero when it does not say."""
    backup_eligible: bool
    backed_up: bool
    transports: tuple[str, ...]
    label: str
    created_at: float
    last_used_at: float | None = None
    flagged_at: float | None = None
    revoked_at: float | None = None

    @property
    def is_alive(self) -> bool:
        return self.flagged_at is None and self.revoked_at is None


@dataclass(frozen=True, slots=True)
class HeldAuthenticators:
    """What an account holds beside its password, as one reading found it."""

    applications: tuple[int, ...] = ()
    """The consecutive wrong codes of each active application."""
    recovery_codes: int = 0
    """How many are left."""
    passkeys: Mapping[str, bool] = field(default_factory=dict)
    """Those that sign in, by their name: whether their maker may copy them to other devices."""
    disabled: Mapping[CodeChannel, float] = field(default_factory=dict)
    """The channels that too many wrong codes disabled, and when; whoever verified the contact since has bound it again."""
