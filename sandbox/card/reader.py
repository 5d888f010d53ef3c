"""Card readers in memory, for the demo and for tests without PC/SC: the same conduct as PC/SC, and its return codes.

Shared connections, transactions that make others wait, resets that other connections notice, a counter of insertions and
removals (card dossier §5.4). A failure is a `VirtualReaderFault` whose `pcsc_code` is what PC/SC would have returned.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sandbox.card.faults import Happening, Removed, ResetByAnother, Swapped
from sandbox.card.virtual_card import CardLeft, VirtualCard

UNKNOWN_READER = 0x80100009
SHARING_VIOLATION = 0x8010000B
NO_SMARTCARD = 0x8010000C
NOT_TRANSACTED = 0x80100016
NO_SERVICE = 0x8010001D
UNRESPONSIVE_CARD = 0x80100066
RESET_CARD = 0x80100068
REMOVED_CARD = 0x80100069


class VirtualReaderFault(Exception):  # noqa: N818 -- a fact about a reader, not a defect
    def __init__(self, pcsc_code: int) -> None:
        self.pcsc_code = pcsc_code
        super().__init__(f"{pcsc_code:08X}")


@dataclass(frozen=True)
class VirtualReaderState:
    present: bool
    atr: bytes
    mute: bool
    event_count: int


class VirtualReader:
    """One slot. Thread-safe; `event_count` grows by one at each insertion and at each removal."""

    def __init__(self, name: str = "Lecteur virtuel") -> None:
        self.name = name
        self.exclusive = False
        """Another program holds the card for itself alone."""
        self.changed = threading.Condition()
        self.watcher: Callable[[], None] | None = None
        """Called, under `changed`, after each insertion and removal."""
        self.resets = 0
        self.holder: VirtualConnection | None = None
        """Who holds the transaction."""
        self._card: VirtualCard | None = None
        self._event_count = 0

    @property
    def card(self) -> VirtualCard | None:
        return self._card

    @property
    def event_count(self) -> int:
        return self._event_count

    def insert(self, card: VirtualCard) -> None:
        """Pulls out first the card that is there, if any."""
        with self.changed:
            self.remove()
            card.power_on()
            self._card = card
            self._has_changed()

    def remove(self) -> None:
        with self.changed:
            if self._card is not None:
                self._card.power_off()
                self._card = self.holder = None
                self._has_changed()

    def reset_by_another(self) -> None:
        """Another program resets the card: every connection must be made again."""
        with self.changed:
            if self._card is not None:
                self._card.reset()
            self.note_reset()

    def note_reset(self) -> None:
        with self.changed:
            self.resets += 1
            self.holder = None
            self.changed.notify_all()

    def state(self) -> VirtualReaderState:
        with self.changed:
            atr = self._card.atr if self._card else b""
            return VirtualReaderState(
                self._card is not None, atr, self._card is not None and not atr, self._event_count
            )

    def connect(self) -> "VirtualConnection":
        with self.changed:
            if self._card is None:
                raise VirtualReaderFault(NO_SMARTCARD)
            if not self._card.atr:
                raise VirtualReaderFault(UNRESPONSIVE_CARD)
            if self.exclusive:
                raise VirtualReaderFault(SHARING_VIOLATION)
            return VirtualConnection(self, self._card)

    def carry_out(self, happening: Happening | None) -> None:
        """What a fault plan decided."""
        if isinstance(happening, Removed):
            self.remove()
        elif isinstance(happening, Swapped):
            self.insert(happening.card)
        elif isinstance(happening, ResetByAnother):
            self.note_reset()

    def _has_changed(self) -> None:
        self._event_count += 1
        self.changed.notify_all()
        if self.watcher is not None:
            self.watcher()


class VirtualConnection:
    """A shared connection; of use until the card leaves or somebody else resets it."""

    def __init__(self, reader: VirtualReader, card: VirtualCard) -> None:
        self._reader = reader
        self._card = card
        self._event_count = reader.event_count
        self._resets = reader.resets

    @property
    def atr(self) -> bytes:
        return self._card.atr

    def transmit(self, command: bytes) -> bytes:
        """One command APDU; its answer as the card gave it, status word included."""
        with self._reader.changed:
            self._wait_for_my_turn()
        try:
            answer = self._card.transmit(command)
        except CardLeft:
            self._reader.carry_out(self._card.happening())
            raise VirtualReaderFault(REMOVED_CARD) from None
        left_meanwhile = self._has_left()
        self._reader.carry_out(self._card.happening())
        if left_meanwhile:
            raise VirtualReaderFault(REMOVED_CARD)
        return answer

    def begin(self) -> None:
        """Begins a transaction, once nobody else holds one."""
        with self._reader.changed:
            self._wait_for_my_turn()
            self._reader.holder = self

    def end(self, *, reset: bool) -> None:
        with self._reader.changed:
            self._check()
            if self._reader.holder is not self:
                raise VirtualReaderFault(NOT_TRANSACTED)
            self._release(reset=reset)

    def close(self, *, reset: bool) -> None:
        """Never raises."""
        with self._reader.changed:
            if not self._has_left():
                self._release(reset=reset)

    def _release(self, *, reset: bool) -> None:
        if reset:
            self._card.reset()
            self._reader.note_reset()
            self._resets = self._reader.resets
        if self._reader.holder is self:
            self._reader.holder = None
            self._reader.changed.notify_all()

    def _wait_for_my_turn(self) -> None:
        self._check()
        while self._reader.holder not in (None, self):
            self._reader.changed.wait()
            self._check()

    def _check(self) -> None:
        if self._has_left():
            raise VirtualReaderFault(REMOVED_CARD)
        if self._reader.resets != self._resets:
            raise VirtualReaderFault(RESET_CARD)

    def _has_left(self) -> bool:
        return self._reader.event_count != self._event_count


class VirtualReaders:
    """All the readers of a workstation; `stopped` plays a PC/SC service that is not there."""

    def __init__(self, readers: Sequence[VirtualReader] = ()) -> None:
        self._readers: dict[str, VirtualReader] = {}
        self._stopped = False
        self._changed = threading.Condition()
        self._changes = 0
        self._seen = threading.local()
        for reader in readers:
            self.plug(reader)

    @property
    def stopped(self) -> bool:
        return self._stopped

    @stopped.setter
    def stopped(self, stopped: bool) -> None:
        self._stopped = stopped
        self._notice()

    def plug(self, reader: VirtualReader) -> None:
        self._readers[reader.name] = reader
        reader.watcher = self._notice
        self._notice()

    def unplug(self, name: str) -> None:
        """With the card in it."""
        reader = self._readers.pop(name)
        reader.watcher = None
        reader.remove()
        self._notice()

    def names(self) -> Sequence[str]:
        self._check_service()
        return list(self._readers)

    def state(self, name: str) -> VirtualReaderState:
        return self._reader(name).state()

    def connect(self, name: str) -> VirtualConnection:
        return self._reader(name).connect()

    def wait(self, seconds: float) -> None:
        """Until a reader or a card comes or goes, at most so long; what changed since this thread's last call counts."""
        with self._changed:
            self._changed.wait_for(lambda: self._changes != getattr(self._seen, "changes", None), seconds)
            self._seen.changes = self._changes

    def _reader(self, name: str) -> VirtualReader:
        self._check_service()
        reader = self._readers.get(name)
        if reader is None:
            raise VirtualReaderFault(UNKNOWN_READER)
        return reader

    def _check_service(self) -> None:
        if self._stopped:
            raise VirtualReaderFault(NO_SERVICE)

    def _notice(self) -> None:
        with self._changed:
            self._changes += 1
            self._changed.notify_all()
