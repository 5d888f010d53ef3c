"""The port of what is counted before a text message leaves (SMS-04, SMS-05): every count, and the judgement, in one step.

A *scope* is what a pumping fraud has in common: a country (`FR`), or a block of numbers (`+3363998`). A scope that is stopped
stays so until somebody opens it again. Times are seconds since the epoch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.journal.effects import Effects


@dataclass(frozen=True, slots=True)
class SmsWindow:
    """At most `limit` messages until `ends_at`, where the window opens with this one; an open window keeps its own end."""

    name: str
    limit: int
    ends_at: float


@dataclass(frozen=True, slots=True)
class ConversionFloor:
    """A scope stops when, of at least `sends` messages of the last `window_seconds`, fewer than `percent` were verified. One
    younger than `patience_seconds` is not judged: its code may still be typed."""

    sends: int
    percent: int
    window_seconds: int
    patience_seconds: int


@dataclass(frozen=True, slots=True)
class SmsRefusal:
    """`reason`: `stopped` (`name` is the scope) or `full` (`name` is the window's)."""

    reason: str
    name: str


class SmsMeter(Protocol):
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
        """Counts one message everywhere, or nowhere and says why. First the scopes are judged: one that falls under the floor
        stops now, and its `when_stopped` is written. `when_counted` by window: written by the message that makes the count."""
        ...

    def verified(self, send_id: str, scopes: Sequence[str]) -> None:
        """The code of this message was typed."""
        ...

    def refusal(self, *, scopes: Sequence[str], windows: Sequence[SmsWindow], now: float) -> SmsRefusal | None:
        """Why `take` would refuse, as far as is known without judging; counts nothing."""
        ...

    def stopped(self) -> Sequence[tuple[str, float]]:
        """The scopes that are stopped, and since when."""
        ...

    def reopen(self, scope: str, effects: Effects) -> bool:
        """Opens a stopped scope, which starts from nothing again; False, and nothing written, when it was not stopped."""
        ...
