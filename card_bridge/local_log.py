"""The bridge's local log (BRG-22): instant, version, operation, result code. No certificate, code, nonce, origin or signature.

A line cannot hold anything that was received: it is made of words of this program. Of a defect it keeps the kind and the
place, never the message. Refusals at the door are written once a minute per code, so that a flood does not fill the disk.
"""

import threading
import traceback
from collections.abc import Callable
from pathlib import Path

from card_bridge.clock import instant
from card_bridge.ports import Clock
from card_bridge.refusals import BridgeRefusal
from card_bridge.version import VERSION


class LocalLog:
    def __init__(self, write: Callable[[str], None], clock: Clock) -> None:
        self._write = write
        self._clock = clock
        self._lock = threading.Lock()
        self._last: dict[str, float] = {}
        self._silent: dict[str, int] = {}

    def event(self, operation: str, result: str) -> None:
        self._write(f"{instant(self._clock.now())} passerelle-bridge/{VERSION} {operation} {result}")

    def refusal(self, operation: str, refusal: BridgeRefusal) -> None:
        self.event(operation, f"{refusal.code} {refusal.detail}".rstrip())

    def door(self, refusal: BridgeRefusal) -> None:
        """A request refused before it reached an operation."""
        now = self._clock.now()
        with self._lock:
            if 0 <= now - self._last.get(refusal.code, float("-inf")) < 60:
                self._silent[refusal.code] = self._silent.get(refusal.code, 0) + 1
                return
            self._last[refusal.code] = now
            silent = self._silent.pop(refusal.code, 0)
        self.event("door", f"{refusal.code} {refusal.detail}".rstrip() + (f" (+{silent} before)" if silent else ""))

    def defect(self, operation: str, error: BaseException) -> None:
        frames = traceback.extract_tb(error.__traceback__)[-3:]
        places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
        self.event(operation, f"internal {type(error).__name__} at {places}")
