"""At most three windows a minute, whoever asks (BRG-13): a page cannot wear a person down, nor the tries of a card."""

from collections import deque

from card_bridge.ports import Clock
from card_bridge.refusals import BridgeRefusal, Code

DIALOGS = 3
SECONDS = 60.0


class DialogRate:
    """Not thread-safe: its owner holds a lock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._opened: deque[float] = deque()

    def count(self) -> None:
        """One more window; raises BridgeRefusal(RATE_LIMITED)."""
        now = self._clock.now()
        # A clock set back must not lock the bridge for as long as it was ahead.
        self._opened = deque(at for at in self._opened if 0 <= now - at < SECONDS)
        if len(self._opened) >= DIALOGS:
            raise BridgeRefusal(Code.RATE_LIMITED)
        self._opened.append(now)
