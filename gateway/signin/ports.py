"""What the journey needs from outside: ephemeral records with intent-named atomic operations.

Each call is one atomic step of the store. `now` is the caller's clock; a record whose `expires_at` is at or before `now` does
not exist. Effects are appended to the spool in the same step, and only when the step changes something (unless said).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from gateway.journal.effects import NO_EFFECTS, Effects
from gateway.signin.session import Session
from gateway.signin.transaction import SigninTransaction


class SigninTransactions(Protocol):
    def open(self, transaction: SigninTransaction, effects: Effects) -> None: ...

    def find(self, handle: str, now: float) -> SigninTransaction | None: ...

    def save(self, transaction: SigninTransaction, now: float, effects: Effects) -> bool:
        """Replaces the record if its stored version is `transaction.version`, and stores version + 1. False otherwise."""
        ...

    def close(self, transaction: SigninTransaction, now: float, effects: Effects) -> bool:
        """Removes the record if its stored version is `transaction.version`: of two parallel calls one gets True."""
        ...


class Sessions(Protocol):
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
        """Stores the session; `replacing` dies in the same step (its codes and grants move to the new one when both are of the
        same account, die otherwise; another account's session dies a step before). The new one was made from what the person's
        former one held: False, and nothing written, when that one is no longer alive at this `version`. Unless the new one
        has its `sid`, `logout_calls` of a live session that is replaced are appended in the step it dies. When the account then
        has more than `at_most` live sessions, those that were opened first end in the same step, with their `logout_calls`
        and, once, `if_ousted` (SES-10)."""
        ...

    def find(self, handle: str, now: float) -> Session | None:
        """Reads without counting as use."""
        ...

    def use(self, handle: str, now: float) -> Session | None:
        """Judges idle and absolute limits and sets `last_used_at` in one step; None when it has expired or ended."""
        ...

    def amend(self, session: Session, now: float, effects: Effects) -> bool:
        """Compare-and-set on `version` of clients, structure, evidence and post, and of the idle limit, which is only ever
        shortened; False when it moved or died."""
        ...

    def end(self, handle: str, now: float, effects: Effects) -> Session | None:
        """Ends it and kills its codes and grants; returns what it was. Of two parallel calls one gets the session. The
        `logout_calls` of the session, as it is in that step, are appended with the effects."""
        ...

    def of(self, account_id: str, now: float) -> Sequence[Session]:
        """Live sessions of an account; `handle` is empty in what this returns."""
        ...

    def end_sessions_of(self, account_id: str, now: float, effects: Effects, *, sparing: str | None = None) -> int:
        """Ends every session of the account, but the one whose handle is `sparing`, with codes and grants; returns how many.
        `logout_calls` of each are appended in the same step."""
        ...

    def end_one_of(self, account_id: str, sid: str, now: float, effects: Effects) -> bool:
        """As `end`, for who knows the public identifier alone: False when the account has no live session of this `sid`."""
        ...

    def withdraw(self, session: Session, client_id: str, now: float, effects: Effects) -> bool:
        """As `amend`, and every code and grant that the session gave this application dies in the same step, which appends
        the call that tells it so."""
        ...


class CodeVerdict(StrEnum):
    ACCEPTED = "accepted"
    WRONG = "wrong"
    DEAD = "dead"
    """Unknown, expired, used, exhausted or replaced."""


@dataclass(frozen=True, slots=True)
class CodeChallenge:
    """A one-time code under way (OTP-07). `mac` is the keyed MAC of the current code: the code itself is stored nowhere;
    it is derived again from (`id`, `send_number`) by the process that sends it. `expires_at` bounds the current code."""

    id: str
    account_id: str
    transaction: str
    """Hash of the transaction's handle it belongs to."""
    purpose: str
    channel: str
    contact_version: int
    client_id: str | None
    mac: bytes
    send_number: int
    sent_at: float
    expires_at: float
    attempts_left: int
    undelivered: bool = False
    """A provider did not take a message of this challenge: the page offers another way (OTP-17)."""


class OneTimeCodes(Protocol):
    def begin(self, challenge: CodeChallenge, effects: Effects) -> None: ...

    def find(self, challenge_id: str, now: float) -> CodeChallenge | None:
        """The live challenge; also found when its code has expired but a resend may still follow (up to 15 min)."""
        ...

    def resend(self, challenge: CodeChallenge, *, expected_send_number: int, effects: Effects) -> bool:
        """Writes the new code's mac, send_number, sent_at, expires_at if the stored send number is the expected one;
        attempts already used are kept (OTP-05). False when another resend came first or the challenge is dead."""
        ...

    def note_undelivered(self, challenge_id: str, now: float) -> bool:
        """From now on the live challenge says so; nothing else of it changes. False when there is none."""
        ...

    def attempt(
        self, challenge_id: str, mac: bytes, now: float, *, if_accepted: Effects, if_wrong: Effects
    ) -> tuple[CodeVerdict, int]:
        """Counts one try and compares in one step (OTP-03, OTP-04): the verdict and the tries left. Accepted once; the
        last wrong try destroys the challenge."""
        ...


@dataclass(frozen=True, slots=True)
class DelayRule:
    """After the n-th consecutive failure wait `delays[n-1]` seconds (the last one repeats); at most `max_in_window`
    failures per `window_seconds`."""

    delays: tuple[int, ...]
    max_in_window: int
    window_seconds: int


@dataclass(frozen=True, slots=True)
class Admission:
    """`admitted` false: try again at `retry_at`. `failures` counts consecutive failures, this attempt included."""

    admitted: bool
    failures: int
    retry_at: float


class Throttle(Protocol):
    def admit(self, key: str, rule: DelayRule, now: float, if_refused: Effects) -> Admission:
        """Counts the attempt as a failure *before* it is judged, in one step, so that parallel guesses all count (THR-09).
        A refused attempt is not counted. `key` is a keyed hash of the typed identifier, whether it exists or not."""
        ...

    def succeeded(self, key: str) -> None:
        """Forgets consecutive failures, and the attempt just counted."""
        ...

    def count(self, key: str, *, limit: int, window_seconds: int, now: float) -> bool:
        """One more event in a fixed window: True while the count is within the limit."""
        ...

    def is_full(self, key: str, *, limit: int, window_seconds: int, now: float) -> bool:
        """Whether so many events were counted in the window that is open; counts nothing."""
        ...


class Spool(Protocol):
    def note(self, effects: Effects) -> None:
        """Appends to the spool what changes nothing else: a refused password, a request for an unknown address."""
        ...


class StructureChoice(NamedTuple):
    """A structure where a person holds something for an application: its public identifier and its name."""

    id: str
    name: str


class ActiveStructures(Protocol):
    """Answered by the habilitations, through wiring."""

    def structures_of(self, account_id: str, client_id: str, acr: str, now: float) -> Sequence[tuple[str, str]]:
        """(identifier, name) of the structures where the account has rights in this application, at this `acr`."""
        ...
