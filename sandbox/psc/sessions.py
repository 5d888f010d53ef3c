"""Single sign-on sessions: 4 h from the authentication, 30 min without use (dossier §2.4), found by the wallet's cookie.

A session that ends takes its tokens with it. All times are seconds of the shared clock.
"""

import secrets
import threading
import uuid
from collections import OrderedDict
from dataclasses import dataclass, field

from sandbox.psc.personas import Persona

SESSION_MAX = 14_400
SESSION_IDLE = 1_800
SESSIONS_KNOWN = 1_000


@dataclass
class PscSession:
    """`id` is what tokens call `sid` and `session_state`; `cookie` never leaves the wallet and its browser."""

    persona: Persona
    auth_mode: str
    auth_time: float
    used_at: float
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    cookie: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    ended: bool = False

    def is_alive(self, now: float) -> bool:
        return not self.ended and now - self.auth_time < SESSION_MAX and now - self.used_at < SESSION_IDLE


class PscSessions:
    def __init__(self) -> None:
        self._sessions: OrderedDict[str, PscSession] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, persona: Persona, auth_mode: str, now: float) -> PscSession:
        session = PscSession(persona, auth_mode, auth_time=now, used_at=now)
        with self._lock:
            self._sessions[session.id] = session
            while len(self._sessions) > SESSIONS_KNOWN:
                self._sessions.popitem(last=False)
        return session

    def of_browser(self, cookie: str | None, now: float) -> PscSession | None:
        with self._lock:
            found = next((one for one in self._sessions.values() if cookie and one.cookie == cookie), None)
        return found if found and found.is_alive(now) else None

    def get(self, session_id: object) -> PscSession | None:
        with self._lock:
            return self._sessions.get(session_id) if isinstance(session_id, str) else None

    def end_all(self) -> None:
        with self._lock:
            for session in self._sessions.values():
                session.ended = True
