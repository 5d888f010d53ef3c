"""After a logout: which applications of the session were told that it ended, and which could not be yet (SES-05, SES-07).

What is shown is read from the queue of calls itself, so it says what is true now. The browser remembers, in a cookie that we
signed, the session's public identifier, its applications and where the person goes on: for a quarter of an hour, then nothing.
"""

import binascii
import hmac
from base64 import urlsafe_b64decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import orjson

from gateway.applications.client import Client
from gateway.applications.ports import Clients
from gateway.clock import Clock
from gateway.journal.effects import Outgoing
from gateway.randomness import base64url
from gateway.signin.ended_session import LOGOUT_CALL
from gateway.signin.session import Session

SIGNED_OUT = "/signed-out"
KEPT_SECONDS = 15 * 60
_FIRST_TRY = 1
"""An item taken once is being tried, or was a moment ago; taken again, its application did not answer."""


class WaitingCalls(Protocol):
    """`gateway.journal.ports.Spool`, as far as this looks."""

    def waiting(self, kind: str, *, limit: int = 1000, **said: str) -> Sequence[tuple[Outgoing, int]]: ...


class Told(StrEnum):
    TOLD = "told"
    WAITING = "waiting"
    LATE = "late"
    """Not reached so far; it is tried again."""
    UNTOLD = "untold"
    """It declares no address to be told at."""


@dataclass(frozen=True, slots=True)
class Farewell:
    """`way_back`: an address checked against the registration of `asked_by`, the application where the person was."""

    sid: str
    clients: tuple[str, ...]
    asked_by: str | None
    way_back: str | None


class Farewells:
    """`mac` is HMAC-SHA-256 under the form key."""

    def __init__(self, *, clients: Clients, spool: WaitingCalls, clock: Clock, mac: Callable[[bytes], bytes]) -> None:
        self._clients, self._spool, self._clock, self._mac = clients, spool, clock, mac

    def of(self, ended: Session | None, asked_by: str | None, way_back: str | None) -> str | None:
        """What the cookie holds; None when no other application took part, so that there is nothing to tell."""
        if ended is None or not set(ended.clients) - {asked_by}:
            return None
        said = [ended.sid, ended.clients, asked_by, way_back, int(self._clock.now()) + KEPT_SECONDS]
        remembered = base64url(orjson.dumps(said))
        return f"{remembered}.{self._signature(remembered)}"

    def read(self, memory: str | None) -> Farewell | None:
        """None when it is not ours, or over."""
        remembered, _, signature = (memory or "").rpartition(".")
        if not remembered or not hmac.compare_digest(signature.encode(), self._signature(remembered).encode()):
            return None
        try:
            said = orjson.loads(urlsafe_b64decode(remembered + "=" * (-len(remembered) % 4)))
        except (binascii.Error, ValueError):
            return None
        sid, clients, asked_by, way_back, until = said
        return Farewell(sid, tuple(clients), asked_by, way_back) if self._clock.now() < until else None

    def told(self, farewell: Farewell) -> Sequence[tuple[Client, Told]]:
        """Each application that still exists, in the order in which they joined, and what is true of it now."""
        waiting = self._spool.waiting(LOGOUT_CALL, sid=farewell.sid)
        tries = {item.payload["client"]: times for item, times in waiting}
        found = (self._clients.find(client_id) for client_id in farewell.clients)
        return [(client, _state(client, tries.get(client.client_id))) for client in found if client is not None]

    def asked_by(self, farewell: Farewell) -> Client | None:
        return self._clients.find(farewell.asked_by) if farewell.asked_by is not None else None

    def _signature(self, remembered: str) -> str:
        return base64url(self._mac(b"farewell\0" + remembered.encode()))


def _state(client: Client, tries: int | None) -> Told:
    if client.backchannel_logout_uri is None:
        return Told.UNTOLD
    if tries is None:
        return Told.TOLD
    return Told.WAITING if tries <= _FIRST_TRY else Told.LATE
