"""Puts a virtual card into a reader of vpcd, the virtual reader of PC/SC: we are its TCP client (card dossier §5.2).

Frames are two bytes of length and the payload. One byte of payload is a control: power off, power on, reset, or the only one
that is answered, the answer to reset. Closing the socket pulls the card out.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

from sandbox.card.faults import Removed, Swapped
from sandbox.card.virtual_card import CardLeft, VirtualCard

_QUICK_ACK: int | None = getattr(socket, "TCP_QUICKACK", None)
"""The reader writes the length and the payload apart, and waits for our acknowledgement between them: 40 ms saved each time."""
POWER_OFF, POWER_ON, RESET, ANSWER_TO_RESET = b"\x00", b"\x01", b"\x02", b"\x04"

_NO_READABLE_ANSWER = bytes(40)
"""How a mute card is played: vpcd takes an empty answer for an absent card, and one longer than any ATR for a failure."""


class VpcdClient:
    """One card in one reader, served by a thread until `pull`, a planned removal, or the reader's end."""

    def __init__(self, card: VirtualCard, connect: Callable[[], socket.socket]) -> None:
        """`connect` gives a connected socket; asked again when the card is swapped."""
        self.card = card
        self._connect = connect
        self._pulled = threading.Event()
        self._socket = connect()
        self._thread = threading.Thread(target=self._serve, name=f"vpcd {card!r}", daemon=True)
        self._thread.start()

    def pull(self) -> None:
        """Out of the reader; returns once the card is silent."""
        self._pulled.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    @property
    def inserted(self) -> bool:
        return self._thread.is_alive()

    def _serve(self) -> None:
        while True:
            with self._socket:
                next_card = self._one_card()
            self.card.power_off()
            if next_card is None or self._pulled.is_set():
                return
            self.card = next_card
            try:
                self._socket = self._connect()
            except OSError:
                return

    def _one_card(self) -> VirtualCard | None:
        """Serves this card until it leaves; the card that takes its place, or None."""
        try:
            while True:
                request = self._receive()
                answer = self._reply(request)
                if answer is not None:
                    self._socket.sendall(len(answer).to_bytes(2) + answer)
                happening = self.card.happening()
                if isinstance(happening, Swapped):
                    return happening.card
                if isinstance(happening, Removed):
                    return None
        except CardLeft:
            happening = self.card.happening()
            return happening.card if isinstance(happening, Swapped) else None
        except (OSError, EOFError):
            return None

    def _reply(self, request: bytes) -> bytes | None:
        if request == ANSWER_TO_RESET:
            return self.card.atr or _NO_READABLE_ANSWER
        if request == POWER_ON:
            self.card.power_on()
        elif request == POWER_OFF:
            self.card.power_off()
        elif request == RESET:
            self.card.reset()
        elif len(request) > 1:
            return self.card.transmit(request)
        return None

    def _receive(self) -> bytes:
        return self._exactly(int.from_bytes(self._exactly(2)))

    def _exactly(self, count: int) -> bytes:
        received = b""
        while len(received) < count:
            if _QUICK_ACK is not None and self._socket.family == socket.AF_INET:
                self._socket.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)
            part = self._socket.recv(count - len(received))
            if not part:
                raise EOFError
            received += part
        return received


@contextlib.contextmanager
def plugged_into_vpcd(card: VirtualCard, port: int, host: str = "127.0.0.1") -> Iterator[VpcdClient]:
    """The card is in that reader until the block ends."""
    client = VpcdClient(card, lambda: socket.create_connection((host, port)))
    try:
        yield client
    finally:
        client.pull()
