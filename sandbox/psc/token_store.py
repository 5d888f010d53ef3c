"""The tokens given, by their text: whose session, for which request, until when. Bounded; the oldest are forgotten."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.psc.authorization import AuthorizationRequest
from sandbox.psc.sessions import PscSession

TOKENS_KNOWN = 4_000


@dataclass(frozen=True)
class GivenToken:
    kind: Literal["access", "refresh"]
    claims: dict[str, Any]
    session: PscSession
    request: AuthorizationRequest

    def is_active(self, now: float) -> bool:
        return now < self.claims["exp"] and self.session.is_alive(now)


class TokenStore:
    def __init__(self) -> None:
        self._tokens: OrderedDict[str, GivenToken] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, text: str, token: GivenToken) -> None:
        with self._lock:
            self._tokens[text] = token
            while len(self._tokens) > TOKENS_KNOWN:
                self._tokens.popitem(last=False)

    def active(self, text: str, now: float) -> GivenToken | None:
        with self._lock:
            token = self._tokens.get(text)
        return token if token and token.is_active(now) else None

    def forget(self, text: str) -> None:
        with self._lock:
            self._tokens.pop(text, None)

    def newest_access(self) -> GivenToken | None:
        with self._lock:
            return next((token for token in reversed(self._tokens.values()) if token.kind == "access"), None)
