"""A site that nobody allowed: an empty page on another loopback address, whose scripts are the test's own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = b"<!doctype html><html lang=fr><title>Un autre site</title><body>Un autre site</body></html>"


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def attacker_site() -> Iterator[str]:
    """Its address, until the block ends."""
    with ThreadingHTTPServer(("127.0.0.2", 0), _Page) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.2:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
