"""Logins under way on the wallet: one authorization request, one browser, until a session or a refusal answers it.

Found by the handle in the address and the browser's own cookie together. A login waits half an hour at most.
"""

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from sandbox.psc.authorization import AuthorizationRequest
from sandbox.psc.personas import Persona
from sandbox.psc.sessions import PscSession

LOGIN_LASTS = 1_800
LOGINS_KNOWN = 500


@dataclass
class Login:
    """`approval_id` is what waits on the phone; `session` is set once the person is authenticated."""

    request: AuthorizationRequest
    browser: str
    begun_at: float
    handle: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    number: str = ""
    approval_id: str | None = None
    waiting_for: Persona | None = None
    session: PscSession | None = None
    cancelled: bool = False
    answered: bool = False


class Logins:
    def __init__(self) -> None:
        self._logins: OrderedDict[str, Login] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, request: AuthorizationRequest, browser: str, now: float) -> Login:
        login = Login(request, browser, now)
        with self._lock:
            self._logins[login.handle] = login
            while len(self._logins) > LOGINS_KNOWN:
                self._logins.popitem(last=False)
        return login

    def find(self, handle: str, browser: str | None, now: float) -> Login | None:
        with self._lock:
            login = self._logins.get(handle)
        if login is None or login.answered or login.browser != browser or now - login.begun_at >= LOGIN_LASTS:
            return None
        return login

    def take_answer(self, login: Login) -> bool:
        """True once: two tabs that wait for one login do not both bring its answer."""
        with self._lock:
            first, login.answered = not login.answered, True
        return first
