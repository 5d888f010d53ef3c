"""Listens for the lying provider: on this machine alone unless told otherwise, with TLS when given a certificate."""

import contextlib
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from gateway.cli.lying_provider.provider import Asked, LyingProvider, Told

BODY_LIMIT = 64 * 1024


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    provider: LyingProvider | None = None


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        length = min(int(self.headers.get("content-length") or 0), BODY_LIMIT)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(length).decode("utf-8", "replace")
        provider = self.server.provider
        asked = Asked(self.command, parts.path, parts.query, headers, body)
        told = provider.answer(asked) if provider is not None else Told(503)
        content = told.body.encode()
        self.send_response(told.status)
        for name, value in told.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _answer  # noqa: N815 -- the names that the library looks for

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the library's own name
        """Quiet: what matters is in the attempt."""


@contextlib.contextmanager
def listening(host: str, port: int, certificate: tuple[str, str] | None) -> Iterator[tuple[_Server, int]]:
    """The server and its port (0 takes a free one); it answers once it has a provider. Raises OSError."""
    server = _Server((host, port), _Handler)
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server, int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
