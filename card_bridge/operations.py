"""The three operations (BRG-05): status, authenticate, cancel; whatever brings the messages (http now, another way later).

One dialog at a time, three a minute. A page that gave up leaves room for the next one as soon as its window is closed.
Status tells that a reader exists and, to the origin whose card was used, how many times that card left; nothing else (BRG-16).
"""

import base64
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from card_bridge.authentication_request import AuthenticationRequest, read_authentication_request, read_cancellation
from card_bridge.card_choice import CardInReader, is_still_there
from card_bridge.card_session import SignedByCard
from card_bridge.dialog import SECONDS, Dialog
from card_bridge.dialog_rate import DialogRate
from card_bridge.local_log import LocalLog
from card_bridge.person import Person
from card_bridge.ports import Clock, Demand, Readers, Window
from card_bridge.reader_faults import MeaningfulReaders
from card_bridge.reader_monitor import Picture, ReaderMonitor
from card_bridge.refusals import BridgeRefusal, Code
from card_bridge.version import PROTOCOL, VERSION

Answer = tuple[int, bytes]
"""HTTP status and JSON."""
_ROOM = 2.0
"""Seconds that a closing window has to leave room for the next."""


@dataclass
class Running:
    """A dialog under way. `abandon`: its page is gone."""

    origin: str
    person: Person
    over: threading.Event = field(default_factory=threading.Event)
    """Its window is closed and its card released."""

    def abandon(self) -> None:
        self.person.end(Code.USER_CANCELLED)


class Operations:
    def __init__(
        self, *, readers: Readers, monitor: ReaderMonitor, window: Window, clock: Clock, log: LocalLog
    ) -> None:
        self._readers = MeaningfulReaders(readers)
        self._monitor = monitor
        self._window = window
        self._clock = clock
        self._log = log
        self._lock = threading.Lock()
        self._rate = DialogRate(clock)
        self._running: Running | None = None
        self._followed: dict[str, CardInReader] = {}
        self._removals: dict[str, int] = {}
        self.on_removal: Callable[[], None] = lambda: None
        monitor.listen(self._count_removals)

    # Status.

    def status(self, origin: str, *, with_removals: bool) -> Answer:
        facts: dict[str, object] = {
            "protocol": PROTOCOL,
            "version": VERSION,
            "reader": bool(self._monitor.picture.readers),
        }
        if with_removals:
            facts["removals"] = self.removals(origin)
        return 200, json.dumps(facts).encode("ascii")

    def removals(self, origin: str) -> int:
        """How many times a card left its reader after this origin authenticated with it."""
        with self._lock:
            return self._removals.get(origin, 0)

    def _count_removals(self, picture: Picture) -> None:
        if not picture.service:
            return
        with self._lock:
            gone = [origin for origin, card in self._followed.items() if not is_still_there(card, picture)]
            for origin in gone:
                del self._followed[origin]
                self._removals[origin] = self._removals.get(origin, 0) + 1
        if gone:
            self.on_removal()

    # Authenticate and cancel.

    def authenticate(self, origin: str, body: bytes, answered: Callable[[Answer], None]) -> Running:
        """`answered` is called once, from another thread. Raises BridgeRefusal before any window."""
        request = read_authentication_request(body)
        with self._lock:
            before = self._running
            if before is not None and not before.over.is_set() and not before.person.has_ended:
                raise BridgeRefusal(Code.BUSY)
            self._rate.count()
            running = Running(origin, Person(self._clock, self._clock.now() + SECONDS))
            self._running = running
        arguments = (running, request, before, answered)
        threading.Thread(target=self._run, args=arguments, name="card-bridge-dialog", daemon=True).start()
        return running

    def cancel(self, origin: str, body: bytes) -> Answer:
        """Closes the window of this origin's page; says nothing of another's."""
        read_cancellation(body)
        with self._lock:
            if self._running is not None and self._running.origin == origin:
                self._running.abandon()
        return 200, b"{}"

    def stop(self) -> None:
        with self._lock:
            running = self._running
        if running is not None:
            running.abandon()
            running.over.wait(_ROOM)

    def _run(
        self,
        running: Running,
        request: AuthenticationRequest,
        before: Running | None,
        answered: Callable[[Answer], None],
    ) -> None:
        try:
            self._wait_for_room(running, before)
            signed = self._dialog(running, request).run()
            self._log.event("authenticate", "done")
            answer = 200, _assertion(signed)
            with self._lock:
                self._followed[running.origin] = signed.card
            self._count_removals(self._monitor.picture)
        except BridgeRefusal as refusal:
            self._log.refusal("authenticate", refusal)
            answer = refusal.status, refusal.body()
        except Exception as error:
            self._log.defect("authenticate", error)
            internal = BridgeRefusal(Code.INTERNAL)
            answer = internal.status, internal.body()
        running.over.set()
        answered(answer)

    def _wait_for_room(self, running: Running, before: Running | None) -> None:
        if before is not None and not before.over.wait(_ROOM):
            # A window or a reader that does not let go: still the one dialog there is.
            with self._lock:
                if self._running is running:
                    self._running = before
            raise BridgeRefusal(Code.BUSY)

    def _dialog(self, running: Running, request: AuthenticationRequest) -> Dialog:
        return Dialog(
            Demand(running.origin, request.purpose, request.lang),
            request.nonce,
            person=running.person,
            window=self._window,
            readers=self._readers,
            monitor=self._monitor,
            clock=self._clock,
        )


def _assertion(signed: SignedByCard) -> bytes:
    return json.dumps(
        {
            "format": PROTOCOL,
            "certificate": base64.b64encode(signed.certificate).decode("ascii"),
            "algorithm": "RS256",
            "signature": base64.urlsafe_b64encode(signed.signature).rstrip(b"=").decode("ascii"),
            "card": {"family": signed.family, "interface": signed.interface},
            "bridge_version": VERSION,
        }
    ).encode("ascii")
