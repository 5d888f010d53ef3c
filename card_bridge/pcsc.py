"""The readers of this workstation through PC/SC: the only file that knows pyscard, and only its thin C layer.

cps-card.md §5.4: pyscard's own monitors die with the service and say nothing, so nothing here outlives a failure. Each wait
opens a context of its own; the state of a reader is asked through one context that is opened again when the service has
restarted, which counts as a change of card. Dispositions are always explicit: a card is left as it is or reset, never by
default. Every refusal carries the PC/SC code, whose meaning `reader_faults` knows.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from smartcard import scard

from card_bridge.ports import CardConnection, KnownReaderState, NoReader, ReaderFault, ReaderState, ServiceStopped

Answer = TypeVar("Answer")
NEW_READERS = "\\\\?PnP?\\Notification"
"""The reader that does not exist: its state changes when the list of readers does."""
SLICE_SECONDS = 0.5
_SERVICE_GONE = frozenset({0x8010001D, 0x8010001E, 0x80100013, 0x80100003})
"""No service, service stopped, communication error, and the handle that a service which is no more had given."""
_NO_READERS = 0x8010002E
_TIMEOUT = 0x8010000A
_REMOVED_CARD = 0x80100069


def _fault(code: int) -> ReaderFault:
    unsigned = code & 0xFFFFFFFF
    return ServiceStopped() if unsigned in _SERVICE_GONE else ReaderFault(unsigned)


def _checked(code: int, *answer: Any) -> Any:
    if code & 0xFFFFFFFF:
        raise _fault(code)
    return answer[0] if len(answer) == 1 else answer


def _new_context() -> int:
    context: int = _checked(*scard.SCardEstablishContext(scard.SCARD_SCOPE_USER))
    return context


@contextmanager
def _context() -> Iterator[int]:
    context = _new_context()
    try:
        yield context
    finally:
        scard.SCardReleaseContext(context)


class PcscReaders:
    """`Readers` over the PC/SC service. Any number of threads; it holds no thread of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept_context: int | None = None
        self._service_life = 0
        self._seen = threading.local()

    def names(self) -> Sequence[str]:
        return self._ask(_names)

    def state(self, name: str) -> ReaderState:
        def ask(context: int) -> KnownReaderState:
            [(_, flags, atr)] = _checked(*scard.SCardGetStatusChange(context, 0, [(name, scard.SCARD_STATE_UNAWARE)]))
            if flags & (scard.SCARD_STATE_UNKNOWN | scard.SCARD_STATE_UNAVAILABLE):
                raise NoReader
            present = bool(flags & scard.SCARD_STATE_PRESENT)
            mute = present and bool(flags & scard.SCARD_STATE_MUTE)
            return KnownReaderState(
                present=present,
                atr=bytes(atr) if present and not mute else b"",
                mute=mute,
                event_count=self._service_life << 16 | flags >> 16 & 0xFFFF,
            )

        return self._ask(ask)

    def wait(self, seconds: float) -> None:
        """A failure is a change too: it returns at once the first time, then waits for the service to come back."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            before: dict[str, int] | None = getattr(self._seen, "states", {})
            try:
                with _context() as context:
                    self._seen.states = _changed(context, before or {}, min(left, SLICE_SECONDS))
            except ReaderFault:
                self._seen.states = None
                if before is None:
                    threading.Event().wait(min(left, SLICE_SECONDS))
            if self._seen.states != before:
                return

    def connect(self, name: str) -> CardConnection:
        context = _new_context()
        try:
            card, protocol = _checked(
                *scard.SCardConnect(
                    context, name, scard.SCARD_SHARE_SHARED, scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
                )
            )
            return PcscConnection(context, card, protocol)
        except ReaderFault:
            scard.SCardReleaseContext(context)
            raise

    def _ask(self, question: Callable[[int], Answer]) -> Answer:
        """Through the kept context; once more through a new one when the service restarted since."""
        with self._lock:
            if self._kept_context is not None:
                try:
                    return question(self._kept_context)
                except ServiceStopped:
                    scard.SCardReleaseContext(self._kept_context)
                    self._kept_context = None
            self._kept_context = _new_context()
            self._service_life += 1
            return question(self._kept_context)


class PcscConnection:
    """`CardConnection`: one shared handle to one card, in a context of its own."""

    def __init__(self, context: int, card: int, protocol: int) -> None:
        self._context, self._card = context, card
        self._header = scard.SCARD_PCI_T0 if protocol == scard.SCARD_PROTOCOL_T0 else scard.SCARD_PCI_T1
        _, _, _, atr = _checked(*scard.SCardStatus(card))
        self._atr = bytes(atr)

    @property
    def atr(self) -> bytes:
        return self._atr

    def transmit(self, command: bytes) -> bytes:
        answer = bytes(_checked(*scard.SCardTransmit(self._card, self._header, list(command))))
        if not answer:
            # No card says nothing: it left under the command, and the reader's driver called that a success.
            raise _fault(_REMOVED_CARD)
        return answer

    def begin(self) -> None:
        _checked(scard.SCardBeginTransaction(self._card))

    def end(self, *, reset: bool) -> None:
        _checked(scard.SCardEndTransaction(self._card, _disposition(reset=reset)))

    def close(self, *, reset: bool) -> None:
        scard.SCardDisconnect(self._card, _disposition(reset=reset))
        scard.SCardReleaseContext(self._context)


def _disposition(*, reset: bool) -> int:
    chosen: int = scard.SCARD_RESET_CARD if reset else scard.SCARD_LEAVE_CARD
    return chosen


def _names(context: int) -> Sequence[str]:
    code, names = scard.SCardListReaders(context, [])
    if code & 0xFFFFFFFF == _NO_READERS:
        return ()
    return tuple(_checked(code, names))


def _changed(context: int, before: dict[str, int], seconds: float) -> dict[str, int]:
    """The states of all the readers, as soon as they differ from `before`, or after `seconds`."""
    names = _names(context)
    watched = [(name, before.get(name, scard.SCARD_STATE_UNAWARE)) for name in [*names, NEW_READERS]]
    code, states = scard.SCardGetStatusChange(context, round(seconds * 1000), watched)
    if code & 0xFFFFFFFF == _TIMEOUT:
        return {name: state for name, state in before.items() if name in {*names, NEW_READERS}}
    _checked(code)
    return {name: flags & ~scard.SCARD_STATE_CHANGED for name, flags, _ in states}
