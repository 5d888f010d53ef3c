"""A bridge on a free port over virtual readers, a window that plays the person, a page that calls by plain sockets."""

import json
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import card_bridge
from card_bridge.ports import Actions, Demand, View, WindowState
from sandbox.card.cps3 import VirtualCps3
from sandbox.card.igc_sante import LookAlikeIgc
from sandbox.card.reader import VirtualReader, VirtualReaders

ORIGIN = "https://auth.example.fr"
NONCE = "dGhpcy1pcy1hLTMyLWJ5dGUtbm9uY2UtZm9yLXRlc3Q"
PIN = "4973"
SOON = 10.0


@cache
def igc() -> LookAlikeIgc:
    return LookAlikeIgc()


@cache
def certificate(card_number: str = "2900473128", **facts: Any) -> Any:
    return igc().professional(card_number=card_number, **facts)


def card(*certificates: Any, pin: str = PIN, card_number: str = "2900473128", **facts: Any) -> VirtualCps3:
    chosen = certificates or (certificate(card_number), certificate(card_number, usage="signature"))
    return VirtualCps3(chosen, pin=pin, card_number=card_number, **facts)


class HandClock:
    """Moves by hand; starts at the instant of the look-alike hierarchy."""

    def __init__(self) -> None:
        self.instant = igc().now.timestamp()

    def now(self) -> float:
        return self.instant

    def advance(self, seconds: float) -> None:
        self.instant += seconds


class PlayedWindow:
    """Shows nothing and remembers all. `codes` are typed one per code field; without one the field stays empty."""

    def __init__(self) -> None:
        self.opened: list[Demand] = []
        self.views: list[View] = []
        self.codes: list[str] = []
        self.confirms = True
        self.reactions: dict[WindowState, Callable[[Actions], None]] = {}
        self.is_open = False
        self._changed = threading.Condition()
        self._actions: Actions | None = None

    def open(self, demand: Demand, actions: Actions) -> None:
        with self._changed:
            assert not self.is_open, "two windows at once"
            self.is_open = True
            self.opened.append(demand)
            self._actions = actions
            self._changed.notify_all()

    def show(self, view: View) -> None:
        assert self.is_open
        with self._changed:
            self.views.append(view)
            self._changed.notify_all()
        reaction = self.reactions.pop(view.state, None)
        if reaction is not None:
            reaction(self.person)
        if view.state is WindowState.ASK_CODE and self.codes:
            self.person.code(self.codes.pop(0))
        if view.state is WindowState.CONFIRM_LAST_TRY and self.confirms:
            self.person.confirm()

    def close(self) -> None:
        with self._changed:
            self.is_open = False
            self._changed.notify_all()

    @property
    def person(self) -> Actions:
        assert self._actions is not None
        return self._actions

    @property
    def states(self) -> list[WindowState]:
        return [view.state for view in self.views]

    def wait_for(self, state: WindowState, times: int = 1) -> View:
        self._until(lambda: self.states.count(state) >= times)
        return [view for view in self.views if view.state is state][times - 1]

    def wait_closed(self) -> None:
        self._until(lambda: not self.is_open)

    def _until(self, seen: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(seen, SOON), self.views


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        return str(self.json["error"])

    @property
    def has_cors(self) -> bool:
        return any(name.startswith("access-control-") for name in self.headers)


def read_reply(raw: bytes) -> Reply:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Reply(int(first.split(" ")[1]), headers, body)


@dataclass
class Page:
    """A page of `origin`, as a browser would let it speak."""

    port: int
    origin: str | None = ORIGIN
    changes: dict[str, str | None] = field(default_factory=dict)
    """Headers said otherwise; None leaves one out."""

    def request(self, method: str, path: str, body: bytes = b"", **changes: str | None) -> bytes:
        headers: dict[str, str | None] = {"Host": f"127.0.0.1:{self.port}", "Origin": self.origin, "X-CPS-Bridge": "1"}
        if method == "POST":
            headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        headers |= self.changes | {name.replace("_", "-"): value for name, value in changes.items()}
        lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
        return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode("latin-1") + body

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=SOON)

    def say(self, raw: bytes) -> Reply | None:
        """None when the bridge hangs up without a word."""
        with self.connect() as caller:
            try:
                caller.sendall(raw)
                received = b"".join(iter(lambda: caller.recv(65536), b""))
            except ConnectionError:
                return None
        return read_reply(received) if received else None

    def send(self, method: str, path: str, body: bytes = b"", **changes: str | None) -> Reply:
        reply = self.say(self.request(method, path, body, **changes))
        assert reply is not None
        return reply

    def status(self, query: str = "") -> Reply:
        return self.send("GET", f"/v1/status{query}")

    def cancel(self) -> Reply:
        return self.send("POST", "/v1/cancel", b"{}")

    def authenticate(self, **facts: Any) -> Reply:
        return self.send("POST", "/v1/authenticate", message(**facts))

    def begins_to_authenticate(self) -> "Future[Reply]":
        reply: Future[Reply] = Future()

        def call() -> None:
            try:
                reply.set_result(self.authenticate())
            except BaseException as error:
                reply.set_exception(error)

        threading.Thread(target=call, name="page", daemon=True).start()
        return reply


def message(**facts: Any) -> bytes:
    fields = {"protocol": "cps-bridge:1", "nonce": NONCE, "purpose": "login", "lang": "fr"} | facts
    return json.dumps({name: value for name, value in fields.items() if value is not None}).encode()


class Workstation:
    """Readers, window, clock, bridge and an allowed page."""

    def __init__(self, readers: Iterable[VirtualReader] | None = None, **facts: Any) -> None:
        self.reader = VirtualReader("Lecteur A")
        self.readers = VirtualReaders([self.reader] if readers is None else list(readers))
        self.window = PlayedWindow()
        self.clock = HandClock()
        self.log: list[str] = []
        self._threads_before = set(threading.enumerate())
        arguments = {"readers": self.readers, "window": self.window, "allowed_origins": [ORIGIN], "ports": (0,)}
        self.bridge = card_bridge.run(**(arguments | {"clock": self.clock, "log": self.log.append} | facts))
        self.page = Page(self.bridge.port)

    def insert(self, inserted: VirtualCps3) -> VirtualCps3:
        self.reader.insert(inserted)
        return inserted

    def threads(self) -> list[str]:
        """The bridge's own threads, by name."""
        since = set(threading.enumerate()) - self._threads_before
        return sorted(thread.name for thread in since if thread.name.startswith("card-bridge"))

    def stop(self) -> None:
        self.bridge.stop()
