"""Readers and connections whose failures have a meaning: PC/SC return codes become `ReaderFault`s (cps-card.md §5.4).

Adapters raise what they like, provided it carries `pcsc_code`; the dialog only sees the kinds of `ports.py`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from card_bridge.ports import (
    CardConnection,
    CardInterrupted,
    CardInUse,
    CardMute,
    CardRemoved,
    NoCard,
    NoReader,
    ProtocolMismatch,
    ReaderFault,
    Readers,
    ReaderState,
    ServiceStopped,
)

_KINDS: dict[int, type[ReaderFault]] = {
    0x8010001D: ServiceStopped,
    0x8010001E: ServiceStopped,
    0x80100013: ServiceStopped,
    0x8010002E: NoReader,
    0x80100009: NoReader,
    0x80100017: NoReader,
    0x8010000C: NoCard,
    0x80100066: CardMute,
    0x80100067: CardMute,
    0x80100069: CardRemoved,
    0x80100016: CardRemoved,
    0x80100068: CardInterrupted,
    0x8010000B: CardInUse,
    0x8010000F: ProtocolMismatch,
}


@contextmanager
def _by_meaning() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        code = getattr(error, "pcsc_code", None)
        if not isinstance(code, int):
            raise
        # PC/SC wrappers disagree on the sign of the same 32 bits.
        code &= 0xFFFFFFFF
        raise _KINDS.get(code, ReaderFault)(code) from error


class MeaningfulConnection:
    def __init__(self, connection: CardConnection) -> None:
        self._connection = connection

    @property
    def atr(self) -> bytes:
        with _by_meaning():
            return bytes(self._connection.atr)

    def transmit(self, command: bytes) -> bytes:
        with _by_meaning():
            return bytes(self._connection.transmit(command))

    def begin(self) -> None:
        with _by_meaning():
            self._connection.begin()

    def end(self, *, reset: bool) -> None:
        with _by_meaning():
            self._connection.end(reset=reset)

    def close(self, *, reset: bool) -> None:
        with suppress(Exception):
            self._connection.close(reset=reset)


class MeaningfulReaders:
    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    def names(self) -> Sequence[str]:
        with _by_meaning():
            return tuple(self._readers.names())

    def state(self, name: str) -> ReaderState:
        with _by_meaning():
            return self._readers.state(name)

    def wait(self, seconds: float) -> None:
        with _by_meaning():
            self._readers.wait(seconds)

    def connect(self, name: str) -> MeaningfulConnection:
        with _by_meaning():
            return MeaningfulConnection(self._readers.connect(name))
