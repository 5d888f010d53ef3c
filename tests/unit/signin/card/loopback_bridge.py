"""A stand-in for the bridge on one loopback port: it speaks §3.6 and signs with the key of a certificate, or fails as told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sandbox.card.holder_certificate import CardCertificate
from tests.unit.signin.card.cards import message


class LoopbackBridge:
    """`error`: the code that `authenticate` answers with; `cleared` holds back status, `answered` holds back authenticate."""

    def __init__(self, card: CardCertificate) -> None:
        self.card = card
        self.error: str | None = None
        self.protocol = "cps-bridge:1"
        self.seen: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.cleared, self.answered = threading.Event(), threading.Event()
        self.cleared.set()
        self.answered.set()
        self.cancelled = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_port

    @contextmanager
    def running(self) -> Iterator["LoopbackBridge"]:
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.cleared.set()
            self.answered.set()
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def authenticate(self, origin: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.bodies.append(body)
        self.answered.wait(20)
        if self.cancelled:
            return 409, {"error": "user_cancelled", "retriable": True}
        if self.error is not None:
            return 409, {"error": self.error, "retriable": True}
        return 200, message(self.card, origin=origin, nonce=body["nonce"])


def _handler(bridge: LoopbackBridge) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_OPTIONS(self) -> None:
            self._answer(204, None)

        def do_GET(self) -> None:
            bridge.seen.append(f"GET {self.path}")
            bridge.cleared.wait(20)
            self._answer(200, {"protocol": bridge.protocol, "version": "1.4.0", "reader": True})

        def do_POST(self) -> None:
            bridge.seen.append(f"POST {self.path}")
            assert self.headers["X-CPS-Bridge"] == "1"
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path == "/v1/cancel":
                bridge.cancelled = True
                self._answer(200, {})
                bridge.answered.set()
            else:
                self._answer(*bridge.authenticate(self.headers["Origin"], body))

        def _answer(self, status: int, members: dict[str, Any] | None) -> None:
            content = b"" if members is None else json.dumps(members).encode()
            self.send_response(status)
            self.send_header("Access-Control-Allow-Origin", self.headers["Origin"] or "null")
            self.send_header("Access-Control-Allow-Headers", "content-type, x-cps-bridge")
            self.send_header("Access-Control-Allow-Methods", "GET, POST")
            self.send_header("Access-Control-Allow-Private-Network", "true")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
