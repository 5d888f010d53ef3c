"""Stores made of dictionaries, a clock that is set by hand: for the tests of rules only.

The real stores have their own contract suite; these are honest about versions, expiry and single use, and nothing else.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.accounts.account import Account
from gateway.accounts.one_time_link import LinkPurpose, OneTimeLink
from gateway.accounts.ports import AccountExistsError
from gateway.accounts.trusted_device import TrustedDevice
from gateway.journal.effects import NO_EFFECTS, Effects, Outgoing
from gateway.journal.events import Event
from gateway.randomness import digest
from gateway.signin.ended_session import logout_call, logout_calls
from gateway.signin.one_time_code.sms_meter import ConversionFloor, SmsRefusal, SmsWindow
from gateway.signin.password.failed_identifiers import SprayLimit, Turns
from gateway.signin.ports import Admission, CodeChallenge, CodeVerdict, DelayRule
from gateway.signin.session import Session
from gateway.signin.transaction import SigninTransaction


@dataclass
class SetClock:
    at: float = 1_800_000_000.0

    def now(self) -> float:
        return self.at

    def advance(self, seconds: float) -> None:
        self.at += seconds


class CountedRandomness:
    """Bytes that never repeat, the same in every run."""

    def __init__(self) -> None:
        self._drawn = 0

    def __call__(self, octets: int) -> bytes:
        self._drawn += 1
        return hashlib.shake_256(b"fake randomness %d" % self._drawn).digest(octets)


@dataclass
class Written:
    """Everything that any store was told to write with a change."""

    events: list[Event] = field(default_factory=list)
    outgoing: list[Outgoing] = field(default_factory=list)

    def note(self, effects: Effects) -> None:
        self.events.extend(effects.events)
        self.outgoing.extend(effects.outgoing)

    def names(self) -> list[str]:
        return [event.name for event in self.events]

    def of(self, name: str) -> list[Event]:
        return [event for event in self.events if event.name == name]

    def sent(self, kind: str) -> list[Outgoing]:
        return [item for item in self.outgoing if item.kind == kind]


class FakeTransactions:
    def __init__(self, written: Written) -> None:
        self.records: dict[str, SigninTransaction] = {}
        self._written = written

    def open(self, transaction: SigninTransaction, effects: Effects) -> None:
        self.records[digest(transaction.handle)] = transaction
        self._written.note(effects)

    def find(self, handle: str, now: float) -> SigninTransaction | None:
        found = self.records.get(digest(handle))
        return found if found is not None and now < found.expires_at else None

    def save(self, transaction: SigninTransaction, now: float, effects: Effects) -> bool:
        stored = self.find(transaction.handle, now)
        if stored is None or stored.version != transaction.version:
            return False
        self.records[digest(transaction.handle)] = replace(transaction, version=transaction.version + 1)
        self._written.note(effects)
        return True

    def close(self, transaction: SigninTransaction, now: float, effects: Effects) -> bool:
        stored = self.find(transaction.handle, now)
        if stored is None or stored.version != transaction.version:
            return False
        del self.records[digest(transaction.handle)]
        self._written.note(effects)
        return True


class FakeSessions:
    def __init__(self, written: Written) -> None:
        self.records: dict[str, Session] = {}
        self._written = written

    def start(
        self,
        session: Session,
        now: float,
        effects: Effects,
        *,
        replacing: Session | None = None,
        at_most: int | None = None,
        if_ousted: Effects = NO_EFFECTS,
    ) -> bool:
        replaced = self.find(replacing.handle, now) if replacing is not None else None
        same_person = replacing is not None and replacing.account_id == session.account_id
        if replacing is not None and same_person and (replaced is None or replaced.version != replacing.version):
            return False
        if replaced is not None:
            del self.records[replaced.handle]
            if replaced.sid != session.sid:
                self._written.note(logout_calls(replaced))
        self.records[session.handle] = session
        self._written.note(effects)
        others = [one for one in self.of(session.account_id, now) if one.handle != session.handle]
        ousted = sorted(others, key=lambda one: one.started_at)[: max(0, len(others) + 1 - (at_most or 99))]
        for one in ousted:
            self._written.note(logout_calls(self.records.pop(one.handle)))
        if ousted:
            self._written.note(if_ousted)
        return True

    def find(self, handle: str, now: float) -> Session | None:
        found = self.records.get(handle)
        return found if found is not None and now < found.expires_at() else None

    def use(self, handle: str, now: float) -> Session | None:
        found = self.find(handle, now)
        if found is not None:
            self.records[handle] = found = replace(found, last_used_at=now)
        return found

    def amend(self, session: Session, now: float, effects: Effects) -> bool:
        stored = self.find(session.handle, now)
        if stored is None or stored.version != session.version:
            return False
        idle_seconds = min(stored.idle_seconds, session.idle_seconds)
        self.records[session.handle] = replace(session, version=session.version + 1, idle_seconds=idle_seconds)
        self._written.note(effects)
        return True

    def end(self, handle: str, now: float, effects: Effects) -> Session | None:
        if self.find(handle, now) is None:
            return None
        ended = self.records.pop(handle)
        self._written.note(effects + logout_calls(ended))
        return ended

    def of(self, account_id: str, now: float) -> Sequence[Session]:
        return [item for item in self.records.values() if item.account_id == account_id]

    def end_sessions_of(self, account_id: str, now: float, effects: Effects, *, sparing: str | None = None) -> int:
        mine = [handle for handle, item in self.records.items() if item.account_id == account_id and handle != sparing]
        for handle in mine:
            self._written.note(logout_calls(self.records.pop(handle)))
        if mine:
            self._written.note(effects)
        return len(mine)

    def end_one_of(self, account_id: str, sid: str, now: float, effects: Effects) -> bool:
        found = [one for one in self.of(account_id, now) if one.sid == sid]
        return bool(found) and self.end(found[0].handle, now, effects) is not None

    def withdraw(self, session: Session, client_id: str, now: float, effects: Effects) -> bool:
        return self.amend(session, now, effects + logout_call(session, client_id))


class FakeCodes:
    RESENDABLE_SECONDS = 900

    def __init__(self, written: Written) -> None:
        self.records: dict[str, CodeChallenge] = {}
        self._begun: dict[str, float] = {}
        self._written = written

    def begin(self, challenge: CodeChallenge, effects: Effects) -> None:
        self.records[challenge.id] = challenge
        self._begun[challenge.id] = challenge.sent_at
        self._written.note(effects)

    def find(self, challenge_id: str, now: float) -> CodeChallenge | None:
        found = self.records.get(challenge_id)
        return found if found is not None and now < self._begun[challenge_id] + self.RESENDABLE_SECONDS else None

    def resend(self, challenge: CodeChallenge, *, expected_send_number: int, effects: Effects) -> bool:
        stored = self.records.get(challenge.id)
        if stored is None or stored.send_number != expected_send_number:
            return False
        kept = {"attempts_left": stored.attempts_left, "undelivered": stored.undelivered}
        self.records[challenge.id] = replace(challenge, **kept)
        self._written.note(effects)
        return True

    def note_undelivered(self, challenge_id: str, now: float) -> bool:
        if self.find(challenge_id, now) is None:
            return False
        self.records[challenge_id] = replace(self.records[challenge_id], undelivered=True)
        return True

    def attempt(
        self, challenge_id: str, mac: bytes, now: float, *, if_accepted: Effects, if_wrong: Effects
    ) -> tuple[CodeVerdict, int]:
        stored = self.records.get(challenge_id)
        if stored is None or now >= stored.expires_at:
            return CodeVerdict.DEAD, 0
        if stored.mac == mac:
            del self.records[challenge_id]
            self._written.note(if_accepted)
            return CodeVerdict.ACCEPTED, 0
        self._written.note(if_wrong)
        left = stored.attempts_left - 1
        if left <= 0:
            del self.records[challenge_id]
        else:
            self.records[challenge_id] = replace(stored, attempts_left=left)
        return CodeVerdict.WRONG, left


class FakeThrottle:
    def __init__(self, written: Written) -> None:
        self.consecutive: dict[str, int] = {}
        self.last: dict[str, float] = {}
        self.failures: dict[str, list[float]] = {}
        self.counts: dict[tuple[str, int], int] = {}
        self._written = written

    def admit(self, key: str, rule: DelayRule, now: float, if_refused: Effects) -> Admission:
        failures = self.consecutive.get(key, 0)
        inside = [at for at in self.failures.get(key, []) if now - at < rule.window_seconds]
        delay = rule.delays[min(failures, len(rule.delays)) - 1] if failures else 0
        retry_at = self.last.get(key, 0.0) + delay
        if len(inside) >= rule.max_in_window:
            retry_at = max(retry_at, inside[0] + rule.window_seconds)
        if now < retry_at:
            self._written.note(if_refused)
            return Admission(False, failures, retry_at)
        self.consecutive[key] = failures + 1
        self.last[key] = now
        self.failures[key] = [*inside, now]
        return Admission(True, failures + 1, now)

    def succeeded(self, key: str) -> None:
        self.consecutive.pop(key, None)
        if self.failures.get(key):
            self.failures[key].pop()

    def count(self, key: str, *, limit: int, window_seconds: int, now: float) -> bool:
        window = (key, int(now // window_seconds))
        self.counts[window] = self.counts.get(window, 0) + 1
        return self.counts[window] <= limit

    def is_full(self, key: str, *, limit: int, window_seconds: int, now: float) -> bool:
        return self.counts.get((key, int(now // window_seconds)), 0) >= limit


class FakeFailedIdentifiers:
    def __init__(self, written: Written) -> None:
        self.failed: dict[str, dict[str, float]] = {}
        self.told: dict[str, float] = {}
        self.turns: dict[str, float] = {}
        self._written = written

    def _alive(self, origin: str, limit: SprayLimit, now: float) -> dict[str, float]:
        return {who: at for who, at in self.failed.get(origin, {}).items() if at > now - limit.seconds}

    def admit(
        self, origin: str, identifier: str, limit: SprayLimit, now: float, *, waited: bool, if_crossed: Effects
    ) -> bool:
        alive = self._alive(origin, limit, now)
        alive.pop(identifier, None)
        others = len(alive)
        if others >= limit.most:
            if not waited:
                return False
            del alive[min(alive, key=lambda who: alive[who])]
        self.failed[origin] = {**alive, identifier: now}
        if others + 1 >= limit.most and now >= self.told.get(origin, 0.0):
            self.told[origin] = now + limit.quiet_seconds
            self._written.note(if_crossed)
        return True

    def succeeded(self, origin: str, identifier: str) -> None:
        self.failed.get(origin, {}).pop(identifier, None)

    def crossed(self, origin: str, limit: SprayLimit, now: float) -> bool:
        return len(self._alive(origin, limit, now)) >= limit.most

    def next_turn(self, origin: str, turns: Turns, now: float) -> float:
        turn = max(now + turns.at_least, self.turns.get(origin, 0.0) + turns.interval)
        if turn >= now + turns.at_most:
            return now + turns.at_most
        self.turns[origin] = turn
        return turn


class FakeAccounts:
    def __init__(self, written: Written, links: "FakeLinks", devices: "FakeDevices") -> None:
        self.records: dict[str, Account] = {}
        self.lookups = 0
        self._written = written
        self._links = links
        self._devices = devices

    def put(self, account: Account) -> Account:
        self.records[account.id] = account
        return account

    def get(self, account_id: str) -> Account | None:
        return self.records.get(account_id)

    def _first(self, field_name: str, value: str) -> Account | None:
        self.lookups += 1
        found = [
            item for item in self.records.values() if str(getattr(item, field_name)).casefold() == value.casefold()
        ]
        return found[0] if found else None

    def find_by_username(self, username: str) -> Account | None:
        return self._first("username", username)

    def find_by_rpps(self, rpps: str) -> Account | None:
        return self._first("rpps", rpps)

    def find_by_verified_email(self, email: str) -> Account | None:
        found = self._first("email", email)
        return found if found is not None and found.email_verified_at is not None else None

    def find_by_email(self, email: str) -> Account | None:
        return self._first("email", email)

    def all(self, *, limit: int = 100, after: str | None = None) -> Sequence[Account]:
        return list(self.records.values())[:limit]

    def create(self, account: Account, effects: Effects) -> None:
        for name in ("username", "email", "rpps"):
            value = getattr(account, name)
            if value is not None and self._first(name, value) is not None:
                raise AccountExistsError(name)
        self.put(account)
        self._written.note(effects)

    def update(self, account: Account, effects: Effects) -> None:
        self.put(account)
        for link in self._links.records.values():
            if link.account_id == account.id and link.contact_version < account.contact_version:
                self._links.records[link.id] = replace(link, revoked_at=0.0)
        self._written.note(effects)

    def set_password(self, account: Account, link: OneTimeLink, now: float, effects: Effects) -> bool:
        stored = self._links.records[link.id]
        if stored.used_at is not None or stored.revoked_at is not None or now >= stored.expires_at:
            return False
        self.put(account)
        self._links.records[link.id] = replace(stored, used_at=now)
        for device in self._devices.of(account.id):
            self._devices.records[device.id] = replace(device, revoked_at=now)
        self._written.note(effects)
        return True

    def replace_password_hash(self, account_id: str, *, expected: str, new: str, effects: Effects) -> bool:
        if self.records[account_id].password_hash != expected:
            return False
        self.put(replace(self.records[account_id], password_hash=new))
        return True

    def change_password(self, account_id: str, *, expected: str, new: str, at: float, effects: Effects) -> bool:
        stored = self.records[account_id]
        if stored.password_hash != expected or stored.password_disabled_at is not None:
            return False
        self.put(replace(stored, password_hash=new, password_set_at=at, must_change_password=False))
        self._written.note(effects)
        return True

    def disable_password(self, account_id: str, *, failed_at: float, effects: Effects) -> bool:
        stored = self.records[account_id]
        if stored.password_disabled_at is not None or (stored.password_set_at or 0.0) > failed_at:
            return False
        self.put(replace(stored, password_disabled_at=failed_at))
        self._written.note(effects)
        return True

    def demand_new_password(self, account_id: str, effects: Effects) -> bool:
        if self.records[account_id].must_change_password:
            return False
        self.put(replace(self.records[account_id], must_change_password=True))
        self._written.note(effects)
        return True

    def note_signin(self, account_id: str, now: float, acr: str) -> None:
        self.put(replace(self.records[account_id], last_signin_at=now, last_signin_acr=acr))


class FakeLinks:
    def __init__(self, written: Written) -> None:
        self.records: dict[str, OneTimeLink] = {}
        self._written = written

    def issue(self, link: OneTimeLink, effects: Effects) -> None:
        for other in list(self.records.values()):
            if (other.account_id, other.purpose) == (link.account_id, link.purpose) and other.revoked_at is None:
                self.records[other.id] = replace(other, revoked_at=link.issued_at)
        self.records[link.id] = link
        self._written.note(effects)

    def find_by_digest(self, digest: bytes) -> OneTimeLink | None:
        return next((link for link in self.records.values() if link.token_digest == digest), None)

    def get(self, link_id: str) -> OneTimeLink | None:
        return self.records.get(link_id)

    def latest(self, account_id: str, purpose: LinkPurpose) -> OneTimeLink | None:
        mine = [link for link in self.records.values() if (link.account_id, link.purpose) == (account_id, purpose)]
        return mine[-1] if mine else None

    def issued(self, account_id: str, purpose: LinkPurpose) -> int:
        return len([one for one in self.records.values() if (one.account_id, one.purpose) == (account_id, purpose)])

    def prove_contact(self, link_id: str, change_id: str, at: float, effects: Effects) -> bool:
        link = self.records[link_id]
        if link.used_at is not None or link.revoked_at is not None or at >= link.expires_at:
            return False
        self.records[link_id] = replace(link, contact_change=change_id, contact_proved_at=at)
        self._written.note(effects)
        return True


class FakeDevices:
    def __init__(self, written: Written) -> None:
        self.records: dict[str, TrustedDevice] = {}
        self._written = written

    def trust(self, device: TrustedDevice, effects: Effects) -> None:
        self.records[device.id] = device
        self._written.note(effects)

    def find(self, device_id: str) -> TrustedDevice | None:
        return self.records.get(device_id)

    def of(self, account_id: str) -> Sequence[TrustedDevice]:
        return [device for device in self.records.values() if device.account_id == account_id]

    def renew(self, device_id: str, *, used_at: float, proved_at: float | None = None) -> None:
        device = self.records[device_id]
        self.records[device_id] = replace(device, last_used_at=used_at, proved_at=proved_at or device.proved_at)

    def rename(self, device_id: str, label: str, effects: Effects) -> bool:
        return self._changed(device_id, effects, label=label)

    def revoke(self, device_id: str, at: float, effects: Effects) -> bool:
        return self._changed(device_id, effects, revoked_at=at)

    def _changed(self, device_id: str, effects: Effects, **changes: Any) -> bool:
        if self.records[device_id].revoked_at is not None:
            return False
        self.records[device_id] = replace(self.records[device_id], **changes)
        self._written.note(effects)
        return True


class FakeStructures:
    def __init__(self) -> None:
        self.held: dict[tuple[str, str], list[tuple[str, str]]] = {}

    def structures_of(self, account_id: str, client_id: str, acr: str, now: float) -> Sequence[tuple[str, str]]:
        return self.held.get((account_id, client_id), [])


class FakeSmsMeter:
    """Counts nothing; refuses when told to."""

    def __init__(self) -> None:
        self.refuses: SmsRefusal | None = None
        self.taken: list[str] = []
        self.typed: list[str] = []

    def take(
        self,
        send_id: str,
        *,
        scopes: Sequence[str],
        windows: Sequence[SmsWindow],
        floor: ConversionFloor,
        now: float,
        when_counted: Mapping[str, Mapping[int, Effects]],
        when_stopped: Mapping[str, Effects],
    ) -> SmsRefusal | None:
        if self.refuses is None:
            self.taken.append(send_id)
        return self.refuses

    def verified(self, send_id: str, scopes: Sequence[str]) -> None:
        self.typed.append(send_id)

    def refusal(self, *, scopes: Sequence[str], windows: Sequence[SmsWindow], now: float) -> SmsRefusal | None:
        return self.refuses

    def stopped(self) -> Sequence[tuple[str, float]]:
        return []

    def reopen(self, scope: str, effects: Effects) -> bool:
        return False
