"""What the provider needs from outside.

Ports of the people's door (the authorization endpoint) are plain calls; ports of the machine door are coroutines, because
its endpoints run on the event loop (decision record 0001).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, TypeVar

from gateway.journal.effects import Effects
from gateway.signin.assurance import Assurance
from gateway.signin.request_context import RequestContext
from gateway.signin.session import Session
from gateway.signin.transaction import Demand, SigninTransaction

Result = TypeVar("Result")


class RunBlocking(Protocol):
    """Runs a blocking read beside the event loop: `asyncio.to_thread`, or a bounded pool of wiring's choice."""

    def __call__(self, call: Callable[[], Result], /) -> Awaitable[Result]: ...


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """A code and what it is bound to (OID-04). `handle` is the code; stores keep its hash. `grant_id` names the grant that
    its redemption creates, in the account's partition. `acr`, `amr`, `auth_time` come from the session's evidence."""

    handle: str
    grant_id: str
    account_id: str
    session_handle_digest: str
    sid: str
    client_id: str
    redirect_uri: str
    scope: tuple[str, ...]
    code_challenge: str | None
    nonce: str | None
    auth_time: float
    acr: str
    amr: tuple[str, ...]
    structure: str | None
    issued_at: float
    expires_at: float
    session_ends_at: float = 0.0
    """The absolute end of the session: no refresh token outlives it."""
    claims_request: Mapping[str, Any] | None = None
    dpop_jkt: str | None = None
    """The thumbprint of the only DPoP key that may redeem it (RFC 9449 §10)."""
    session_idle_at: float = field(default=0.0, compare=False)
    """When its session ends unless it is used before: as the store found it, with the code."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a redeemed code gave: alive as long as its session and until `expires_at`. Access tokens name it in `jti`."""

    id: str
    account_id: str
    session_handle_digest: str
    sid: str
    client_id: str
    scope: tuple[str, ...]
    structure: str | None
    auth_time: float
    acr: str
    amr: tuple[str, ...]
    expires_at: float
    bound_to: str = ""
    """The key that its first tokens were bound to (`Binding.name`)."""
    claims_request: Mapping[str, Any] | None = None
    """Claims asked one by one, by place: `id_token`, `userinfo` (OpenID Connect Core §5.5)."""
    session_idle_at: float = field(default=0.0, compare=False)
    """When its session ends unless it is used before, and when it ends anyhow: as the store found them, with the grant."""
    session_ends_at: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class RefreshState:
    """Where the refresh tokens of a grant stand: the live one is number `generation`, its secret has this SHA-256, in
    hexadecimal, and it dies at `ends_at` unless it is used before (seconds since the epoch)."""

    generation: int
    digest: str
    ends_at: float


class Rotation(NamedTuple):
    """What became of a presented refresh token. `kept`: the answer that it got before; `session_idle_at`, `session_ends_at`:
    when its session ends unless it is used before, and when anyhow, as the step found them, for whoever gets an answer."""

    done: "Refresh"
    kept: bytes = b""
    session_idle_at: float = 0.0
    session_ends_at: float = 0.0


class Refresh(StrEnum):
    ROTATED = "rotated"
    AGAIN = "again"
    """The one before was presented again at once, by the same: the answer that it got is given once more."""
    REUSED = "reused"
    """One that was spent before: the grant has just been revoked."""
    UNKNOWN = "unknown"
    """Its grant, its session, or its time is over."""


@dataclass(frozen=True, slots=True)
class PushedRequest:
    """An authorization request left by its client (RFC 9126). `handle` is the end of its `request_uri`; stores keep its
    hash. `parameters` as they came, or as they stood in the object that came `signed`."""

    handle: str
    client_id: str
    parameters: tuple[tuple[str, str], ...]
    signed: bool
    pushed_at: float
    expires_at: float


class RequestPushes(Protocol):
    """Machine door."""

    async def push(self, request: PushedRequest, effects: Effects) -> None: ...


class PushedRequests(Protocol):
    """People's door."""

    def take(self, handle: str, client_id: str, now: float) -> PushedRequest | None:
        """Spends the request: of any number of parallel calls one gets it. None when it is unknown, spent or expired, and
        when another client pushed it, which spends nothing."""
        ...


class ProofKind(StrEnum):
    ASSERTION = "assertion"
    DPOP = "dpop"


class UsedProofs(Protocol):
    """Machine door."""

    async def use_once(self, kind: ProofKind, holder: str, jti: str, until: float, now: float) -> bool:
        """Remembers, until `until`, that this holder's proof was used. False, and nothing changed, when it was before: of any
        number of parallel calls exactly one is True. `holder` is a client_id, or the thumbprint of a key."""
        ...


class CodeState(StrEnum):
    FRESH = "fresh"
    SPENT = "spent"


class AuthorizationCodes(Protocol):
    """People's door."""

    def issue(self, code: AuthorizationCode, effects: Effects) -> bool:
        """Stores the code, tied to its session: False (and nothing stored) when that session has ended meanwhile."""
        ...


class Redemption(StrEnum):
    REDEEMED = "redeemed"
    REPLAYED = "replayed"
    """The code was spent before: its grant has just been revoked."""
    UNKNOWN = "unknown"
    """Never issued, expired, or its session ended."""


class Grants(Protocol):
    """Machine door."""

    async def find_code(self, handle: str, now: float) -> tuple[AuthorizationCode, CodeState] | None:
        """The code as it was issued, without spending it (spent codes are remembered until the grant's end)."""
        ...

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
        """Spends the code and creates its grant, with its first refresh token if it has one, in one step; a code spent before
        revokes the grant of its first use (RFC 6749 §4.1.2). Of any number of parallel calls exactly one is REDEEMED, and its
        grant does not survive."""
        ...

    async def burn_code(self, handle: str, now: float, effects: Effects) -> None:
        """Spends the code without giving anything (wrong verifier, wrong redirect URI); a spent one revokes its grant.
        The effects say the refusal: they are appended whatever has become of the code."""
        ...

    async def find_grant(self, grant_id: str, now: float, *, jti: str | None = None) -> Grant | None:
        """None when revoked, expired, its session has ended, or the access token `jti` was silenced."""
        ...

    async def use_session(self, grant_id: str, now: float, *, jti: str, least_seconds: float) -> Grant | None:
        """`find_grant`, and its session counts as used now, unless it was used less than `least_seconds` ago. The grant says
        what is then left of the session; its absolute end does not move."""
        ...

    async def find_refresh(self, grant_id: str, now: float) -> tuple[Grant, RefreshState] | None:
        """A living grant and its live refresh token, whose `ends_at` is not looked at; None also when it has none."""
        ...

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
        """Spends the presented token (its `ends_at` is not looked at) and makes `successor` the live one, keeping `answer` for
        whoever presents the spent one again within `grace_seconds` as the same `by`: then AGAIN and that answer. A spent
        one otherwise revokes the grant. Of any number of parallel calls one is ROTATED. A successor of the same generation
        only moves its end: a token that is not rotated."""
        ...

    async def revoke_grant(self, grant_id: str, now: float, effects: Effects) -> bool:
        """Ends a grant and all it gave. False, and no effect, when it was not alive."""
        ...

    async def silence(self, jti: str, until: float, now: float, effects: Effects) -> bool:
        """One access token is dead before its time (`until`), and what gave it lives on. False, and no effect, when it was
        dead already. The first character of a `jti` names its partition: its grant's, if it has one."""
        ...

    async def is_silenced(self, jti: str, now: float) -> bool: ...

    async def note(self, effects: Effects) -> None:
        """Appends to the spool what changes nothing else (a refused token request, a userinfo read)."""
        ...


@dataclass(frozen=True, slots=True)
class StructureRights:
    """What a person may do in one structure, for one application. `end` is the last civil day of the earliest ending
    habilitation that gives something (ISO date)."""

    id: str
    name: str
    roles: tuple[str, ...]
    entitlements: tuple[str, ...]
    end: str


@dataclass(frozen=True, slots=True)
class Person:
    """What claims are made of, read live. `active` false: nothing is issued."""

    account_id: str
    active: bool
    given_name: str
    family_name: str
    email: str | None
    email_verified: bool
    rpps: str | None
    rpps_proof: str | None
    profession: str | None
    language: str


class Said:
    """What was already made of these very rights, by whoever made it: kept as long as they are."""

    def __init__(self, structures: Sequence[StructureRights]) -> None:
        self.structures = structures
        self.made: dict[Any, Any] = {}


class HeldRights(NamedTuple):
    """By structure; the mapping's version; the oldest instant at which a source was read, if any."""

    structures: Sequence[StructureRights]
    version: str
    as_of: float | None
    said: Said | None = None


@dataclass(frozen=True, slots=True)
class PersonAsked:
    """What one token request wants to know of one person at `now`. `role_application` None: no right of hers; `named` false:
    only whether she may be spoken of, so names, address and number stay unread, and empty in the answer."""

    account_id: str
    role_application: str | None
    acr: str
    now: float
    named: bool = True


class People(Protocol):
    def told(self, asked: Sequence[PersonAsked]) -> Sequence[tuple[Person, HeldRights | None] | None]:
        """Many at once, in the order asked, all of it read after the call; None for whom there is no account."""
        ...

    def person(self, account_id: str) -> Person | None: ...

    def rights(self, account_id: str, role_application: str, acr: str, now: float) -> HeldRights:
        """Live rights by structure, the mapping's version, and the oldest instant at which a source was read (None when
        nothing comes from a source)."""
        ...


class PeopleAtOnce(Protocol):
    def told_at_once(self, asked: PersonAsked) -> tuple[Person, HeldRights | None] | None:
        """As `People.told` would at this instant, without waiting for anything; None when that cannot be."""
        ...


class Notes(Protocol):
    """People's door: appends to the spool what changes nothing else (a refused authorization request)."""

    def note(self, effects: Effects) -> None: ...


class AssuranceRanking(Protocol):
    """`signin.assurance.AssuranceScale`, as far as the provider needs it."""

    def known(self, acr: str) -> bool: ...

    def satisfies(self, acr: str, minimum: str) -> bool: ...


class SessionGate(Protocol):
    """`signin.gate.Gate`: the session of a cookie and what it is worth."""

    def find(self, cookie: str | None, context: RequestContext | None = None) -> Session | None:
        """Does not count as use. Presented from a shared post, the session is shared from then on."""
        ...

    def use(self, cookie: str | None, context: RequestContext | None = None) -> Session | None: ...

    def assurance(self, session: Session) -> Assurance: ...

    def is_enough(self, session: Session, demand: Demand) -> bool: ...

    def remember_client(
        self, session: Session, client_id: str, structure: str | None, learns: Sequence[str] = ()
    ) -> None: ...

    def end(self, cookie: str | None, context: RequestContext, reason: str) -> Session | None: ...

    def end_named(self, account_id: str, sid: str, context: RequestContext, reason: str) -> bool:
        """Without its cookie. False when the account has no live session of this `sid`."""
        ...


class SigninJourney(Protocol):
    """`signin.journey.Journey`, as far as the provider needs it. `take` raises `TransactionGone`."""

    def open(
        self,
        demand: Demand,
        continuation: Mapping[str, Any],
        *,
        browser_cookie: str,
        session: Session | None,
        context: RequestContext,
    ) -> SigninTransaction: ...

    def take(
        self, handle: str, *, browser_cookie: str | None, session: Session | None, context: RequestContext
    ) -> SigninTransaction: ...
