"""What the bridge needs from outside: card readers and a window, described by shape.

Adapters do not import this file to be accepted: a reader of PC/SC (`pcsc.py`), a reader in memory and any window fit when they
have these methods. A failure of a reader is any exception that carries an integer `pcsc_code` (the PC/SC return code, for
example 0x80100069); the bridge reads the code, never the text (cps-card.md §5.4). `ReaderFault` is one ready-made.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        ...


# --- Readers -------------------------------------------------------------------------------------------------------


class ReaderFault(Exception):  # noqa: N818 -- a fact about a reader, not a defect of ours
    """A reader or its card could not do what was asked; `pcsc_code` is the PC/SC return code, as an unsigned number."""

    pcsc_code: int = 0x80100001

    def __init__(self, pcsc_code: int | None = None) -> None:
        if pcsc_code is not None:
            self.pcsc_code = pcsc_code
        super().__init__(f"{self.pcsc_code:08X}")


class ServiceStopped(ReaderFault):
    pcsc_code = 0x8010001D


class NoReader(ReaderFault):
    pcsc_code = 0x8010002E


class NoCard(ReaderFault):
    pcsc_code = 0x8010000C


class CardMute(ReaderFault):
    pcsc_code = 0x80100066


class CardRemoved(ReaderFault):
    pcsc_code = 0x80100069


class CardInterrupted(ReaderFault):
    """Another program reset the card."""

    pcsc_code = 0x80100068


class CardInUse(ReaderFault):
    """Another program holds the card for itself."""

    pcsc_code = 0x8010000B


class ProtocolMismatch(ReaderFault):
    pcsc_code = 0x8010000F


class ReaderState(Protocol):
    """What a reader says of itself now."""

    @property
    def present(self) -> bool: ...

    @property
    def mute(self) -> bool:
        """A card is there and does not answer."""
        ...

    @property
    def atr(self) -> bytes:
        """Empty when there is no card or it is mute."""
        ...

    @property
    def event_count(self) -> int:
        """Counts insertions and removals: unchanged means that the same card never left the reader."""
        ...


@dataclass(frozen=True)
class KnownReaderState:
    """A `ReaderState`, ready-made."""

    present: bool
    atr: bytes = b""
    mute: bool = False
    event_count: int = 0


class CardConnection(Protocol):
    """A shared connection to one card, used by one thread. Every method may raise a fault with a `pcsc_code`."""

    @property
    def atr(self) -> bytes: ...

    def transmit(self, command: bytes) -> bytes:
        """One command APDU; its answer, status word included, as the card gave it (61xx and 6Cxx too)."""
        ...

    def begin(self) -> None:
        """Begins a transaction: other programs wait. May block while another program holds one."""
        ...

    def end(self, *, reset: bool) -> None:
        """Ends the transaction; `reset` resets the card, which forgets that the code porteur was given."""
        ...

    def close(self, *, reset: bool) -> None:
        """Leaves the card, after a reset when asked. Never raises."""
        ...


class Readers(Protocol):
    """All the readers of the workstation. Thread-safe: the monitor and one dialog use it at once."""

    def names(self) -> Sequence[str]:
        """Readers present, in a stable order; empty when there is none. Raises a fault when the service is stopped."""
        ...

    def state(self, name: str) -> ReaderState:
        """The state now, never an earlier one. Raises a fault when the reader is unknown or the service is stopped."""
        ...

    def wait(self, seconds: float) -> None:
        """Returns when a reader or a card came or went since the last call, and at the latest after `seconds`."""
        ...

    def connect(self, name: str) -> CardConnection:
        """Connects without resetting the card, shared, in the protocol (T=0 or T=1) that the card offers."""
        ...


# --- Window --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Demand:
    """Why the window opens. `origin` comes from the browser's own header and was found in the machine's list."""

    origin: str
    purpose: str
    """A word of the protocol: `login`."""
    lang: str
    """`fr` or `en`."""


class WindowState(StrEnum):
    SERVICE_STOPPED = "service_stopped"
    NO_READER = "no_reader"
    NO_CARD = "no_card"
    CARD_MUTE = "card_mute"
    CARD_IN_USE = "card_in_use"
    """Another program holds the card; the bridge waits."""
    CARD_UNSUPPORTED = "card_unsupported"
    """Only cards of another kind are there; the bridge waits while a reader is free for the right one."""
    SEVERAL_CARDS = "several_cards"
    """Two professional cards are inserted: one must be removed."""
    READING = "reading"
    CONFIRM_LAST_TRY = "confirm_last_try"
    """No code field yet: `Actions.confirm` shows it."""
    ASK_CODE = "ask_code"
    """The only state with a code field."""
    SIGNING = "signing"
    # The last view before the window closes:
    PIN_BLOCKED = "pin_blocked"
    CERTIFICATE_UNSUPPORTED = "certificate_unsupported"
    CARD_REMOVED = "card_removed"
    CARD_INTERRUPTED = "card_interrupted"
    DONE = "done"


@dataclass(frozen=True)
class View:
    """All that the window shows besides the demand."""

    state: WindowState
    reader: str = ""
    card_label: str = ""
    holder: str = ""
    """Given name and family name from the certificate."""
    tries_left: int | None = None
    wrong_code: bool = False
    """The code just typed was refused by the card; `tries_left` is the new count."""
    malformed_code: bool = False
    """What was typed is not four digits; it was not sent and no try was spent."""
    interrupted: bool = False
    """Another program disturbed the card: the code must be typed again."""


class Actions(Protocol):
    """What the person does, told to the bridge; callable from any thread, never blocks, ignored when it comes too late."""

    def code(self, digits: str) -> None:
        """The code porteur, once per press of the button."""
        ...

    def confirm(self) -> None:
        """Yes, use the last try."""
        ...

    def cancel(self) -> None:
        """The cancel button, the Escape key, or the window closed."""
        ...


class Window(Protocol):
    """One at a time: open, show any number of times, close. Called from the dialog's thread; never waits for a person."""

    def open(self, demand: Demand, actions: Actions) -> None: ...

    def show(self, view: View) -> None: ...

    def close(self) -> None: ...
