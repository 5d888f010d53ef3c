"""What the person does in the window, and what ends the dialog: one inbox, filled from any thread, read by the dialog's.

A code counts only while the code is asked, and once: what is typed or pressed before or twice is forgotten. Waiting ends at
once when the page or the person gives up, and at the deadline.
"""

import threading
from collections.abc import Callable
from typing import TypeVar

from card_bridge.ports import Clock, WindowState
from card_bridge.refusals import BridgeRefusal, Code

T = TypeVar("T")
_TICK = 0.25


class Person:
    """Implements `Actions`. `checkpoint` raises as soon as the dialog must end."""

    def __init__(self, clock: Clock, deadline: float) -> None:
        self._clock = clock
        self._deadline = deadline
        self._changed = threading.Condition()
        self._changes = 0
        self._asked: WindowState | None = None
        self._code: bytearray | None = None
        self._confirmed = False
        self._ended: BridgeRefusal | None = None

    # Actions, from the window.

    def code(self, digits: str) -> None:
        with self._changed:
            if self._asked is WindowState.ASK_CODE:
                self._asked = None
                # Anything that cannot be a code is cut: it will be refused for its length.
                self._code = bytearray(digits[:16].encode("utf-8", "replace"))
                self._wake()

    def confirm(self) -> None:
        with self._changed:
            if self._asked is WindowState.CONFIRM_LAST_TRY:
                self._asked = None
                self._confirmed = True
                self._wake()

    def cancel(self) -> None:
        self.end(Code.USER_CANCELLED)

    # From the page and from the readers.

    def end(self, code: Code) -> None:
        with self._changed:
            self._ended = self._ended or BridgeRefusal(code)
            self._wake()

    def something_changed(self) -> None:
        with self._changed:
            self._wake()

    @property
    def has_ended(self) -> bool:
        return self._ended is not None

    # For the dialog.

    def checkpoint(self) -> None:
        """Raises the BridgeRefusal that ends the dialog: cancelled, page gone, or USER_TIMEOUT."""
        if self._ended is not None:
            raise self._ended
        if self._clock.now() >= self._deadline:
            raise BridgeRefusal(Code.USER_TIMEOUT)

    def ask(self, what: WindowState) -> None:
        """From now on the next code (or the next confirmation) counts; call it before showing the field."""
        with self._changed:
            self._asked, self._confirmed = what, False
            self._wipe()

    def answer_code(self) -> bytearray | None:
        with self._changed:
            code, self._code = self._code, None
            return code

    def answer_confirmation(self) -> bool | None:
        return self._confirmed or None

    def wait_for(self, found: Callable[[], T | None]) -> T:
        """What `found` gives, asked again at each change. Never called, nor `found`, with the lock held."""
        while True:
            with self._changed:
                seen = self._changes
            self.checkpoint()
            result = found()
            if result is not None:
                return result
            self.wait_for_change(since=seen)

    def wait_for_change(self, since: int | None = None) -> None:
        with self._changed:
            if since is None or self._changes == since:
                self._changed.wait(_TICK)

    def forget(self) -> None:
        with self._changed:
            self._asked = None
            self._wipe()

    def _wipe(self) -> None:
        if self._code is not None:
            wipe(self._code)
        self._code = None

    def _wake(self) -> None:
        self._changes += 1
        self._changed.notify_all()


def wipe(code: bytearray) -> None:
    """Best effort: the interpreter may hold other copies."""
    code[:] = bytes(len(code))
