"""T=0 commands and answers (cps-card.md §1.5, §1.8): 61xx is fetched, 6Cxx is repeated once, everything is bounded.

Before each command the owner may stop (`checkpoint`): a cancelled window sends nothing more to the card.
"""

from collections.abc import Callable
from dataclasses import dataclass

from card_bridge.refusals import BridgeRefusal, Code

CHUNK = 0xE7
_MAX_PIECES = 16


@dataclass(frozen=True)
class Answer:
    data: bytes
    status: int


def unsupported(command: bytes, status: int) -> BridgeRefusal:
    """The card is not what its ATR says, or its driver has a defect; the log keeps instruction and status word."""
    return BridgeRefusal(Code.CARD_UNSUPPORTED, f"INS {command[1]:02X} SW {status:04X}")


class Channel:
    def __init__(self, transmit: Callable[[bytes], bytes], checkpoint: Callable[[], None]) -> None:
        self._transmit = transmit
        self._checkpoint = checkpoint

    def send(self, command: bytes) -> Answer:
        """The whole answer and its last status word."""
        answer = self.send_once(command)
        if answer.status >> 8 == 0x6C and not answer.data:
            lengthless = command[:4] if len(command) == 5 else command
            answer = self._exchange(lengthless + bytes([answer.status & 0xFF]))
        data = answer.data
        for _ in range(_MAX_PIECES):
            if answer.status >> 8 != 0x61:
                return Answer(data, answer.status)
            length = min(answer.status & 0xFF or CHUNK, CHUNK)
            answer = self._exchange(bytes([0x00, 0xC0, 0x00, 0x00, length]))
            data += answer.data
        raise unsupported(command, answer.status)

    def send_once(self, command: bytes) -> Answer:
        """Never repeated, whatever the card says: for the code."""
        self._checkpoint()
        return self._exchange(command)

    def _exchange(self, command: bytes) -> Answer:
        answer = self._transmit(command)
        if len(answer) < 2:
            raise unsupported(command, 0)
        return Answer(answer[:-2], int.from_bytes(answer[-2:], "big"))
