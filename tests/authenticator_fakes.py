"""Stores of authenticators made of dictionaries, for the tests of rules only; the real ones have their own contract suite."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from gateway.accounts.account import Account, CodeChannel
from gateway.accounts.authenticator import HeldAuthenticators, Passkey, RecoveryCodes, TotpAuthenticator
from gateway.accounts.one_time_link import OneTimeLink
from gateway.accounts.ports import PasskeyExistsError, PasskeyUse
from gateway.journal.effects import Effects
from gateway.signin.passkey.challenge import PasskeyChallenge
from tests.fakes import FakeAccounts, Written


class FakeTotpAuthenticators:
    def __init__(self, written: Written) -> None:
        self.records: dict[str, TotpAuthenticator] = {}
        self._written = written

    def of(self, account_id: str) -> Sequence[TotpAuthenticator]:
        return [one for one in self.records.values() if one.account_id == account_id and one.revoked_at is None]

    def get(self, authenticator_id: str) -> TotpAuthenticator | None:
        return self.records.get(authenticator_id)

    def enrol(self, authenticator: TotpAuthenticator, effects: Effects) -> None:
        for one in self.of(authenticator.account_id):
            if one.confirmed_at is None:
                self.records[one.id] = replace(one, revoked_at=authenticator.created_at, secret=b"")
        self.records[authenticator.id] = authenticator
        self._written.note(effects)

    def confirm(self, authenticator_id: str, *, time_step: int, at: float, at_most: int, effects: Effects) -> bool:
        one = self.records[authenticator_id]
        if one.confirmed_at is not None or one.revoked_at is not None or len(self._active(one.account_id)) >= at_most:
            return False
        self.records[one.id] = replace(one, confirmed_at=at, last_time_step=time_step)
        self._written.note(effects)
        return True

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
        live = [one for one in self._active(account_id) if one.failures < disabled_after]
        for one in live:
            step = judge(one)
            if step is not None and (one.last_time_step is None or step > one.last_time_step):
                for other in live:
                    self.records[other.id] = replace(other, failures=0)
                self.records[one.id] = replace(one, last_time_step=step, failures=0)
                self._written.note(if_accepted)
                return one
        for one in live:
            self.records[one.id] = replace(one, failures=one.failures + 1)
        disabled = any(one.failures + 1 >= disabled_after for one in live)
        self._written.note(if_wrong + if_disabled if disabled else if_wrong)
        return None

    def rename(self, authenticator_id: str, label: str, effects: Effects) -> bool:
        self.records[authenticator_id] = replace(self.records[authenticator_id], label=label)
        self._written.note(effects)
        return True

    def revoke(
        self,
        authenticator_id: str,
        at: float,
        effects: Effects,
        *,
        unless: Callable[[Sequence[TotpAuthenticator]], bool] = lambda _: False,
    ) -> bool:
        one = self.records[authenticator_id]
        others = [other for other in self._active(one.account_id) if other.id != one.id]
        if one.revoked_at is not None or unless(others):
            return False
        self.records[one.id] = replace(one, revoked_at=at, secret=b"")
        self._written.note(effects)
        return True

    def _active(self, account_id: str) -> list[TotpAuthenticator]:
        return [one for one in self.of(account_id) if one.confirmed_at is not None]


class FakeRecoveryCodes:
    def __init__(self, written: Written) -> None:
        self.unused: dict[str, set[bytes]] = {}
        self._written = written

    def replace(self, codes: RecoveryCodes, effects: Effects) -> None:
        self.unused[codes.account_id] = set(codes.digests)
        self._written.note(effects)

    def use(self, account_id: str, digest: bytes, at: float, effects: Effects) -> bool:
        if digest not in self.unused.get(account_id, set()):
            return False
        self.unused[account_id].discard(digest)
        self._written.note(effects)
        return True

    def left(self, account_id: str) -> int:
        return len(self.unused.get(account_id, set()))

    def revoke(self, account_id: str, at: float, effects: Effects) -> bool:
        if not self.unused.pop(account_id, None):
            return False
        self._written.note(effects)
        return True


class FakeCodeFailures:
    def __init__(self, written: Written) -> None:
        self.records: dict[tuple[str, CodeChannel], tuple[int, float, float | None]] = {}
        self._written = written

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
        before, last_at, disabled_at = self.records.get((account_id, channel), (0, at, None))
        if last_at < bound_at:
            before, disabled_at = 0, None
        disables = disabled_at is None and before + 1 >= disabled_after
        self.records[account_id, channel] = (before + 1, at, at if disables else disabled_at)
        if disables:
            self._written.note(if_disabled)

    def succeeded(self, account_id: str, channel: CodeChannel) -> None:
        if (account_id, channel) in self.records and self.records[account_id, channel][2] is None:
            del self.records[account_id, channel]


class FakePasskeys:
    def __init__(self, written: Written, accounts: FakeAccounts) -> None:
        self.records: dict[str, Passkey] = {}
        self._written = written
        self._accounts = accounts

    def of(self, account_id: str) -> Sequence[Passkey]:
        return [one for one in self.records.values() if one.account_id == account_id and one.revoked_at is None]

    def find(self, credential_id: bytes) -> Passkey | None:
        return next((one for one in self.records.values() if one.credential_id == credential_id), None)

    def enrol(self, passkey: Passkey, effects: Effects, *, at_most: int) -> bool:
        if self.find(passkey.credential_id) is not None:
            raise PasskeyExistsError
        if len(self.of(passkey.account_id)) >= at_most:
            return False
        self.records[passkey.id] = passkey
        self._written.note(effects)
        return True

    def activate(self, passkey: Passkey, account: Account, link: OneTimeLink, now: float, effects: Effects) -> bool:
        if self.find(passkey.credential_id) is not None:
            raise PasskeyExistsError
        if not self._accounts.set_password(account, link, now, effects):
            return False
        self.records[passkey.id] = passkey
        return True

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
        one = self.records[passkey_id]
        if not one.is_alive:
            return PasskeyUse.GONE
        if one.sign_count < sign_count or one.sign_count == sign_count == 0:
            self.records[one.id] = replace(one, sign_count=sign_count, backed_up=backed_up, last_used_at=at)
            self._written.note(if_used)
            return PasskeyUse.USED
        self.records[one.id] = replace(one, flagged_at=at)
        self._written.note(if_counter_back)
        return PasskeyUse.COUNTER_BACK

    def rename(self, passkey_id: str, label: str, effects: Effects) -> bool:
        self.records[passkey_id] = replace(self.records[passkey_id], label=label)
        self._written.note(effects)
        return True

    def revoke(
        self, passkey_id: str, at: float, effects: Effects, *, unless: Callable[[], bool] = lambda: False
    ) -> bool:
        one = self.records[passkey_id]
        if one.revoked_at is not None or unless():
            return False
        self.records[one.id] = replace(one, revoked_at=at)
        self._written.note(effects)
        return True


class FakePasskeyChallenges:
    def __init__(self) -> None:
        self.issued: dict[str, PasskeyChallenge] = {}

    def issue(self, challenge: PasskeyChallenge, now: float) -> None:
        self.issued[challenge.digest] = challenge

    def take(self, digest: str, now: float) -> PasskeyChallenge | None:
        taken = self.issued.pop(digest, None)
        return taken if taken is not None and now < taken.expires_at else None


class FakeHeld:
    """What the other fakes hold, as one reading of them."""

    def __init__(
        self,
        applications: FakeTotpAuthenticators,
        recovery_codes: FakeRecoveryCodes,
        failures: FakeCodeFailures,
        passkeys: FakePasskeys,
    ) -> None:
        self._applications, self._recovery_codes = applications, recovery_codes
        self._failures, self._passkeys = failures, passkeys

    def of(self, account_id: str) -> HeldAuthenticators:
        return HeldAuthenticators(
            applications=tuple(
                one.failures for one in self._applications.of(account_id) if one.confirmed_at is not None
            ),
            recovery_codes=self._recovery_codes.left(account_id),
            passkeys={one.id: one.backup_eligible for one in self._passkeys.of(account_id) if one.is_alive},
            disabled={
                channel: at
                for (whose, channel), (_, _, at) in self._failures.records.items()
                if whose == account_id and at is not None
            },
        )
