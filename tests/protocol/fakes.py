"""Stores and neighbours of the provider, in memory, with the same promises as the real ones."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gateway.applications.client import Client
from gateway.applications.ports import SecretSlot
from gateway.journal.effects import Effects
from gateway.journal.events import Event
from gateway.keys.ports import KeysMovedError
from gateway.keys.signing_key import KeyState, SigningKey
from gateway.oidc.ports import (
    AuthorizationCode,
    CodeState,
    Grant,
    HeldRights,
    Person,
    PersonAsked,
    ProofKind,
    PushedRequest,
    Redemption,
    Refresh,
    RefreshState,
    Rotation,
    Said,
    StructureRights,
)
from gateway.randomness import digest
from gateway.signin.assurance import Assurance, AssuranceScale
from gateway.signin.consent import has_agreed
from gateway.signin.gone import TransactionGone
from gateway.signin.request_context import RequestContext
from gateway.signin.session import Session
from gateway.signin.transaction import Demand, SigninTransaction


class HandClock:
    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.time = now

    def now(self) -> float:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += seconds


class MemoryKeys:
    def __init__(self, keys: Sequence[SigningKey] = ()) -> None:
        self.keys = {key.kid: key for key in keys}
        self.moved = 1
        self.readings = 0

    def all(self) -> Sequence[SigningKey]:
        self.readings += 1
        return [key for key in self.keys.values() if key.state is not KeyState.RETIRED]

    def version(self) -> int:
        return self.moved

    def replace(self, keys: Sequence[SigningKey], *, expected_version: int, effects: Effects) -> None:
        if expected_version != self.moved:
            raise KeysMovedError
        self.keys |= {key.kid: key for key in keys}
        self.moved += 1


class MemoryClients:
    def __init__(self, *clients: Client) -> None:
        self.clients = {client.client_id: client for client in clients}

    def find(self, client_id: str) -> Client | None:
        return self.clients.get(client_id)

    def all(self) -> Sequence[Client]:
        return tuple(self.clients.values())


class MemorySecrets:
    def __init__(self) -> None:
        self.slots: list[SecretSlot] = []

    def of(self, client_id: str) -> Sequence[SecretSlot]:
        return [slot for slot in self.slots if slot.client_id == client_id]

    def put(self, slot: SecretSlot, effects: Effects) -> None:
        self.slots.append(slot)

    def expire(self, client_id: str, slot: int, at: float, effects: Effects) -> None:
        self.slots = [
            replace(kept, expires_at=at) if (kept.client_id, kept.slot) == (client_id, slot) else kept
            for kept in self.slots
        ]


class MemoryEphemeral:
    """Sessions, codes and grants: one lock stands for the atomic step."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.sessions: dict[str, Session] = {}
        self.codes: dict[str, tuple[AuthorizationCode, CodeState]] = {}
        self.grants: dict[str, Grant] = {}
        self.refreshes: dict[str, tuple[RefreshState, RefreshState | None, float, str, bytes]] = {}
        self.silenced: set[str] = set()
        self.used: dict[tuple[ProofKind, str, str], float] = {}
        self.pushed: dict[str, PushedRequest] = {}
        self._lock = threading.Lock()

    # people's door
    def issue(self, code: AuthorizationCode, effects: Effects) -> bool:
        if code.session_handle_digest not in {digest(handle) for handle in self.sessions}:
            return False
        self.codes[code.handle] = (code, CodeState.FRESH)
        self.events += effects.events
        return True

    def take(self, handle: str, client_id: str, now: float) -> PushedRequest | None:
        with self._lock:
            found = self.pushed.get(handle)
            if found is None or found.client_id != client_id or now >= found.expires_at:
                return None
            return self.pushed.pop(handle)

    # machine door
    async def push(self, request: PushedRequest, effects: Effects) -> None:
        self.pushed[request.handle] = request
        self.events += effects.events

    async def find_code(self, handle: str, now: float) -> tuple[AuthorizationCode, CodeState] | None:
        found = self.codes.get(handle)
        if found is None or (found[1] is CodeState.FRESH and not self._lives(found[0], now)):
            return None
        return found

    async def redeem_code(
        self,
        handle: str,
        grant: Grant,
        now: float,
        *,
        if_redeemed: Effects,
        if_replayed: Effects,
        refresh: RefreshState | None = None,
    ) -> Redemption:
        with self._lock:
            found = self.codes.get(handle)
            if found is not None and found[1] is CodeState.SPENT:
                self.grants.pop(found[0].grant_id, None)
                self.events += if_replayed.events
                return Redemption.REPLAYED
            if found is None or not self._lives(found[0], now):
                return Redemption.UNKNOWN
            self.codes[handle] = (found[0], CodeState.SPENT)
            self.grants[grant.id] = grant
            if refresh is not None:
                self.refreshes[grant.id] = (refresh, None, 0.0, "", b"")
            self.events += if_redeemed.events
            return Redemption.REDEEMED

    async def burn_code(self, handle: str, now: float, effects: Effects) -> None:
        code, _ = self.codes[handle]
        self.codes[handle] = (code, CodeState.SPENT)
        self.grants.pop(code.grant_id, None)
        self.events += effects.events

    async def find_grant(self, grant_id: str, now: float, *, jti: str | None = None) -> Grant | None:
        grant = self.grants.get(grant_id)
        if grant is None or grant.expires_at <= now or jti in self.silenced:
            return None
        session = next(
            (one for one in self.sessions.values() if digest(one.handle) == grant.session_handle_digest), None
        )
        if session is None or session.expires_at() <= now:
            return None
        return replace(grant, session_idle_at=session.expires_at(), session_ends_at=session.absolute_end)

    async def use_session(self, grant_id: str, now: float, *, jti: str, least_seconds: float) -> Grant | None:
        grant = await self.find_grant(grant_id, now, jti=jti)
        if grant is None:
            return None
        session = next(one for one in self.sessions.values() if digest(one.handle) == grant.session_handle_digest)
        if now - session.last_used_at >= least_seconds:
            self.sessions[session.handle] = replace(session, last_used_at=now)
        return await self.find_grant(grant_id, now, jti=jti)

    async def rotate_refresh(
        self,
        grant_id: str,
        presented: RefreshState,
        successor: RefreshState,
        now: float,
        *,
        by: str,
        answer: bytes,
        grace_seconds: float,
        if_rotated: Effects,
        if_reused: Effects,
    ) -> Rotation:
        grant = await self.find_grant(grant_id, now)
        if grant is None or grant_id not in self.refreshes:
            return Rotation(Refresh.UNKNOWN)
        live, spent, spent_at, spent_by, kept = self.refreshes[grant_id]
        if (presented.generation, presented.digest) == (live.generation, live.digest):
            if now >= live.ends_at:
                return Rotation(Refresh.UNKNOWN)
            self.refreshes[grant_id] = (successor, live, now, by, answer)
            self.events += if_rotated.events
            return Rotation(Refresh.ROTATED, b"", grant.session_idle_at, grant.session_ends_at)
        if spent is not None and presented.digest == spent.digest and by == spent_by and now - spent_at < grace_seconds:
            return Rotation(Refresh.AGAIN, kept, grant.session_idle_at, grant.session_ends_at)
        self.grants.pop(grant_id)
        self.events += if_reused.events
        return Rotation(Refresh.REUSED)

    async def revoke_grant(self, grant_id: str, now: float, effects: Effects) -> bool:
        if await self.find_grant(grant_id, now) is None:
            return False
        self.grants.pop(grant_id)
        self.events += effects.events
        return True

    async def find_refresh(self, grant_id: str, now: float) -> tuple[Grant, RefreshState] | None:
        grant = await self.find_grant(grant_id, now)
        return None if grant is None or grant_id not in self.refreshes else (grant, self.refreshes[grant_id][0])

    async def silence(self, jti: str, until: float, now: float, effects: Effects) -> bool:
        if jti in self.silenced:
            return False
        self.silenced.add(jti)
        self.events += effects.events
        return True

    async def is_silenced(self, jti: str, now: float) -> bool:
        return jti in self.silenced

    async def use_once(self, kind: ProofKind, holder: str, jti: str, until: float, now: float) -> bool:
        if self.used.get((kind, holder, jti), 0.0) > now:
            return False
        self.used[kind, holder, jti] = until
        return True

    async def note(self, effects: Effects) -> None:
        self.events += effects.events

    def _lives(self, code: AuthorizationCode, now: float) -> bool:
        return code.expires_at > now and code.session_handle_digest in {digest(handle) for handle in self.sessions}


class Notebook:
    def __init__(self, ephemeral: MemoryEphemeral) -> None:
        self._ephemeral = ephemeral

    def note(self, effects: Effects) -> None:
        self._ephemeral.events += effects.events


class EmptySpool(Notebook):
    """Every call to an application was taken at once."""

    def __init__(self) -> None:
        super().__init__(MemoryEphemeral())

    def waiting(self, kind: str, *, limit: int = 1000, **said: str) -> Sequence[tuple[Any, int]]:
        return ()


class FakeGate:
    """Judges like the real one, as far as the provider can tell: level and freshness."""

    def __init__(self, ephemeral: MemoryEphemeral, scale: AssuranceScale, clock: HandClock) -> None:
        self._ephemeral = ephemeral
        self._scale = scale
        self._clock = clock
        self.says_enough: bool | None = None

    def find(self, cookie: str | None, context: RequestContext | None = None) -> Session | None:
        session = self._ephemeral.sessions.get(cookie or "")
        return session if session is not None and session.expires_at() > self._clock.now() else None

    def use(self, cookie: str | None, context: RequestContext | None = None) -> Session | None:
        session = self.find(cookie)
        if session is not None:
            session = replace(session, last_used_at=self._clock.now())
            self._ephemeral.sessions[session.handle] = session
        return session

    def assurance(self, session: Session) -> Assurance:
        return self._scale.level_of(session.evidence)

    def is_enough(self, session: Session, demand: Demand) -> bool:
        if not has_agreed(session, demand):
            return False
        if self.says_enough is not None:
            return self.says_enough
        level = self.assurance(session)
        wanted = demand.acr_values if demand.acr_essential else ()
        return (
            (demand.min_acr is None or self._scale.satisfies(level.acr, demand.min_acr))
            and (not wanted or any(self._scale.satisfies(level.acr, value) for value in wanted))
            and (demand.fresh_since is None or level.auth_time >= demand.fresh_since)
        )

    def remember_client(
        self, session: Session, client_id: str, structure: str | None, learns: Sequence[str] = ()
    ) -> None:
        kept = self._ephemeral.sessions.get(session.handle)
        if kept is None:
            return
        self._ephemeral.sessions[session.handle] = replace(
            kept, clients=(*kept.clients, client_id), active_structure=structure or kept.active_structure
        )

    def end(self, cookie: str | None, context: RequestContext, reason: str) -> Session | None:
        return self._ephemeral.sessions.pop(cookie or "", None)

    def end_named(self, account_id: str, sid: str, context: RequestContext, reason: str) -> bool:
        sessions = self._ephemeral.sessions.values()
        named = [one.handle for one in sessions if (one.account_id, one.sid) == (account_id, sid)]
        return bool(named) and self.end(named[0], context, reason) is not None


class FakeJourney:
    """Remembers what it was asked; a test says how the journey ended before coming back."""

    def __init__(self) -> None:
        self.transactions: dict[str, SigninTransaction] = {}
        self.lent: Session | None = None

    def open(
        self,
        demand: Demand,
        continuation: Mapping[str, Any],
        *,
        browser_cookie: str,
        session: Session | None,
        context: RequestContext,
    ) -> SigninTransaction:
        self.lent = session
        handle = f"{len(self.transactions):x}-journey"
        self.transactions[handle] = SigninTransaction(
            handle, digest(browser_cookie), demand, continuation, opened_at=0.0, expires_at=1e12
        )
        return self.transactions[handle]

    def amend(self, handle: str, **changes: Any) -> None:
        self.transactions[handle] = replace(self.transactions[handle], **changes)

    def take(
        self, handle: str, *, browser_cookie: str | None, session: Session | None, context: RequestContext
    ) -> SigninTransaction:
        txn = self.transactions.get(handle)
        if txn is None or browser_cookie is None or txn.browser != digest(browser_cookie):
            raise TransactionGone
        return self.transactions.pop(handle)


class FakePeople:
    def __init__(self, person: Person) -> None:
        self.known = {person.account_id: person}
        self.structures: list[StructureRights] = []
        self.asked_application: str | None = None
        self._held: dict[Any, HeldRights] = {}

    def told(self, asked: Sequence[PersonAsked]) -> Sequence[tuple[Person, HeldRights | None] | None]:
        return [
            None
            if person is None
            else (person, application and self.rights(one.account_id, application, one.acr, one.now))
            for one in asked
            for person, application in [(self.person(one.account_id), one.role_application)]
        ]

    def person(self, account_id: str) -> Person | None:
        return self.known.get(account_id)

    def rights(self, account_id: str, role_application: str, acr: str, now: float) -> HeldRights:
        self.asked_application = role_application
        held = tuple(self.structures) if role_application == "handicap" else ()
        return self._held.setdefault((account_id, held), HeldRights(held, "2026-10-01", 1_799_990_000.0, Said(held)))
