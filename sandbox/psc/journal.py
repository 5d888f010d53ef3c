"""What the simulator was asked, newest last: how tests see that userinfo was called once, or that nobody called at all.

Kept whole in memory for tests in the same process; the JSON API shows names only where a value is a secret.
"""

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any

REQUESTS_KEPT = 1_000
_SECRET = {"client_secret", "code", "code_verifier", "refresh_token", "token", "id_token_hint"}


@dataclass(frozen=True)
class ReceivedRequest:
    """`place` is the last word of the path: authorize, token, userinfo, certs, logout… or `elsewhere/…` for the traps."""

    place: str
    method: str
    query: dict[str, list[str]]
    form: dict[str, list[str]]
    headers: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        def shown(parameters: dict[str, list[str]]) -> dict[str, list[str]]:
            return {name: ["…"] * len(values) if name in _SECRET else values for name, values in parameters.items()}

        scheme = self.headers.get("Authorization", "").partition(" ")[0]
        return {
            "place": self.place,
            "method": self.method,
            "query": shown(self.query),
            "form": shown(self.form),
            "authorization": scheme or None,
        }


@dataclass
class RequestJournal:
    _requests: deque[ReceivedRequest] = field(default_factory=lambda: deque(maxlen=REQUESTS_KEPT))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, request: ReceivedRequest) -> None:
        with self._lock:
            self._requests.append(request)

    def all(self) -> list[ReceivedRequest]:
        with self._lock:
            return list(self._requests)

    def to(self, place: str) -> list[ReceivedRequest]:
        return [request for request in self.all() if request.place == place]

    def clear(self) -> None:
        with self._lock:
            self._requests.clear()
