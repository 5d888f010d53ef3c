"""How the simulator behaves at this moment: honest or lying in one thing, plain or odd in one thing, at which level.

Changed by tests while it runs; read once at each use. Slow answers wait here, and end when the conduct changes.
"""

import threading
from typing import Literal

from sandbox.psc.lies import Lie
from sandbox.psc.quirks import Quirk

KeycloakShape = Literal["legacy", "modern"]
"""Before and after Keycloak 25 (dossier §8): `session_state` and `nonce` in every token, or `iss` in the callback."""
SLOW_FOR_SECONDS = 30.0


class Conduct:
    def __init__(
        self,
        *,
        lie: Lie | None = None,
        quirk: Quirk | None = None,
        acr: str = "eidas3",
        keycloak: KeycloakShape = "modern",
    ) -> None:
        self._lie, self._quirk = lie, quirk
        self.acr = acr
        self.keycloak = keycloak
        self._first_day = (acr, keycloak)
        self._changed = threading.Event()

    def be_honest(self) -> None:
        """No lie, no quirk, and the level and shape that it was started with."""
        self.lie = self.quirk = None
        self.acr, self.keycloak = self._first_day

    @property
    def lie(self) -> Lie | None:
        return self._lie

    @lie.setter
    def lie(self, lie: Lie | str | None) -> None:
        """ValueError on a name that is no lie."""
        self._lie = None if lie is None else Lie(lie)
        self.release()

    @property
    def quirk(self) -> Quirk | None:
        return self._quirk

    @quirk.setter
    def quirk(self, quirk: Quirk | str | None) -> None:
        self._quirk = None if quirk is None else Quirk(quirk)

    @property
    def is_modern(self) -> bool:
        return self.keycloak == "modern"

    def until_changed(self) -> threading.Event:
        """What a slow answer waits on."""
        return self._changed

    def release(self) -> None:
        """Ends every slow answer under way."""
        waiting, self._changed = self._changed, threading.Event()
        waiting.set()
