"""What may go wrong with a virtual card, planned before it is used (checklist VC-17 to VC-20).

A plan is a value: at which step the card leaves, is reset by another program or is swapped; what it says instead of the
truth; how slow or mute it is. Each planned event happens once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Event
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.card.virtual_card import VirtualCard


class Step(StrEnum):
    """Where in the exchange of §1.5. A step is over when its whole answer was fetched, but for SIGN and FIRST_CHUNK."""

    CONNECT = "connect"
    """The first command after power-on; a card that leaves here never answers it."""
    SELECT = "select"
    READ = "read"
    TRIES = "tries"
    VERIFY = "verify"
    KEY_CHOICE = "mse"
    SIGN = "sign"
    """INTERNAL AUTHENTICATE was answered 61xx: the signature exists, nothing of it was fetched."""
    FIRST_CHUNK = "first chunk"


@dataclass(frozen=True)
class Removed:
    """The card is pulled out."""


@dataclass(frozen=True)
class ResetByAnother:
    """A second handle resets the card."""


@dataclass(frozen=True)
class Swapped:
    """The card is pulled out and this one put in its place."""

    card: "VirtualCard"


Happening = Removed | ResetByAnother | Swapped


def _wait(seconds: float) -> object:
    return Event().wait(seconds)


@dataclass(frozen=True)
class FaultPlan:
    after: Mapping[Step, Happening] = field(default_factory=dict)
    answers: Mapping[Step, bytes] = field(default_factory=dict)
    """Said instead of the true answer, data and status word, each time the step's command comes."""
    every_answer: bytes | None = None
    mute: bool = False
    """No answer to reset."""
    slow: Mapping[Step, float] = field(default_factory=dict)
    every_answer_takes: float = 0
    wait: Callable[[float], object] = _wait
    announced_length: int | None = None
    """The length that the FCP of every file announces."""
    files: Mapping[bytes, bytes] = field(default_factory=dict)
    """Contents by whole path (`3F00…`), instead of the true ones; a new path makes a new file."""
