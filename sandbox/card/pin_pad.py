"""The bridge's window, played by « Le monde autour »: what it shows now, and what the person presses.

Fits `card_bridge.ports.Window` by its shape. It keeps no digit: a code goes straight to who asked for it.
"""

import threading
from typing import Any, Protocol


class Actions(Protocol):
    def code(self, digits: str) -> None: ...

    def confirm(self) -> None: ...

    def cancel(self) -> None: ...


class PinPad:
    """Thread-safe. `demand` and `view` are None while nothing is asked; `version` moves with every change. The last view stays
    readable after the window closed, so that a person sees how it ended."""

    def __init__(self) -> None:
        self._changed = threading.Lock()
        self._actions: Actions | None = None
        self.demand: Any = None
        self.view: Any = None
        self.version = 0

    @property
    def is_open(self) -> bool:
        return self._actions is not None

    # From the bridge.

    def open(self, demand: Any, actions: Actions) -> None:
        with self._changed:
            self.demand, self.view, self._actions = demand, None, actions
            self.version += 1

    def show(self, view: Any) -> None:
        with self._changed:
            self.view = view
            self.version += 1

    def close(self) -> None:
        with self._changed:
            self._actions = None
            self.version += 1

    # From the person. False when nobody asks any more.

    def type_code(self, digits: str) -> bool:
        return self._told(lambda actions: actions.code(digits))

    def confirm(self) -> bool:
        return self._told(lambda actions: actions.confirm())

    def cancel(self) -> bool:
        return self._told(lambda actions: actions.cancel())

    def _told(self, tell: Any) -> bool:
        actions = self._actions
        if actions is None:
            return False
        tell(actions)
        return True
