"""What the accounts need from outside. Every write takes the effects that commit with it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from enum import StrEnum
from typing import Literal, Protocol

from gateway.accounts.account import Account, CodeChannel, KnownPerson
from gateway.accounts.authenticator import HeldAuthenticators, Passkey, RecoveryCodes, TotpAuthenticator
from gateway.accounts.contact_change import Contact, ContactChange
from gateway.accounts.identity_link import IdentityLink, LinkKind
from gateway.accounts.one_time_link import LinkPurpose, OneTimeLink
from gateway.accounts.recovery import Recovery
from gateway.accounts.trusted_device import TrustedDevice
from gateway.journal.effects import Effects


class AccountExistsError(Exception):
    """The user name, the e-mail or the RPPS belongs to another account, or the verified telephone to two others; `field` says
    which."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class Accounts(Protocol):
    def get(self, account_id: str) -> Account | None: ...

    def find_by_username(self, username: str) -> Account | None:
        """`username` is compared case-folded."""
        ...

    def find_by_rpps(self, rpps: str) -> Account | None: ...

    def find_by_verified_email(self, email: str) -> Account | None:
        """Only an address that was verified names an account."""
        ...

    def find_by_email(self, email: str) -> Account | None: ...

    def known(self, account_ids: Collection[str], *, named: Collection[str]) -> Mapping[str, KnownPerson]:
        """Those that exist, in one reading; names, address and number only of those in `named`."""
        ...

    def all(self, *, limit: int = 100, after: str | None = None) -> Sequence[Account]: ...

    def create(self, account: Account, effects: Effects) -> None:
        """Raises AccountExistsError."""
        ...

    def update(self, account: Account, effects: Effects) -> None:
        """Writes the whole account (raises AccountExistsError); links of an older contact version are revoked. A verified
        telephone that is another account's too is told to both (SMS-06)."""
        ...

    def set_password(self, account: Account, link: OneTimeLink, now: float, effects: Effects) -> bool:
        """Consumes `link` and writes `account` (new password hash, status) in one transaction; revokes every other
        link and every trusted device of the account. False, and nothing written, when the link was used, revoked or
        has expired meanwhile (`now >= expires_at`)."""
        ...

    def replace_password_hash(self, account_id: str, *, expected: str, new: str, effects: Effects) -> bool:
        """Writes only the hash, if the stored one is still `expected` (a hash made again with today's parameters must
        not undo a change made meanwhile). False when it was not."""
        ...

    def change_password(self, account_id: str, *, expected: str, new: str, at: float, effects: Effects) -> bool:
        """Writes the new hash, set `at`, if the stored one is still `expected` and is not disabled; nothing demands another one
        any more, and reset links under way are revoked. False, and nothing written, otherwise."""
        ...

    def disable_password(self, account_id: str, *, failed_at: float, effects: Effects) -> bool:
        """Puts the password out of use. False, and nothing written, when there is none, it is out of use already, or it was
        set after the failure."""
        ...

    def demand_new_password(self, account_id: str, effects: Effects) -> bool:
        """False, and nothing written, when there is no password, or another one is demanded already."""
        ...

    def note_signin(self, account_id: str, now: float, acr: str) -> None: ...


class ContactChanges(Protocol):
    """Each operation takes the account's row, judges what is stored, and writes what its name says and nothing else: of any
    number of parallel ones from the same state one succeeds."""

    def ask(self, change: ContactChange, effects: Effects) -> ContactChange | None:
        """Stores it; another one of the same contact that waited ends. A telephone number is the account's at once, unverified,
        and codes go by e-mail. What is stored, with the account's version as it is then; None, and nothing written, when
        `change.contact_version` is not the account's."""
        ...

    def get(self, change_id: str) -> ContactChange | None: ...

    def make(self, change_id: str, now: float, effects: Effects, *, undo: OneTimeLink | None = None) -> Account | None:
        """The account with the new contact; links and devices of the former one die with it, and `undo` is stored. None, and
        nothing written, when it does not wait any more or the account's contacts changed since. Raises
        AccountExistsError."""
        ...

    def undo(self, link: OneTimeLink, now: float, effects: Effects) -> Account | None:
        """Consumes the link and gives the former contact back, whatever came after; the later ways to undo end. None, and
        nothing written, when it was used or revoked or has expired. Raises AccountExistsError."""
        ...

    def forget(
        self,
        account_id: str,
        contact: Contact,
        *,
        record_id: str,
        contact_version: int,
        now: float,
        effects: Effects,
    ) -> bool:
        """The number, or the recovery address, is the account's no more; what it was stays written as the `former` of a change
        of this identifier. False, and nothing written, when the account's contacts changed since."""
        ...

    def choose_channel(self, account_id: str, channel: CodeChannel, *, contact_version: int, effects: Effects) -> bool:
        """Where codes go. False, and nothing written, when the contacts changed since, or the number is not verified."""
        ...


class OneTimeLinks(Protocol):
    def issue(self, link: OneTimeLink, effects: Effects) -> None:
        """Stores the link and revokes the older ones of the same purpose, together."""
        ...

    def find_by_digest(self, digest: bytes) -> OneTimeLink | None: ...

    def get(self, link_id: str) -> OneTimeLink | None: ...

    def latest(self, account_id: str, purpose: LinkPurpose) -> OneTimeLink | None: ...

    def issued(self, account_id: str, purpose: LinkPurpose) -> int:
        """How many there ever were."""
        ...

    def prove_contact(self, link_id: str, change_id: str, at: float, effects: Effects) -> bool:
        """The holder of this sheet reads the address of the change. False, and nothing written, when the sheet cannot be used
        any more."""
        ...


class NotTwoPeopleError(Exception):
    """The database refuses a recovery that its subject opens, or whose second person is its first or its subject."""


class Recoveries(Protocol):
    """Each operation judges what is stored in the step that writes: of any number of parallel ones one succeeds."""

    def open(self, recovery: Recovery, stop: OneTimeLink, effects: Effects) -> bool:
        """With the link by which its subject stops it; one that is over by its time ends. False, and nothing written, when
        another one is under way. Raises NotTwoPeopleError."""
        ...

    def get(self, recovery_id: str) -> Recovery | None: ...

    def under_way(self, now: float) -> Sequence[Recovery]:
        """All that wait or are approved, oldest first."""
        ...

    def of(self, account_id: str, now: float) -> Recovery | None:
        """The one under way."""
        ...

    def decide(
        self,
        recovery_id: str,
        *,
        approved: bool,
        by: str | None,
        by_region: str | None,
        at: float,
        expires_at: float,
        effects: Effects,
    ) -> bool:
        """The second person's word: `by` is their account, `by_region` the operator who speaks for the region. False, and
        nothing written, when it does not wait any more. Raises NotTwoPeopleError."""
        ...

    def stop(self, link: OneTimeLink, now: float, effects: Effects) -> bool:
        """Consumes the link; its sheets die. False, and nothing written, when it was used, or nothing is under way."""
        ...

    def finish(
        self,
        account: Account,
        link: OneTimeLink,
        now: float,
        effects: Effects,
        *,
        passkey: Passkey | None = None,
        former_addresses: Sequence[ContactChange] = (),
    ) -> bool:
        """Consumes the sheet, writes `account`, and takes away everything else that proved this person, but linked identities:
        authenticators, recovery codes, trusted devices, links and changes under way. `passkey` is the new one;
        `former_addresses` remember those that are dropped, so that they can be told. False, and nothing written, when the sheet
        or the recovery cannot be used any more. Raises AccountExistsError, PasskeyExistsError."""
        ...


class TrustedDevices(Protocol):
    def trust(self, device: TrustedDevice, effects: Effects) -> None: ...

    def find(self, device_id: str) -> TrustedDevice | None: ...

    def of(self, account_id: str) -> Sequence[TrustedDevice]: ...

    def renew(self, device_id: str, *, used_at: float, proved_at: float | None = None) -> None: ...

    def rename(self, device_id: str, label: str, effects: Effects) -> bool:
        """False, and nothing written, when it is revoked."""
        ...

    def revoke(self, device_id: str, at: float, effects: Effects) -> bool:
        """False, and nothing written, when it was revoked already."""
        ...


class TotpAuthenticators(Protocol):
    """Applications that show time-based codes. Secrets are encrypted at rest."""

    def of(self, account_id: str) -> Sequence[TotpAuthenticator]:
        """Those that are not revoked, oldest first; also those that wait for their first code."""
        ...

    def get(self, authenticator_id: str) -> TotpAuthenticator | None: ...

    def enrol(self, authenticator: TotpAuthenticator, effects: Effects) -> None:
        """Stores it, waiting for its first code; the others of the account that still wait are revoked with it."""
        ...

    def confirm(self, authenticator_id: str, *, time_step: int, at: float, at_most: int, effects: Effects) -> bool:
        """Activates one that waits. False, and nothing written, when it does not, or the account has `at_most` active
        ones."""
        ...

    def attempt(
        self,
        account_id: str,
        judge: Callable[[TotpAuthenticator], int | None],
        *,
        disabled_after: int,
        if_accepted: Effects,
        if_wrong: Effects,
        if_disabled: Effects,
    ) -> TotpAuthenticator | None:
        """One try, judged under a lock on the account: `judge` gives the time step that the code is of, for one authenticator.
        The one that is active, not disabled, and whose last accepted step is lower takes the step, and the account's failures
        are forgotten; otherwise (None) each counts one failure more, and `if_disabled` is written when that disables one."""
        ...

    def rename(self, authenticator_id: str, label: str, effects: Effects) -> bool: ...

    def revoke(
        self,
        authenticator_id: str,
        at: float,
        effects: Effects,
        *,
        unless: Callable[[Sequence[TotpAuthenticator]], bool] = lambda _: False,
    ) -> bool:
        """Its secret is forgotten. False, and nothing written, when it was revoked already, or when `unless` says so of the
        account's other active ones, read under a lock on the account."""
        ...


class RecoveryCodeSets(Protocol):
    def replace(self, codes: RecoveryCodes, effects: Effects) -> None:
        """Stores the set and revokes the codes left of the one before, together."""
        ...

    def use(self, account_id: str, digest: bytes, at: float, effects: Effects) -> bool:
        """Spends one code: of any number of parallel calls one gets True. False, and nothing written, otherwise."""
        ...

    def left(self, account_id: str) -> int:
        """How many codes are unused."""
        ...

    def revoke(self, account_id: str, at: float, effects: Effects) -> bool:
        """All that are left. False, and nothing written, when there is none."""
        ...


class PasskeyExistsError(Exception):
    """This credential is somebody's already, or was."""


class PasskeyUse(StrEnum):
    USED = "used"
    COUNTER_BACK = "counter_back"
    """The signature counter did not go forward: the passkey is flagged from now on (FID-07)."""
    GONE = "gone"
    """Revoked or flagged meanwhile."""


class Passkeys(Protocol):
    """A credential belongs to one account for ever, also once it is revoked."""

    def of(self, account_id: str) -> Sequence[Passkey]:
        """Those that are not revoked, oldest first; flagged ones too."""
        ...

    def find(self, credential_id: bytes) -> Passkey | None:
        """Also when it is revoked: the record says so."""
        ...

    def enrol(self, passkey: Passkey, effects: Effects, *, at_most: int) -> bool:
        """False, and nothing written, when the account has `at_most` already. Raises PasskeyExistsError."""
        ...

    def activate(self, passkey: Passkey, account: Account, link: OneTimeLink, now: float, effects: Effects) -> bool:
        """Consumes `link`, writes `account` and its first passkey, together; as `Accounts.set_password` does. False, and
        nothing written, when the link was used, revoked or has expired meanwhile. Raises PasskeyExistsError."""
        ...

    def use(
        self,
        passkey_id: str,
        *,
        sign_count: int,
        backed_up: bool,
        at: float,
        if_used: Effects,
        if_counter_back: Effects,
    ) -> PasskeyUse:
        """Judges the signature counter and stores it, in one step: it must be higher than the stored one, unless both are
        zero; otherwise the passkey is flagged, once."""
        ...

    def rename(self, passkey_id: str, label: str, effects: Effects) -> bool: ...

    def revoke(
        self, passkey_id: str, at: float, effects: Effects, *, unless: Callable[[], bool] = lambda: False
    ) -> bool:
        """False, and nothing written, when it was revoked already, or when `unless` says so, asked under a lock on the
        account."""
        ...


class AuthenticatorsHeld(Protocol):
    def of(self, account_id: str) -> HeldAuthenticators:
        """One statement, on one snapshot: each step of a sign-in asks."""
        ...


class CodeFailures(Protocol):
    """Consecutive wrong codes by channel, across challenges (OTP-09)."""

    def failed(
        self,
        account_id: str,
        channel: CodeChannel,
        at: float,
        *,
        bound_at: float,
        disabled_after: int,
        if_disabled: Effects,
    ) -> None:
        """One more, counted from `bound_at` on; `if_disabled` is written when this one disables the channel."""
        ...

    def succeeded(self, account_id: str, channel: CodeChannel) -> None:
        """Forgets the failures; a channel that is disabled stays so."""
        ...


LinkRefusal = Literal["taken", "rpps_elsewhere", "account_has_other_rpps", "account_not_active", "account_changed"]


class LinkRefusedError(Exception):
    """Nothing was written. `taken`: the identity, or its national identifier, is another account's. `account_changed`: the
    account is no longer as the rules saw it, or the activation link was used meanwhile."""

    def __init__(self, reason: LinkRefusal) -> None:
        super().__init__(reason)
        self.reason: LinkRefusal = reason


class IdentityLinks(Protocol):
    def find(self, kind: LinkKind, issuer: str, subject: str) -> IdentityLink | None:
        """The active link of exactly this identity."""
        ...

    def find_by_national_id(self, national_id: str) -> IdentityLink | None:
        """The active link, used last, that proved this national identifier; all of them are of one account."""
        ...

    def get(self, link_id: str) -> IdentityLink | None: ...

    def of(self, account_id: str) -> Sequence[IdentityLink]:
        """Every link the account ever had, oldest first."""
        ...

    def commit(
        self,
        link: IdentityLink,
        account: Account,
        effects: Effects,
        *,
        activation: OneTimeLink | None = None,
        not_me: OneTimeLink | None = None,
    ) -> Account:
        """Links, under a lock on the account's row, and returns the account as it is now: its RPPS and how it is proved,
        contact version + 1 and `code_demanded_since` = `link.created_at` (so pending one-time links, changes and proofs
        die), trusted devices revoked; `not_me` is stored with it. `account` is what the rules judged. `activation` is
        consumed and activates an invited account. Raises LinkRefusedError."""
        ...

    def add(self, link: IdentityLink, effects: Effects) -> None:
        """One more link of an active account that holds this national identifier by an active link already, not frozen;
        nothing else changes. Raises LinkRefusedError."""
        ...

    def end(self, link_id: str, at: float, by: str, effects: Effects) -> bool:
        """False, and nothing written, when it was not active. The national identifier stays with the account."""
        ...

    def freeze(self, link_id: str, until: float, effects: Effects, *, said_by: OneTimeLink, at: float) -> bool:
        """Consumes `said_by` and freezes the link, with those of its account that proved the same national identifier,
        together; False when the one-time link was used or revoked or has expired."""
        ...

    def note_use(self, link_id: str, at: float) -> None: ...

    def used_since(self, kind: LinkKind, since: float) -> Sequence[str]:
        """The accounts whose holder came by a link of this kind at `since` or later, whatever became of the link."""
        ...


class SessionsEnder(Protocol):
    """Told when every session of an account must end; the ephemeral store of sessions answers it."""

    def end_sessions_of(self, account_id: str, now: float, effects: Effects) -> int: ...


class Outbox(Protocol):
    """Outgoing items committed with their cause; the jobs take them one by one."""

    def take(
        self, now: float, *, limit: int = 20, lease_seconds: float = 60
    ) -> Sequence[tuple[str, str, dict[str, str | int], int]]:
        """(id, kind, payload, times it was taken before) of due items, leased: another process does not get them
        meanwhile."""
        ...

    def done(self, item_id: str, effects: Effects) -> None: ...

    def retry(self, item_id: str, *, at: float, effects: Effects) -> None: ...
