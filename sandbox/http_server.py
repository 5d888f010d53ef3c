"""One site on one loopback address: a waitress server in its own thread, and the headers every site sends.

A site answers only when it is called by a loopback name (a page elsewhere that rebinds its own name to 127.0.0.x
gets nothing), and refuses a form posted from another site.
"""

import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, request
from waitress import wasyncore
from waitress.server import create_server

from sandbox.loopback import LoopbackAddress, is_loopback_host


class HttpServer:
    """Bound at construction, so that its port is known; answers between `start` and `stop`."""

    def __init__(self, address: LoopbackAddress, name: str) -> None:
        self._sockets: dict[int, Any] = {}
        self._application: Callable[..., Any] | None = None
        self._server = create_server(
            self._call, map=self._sockets, host=address.host, port=address.port, threads=6, ident=None
        )
        self.address = LoopbackAddress(address.host, int(self._server.effective_port))
        self.url = f"http://{self.address}"
        self._thread = threading.Thread(target=self._server.run, name=f"sandbox-{name}", daemon=True)

    def start(self, application: Flask) -> None:
        self._application = application.wsgi_app
        self._thread.start()

    def stop(self) -> None:
        if self._thread.is_alive():
            # Closing from within its own loop: a socket closed under a running select is an error.
            self._server.trigger.pull_trigger(self._close)
            self._thread.join(timeout=10)
        else:
            self._close()

    def _close(self) -> None:
        self._server.task_dispatcher.shutdown(timeout=2)
        wasyncore.close_all(self._sockets, ignore_all=True)

    def _call(self, environ: Any, start_response: Any) -> Any:
        assert self._application is not None, "waitress answers only after start"
        return self._application(environ, start_response)


def harden(site: Flask, *, form_targets: tuple[str, ...] = (), scripts: tuple[str, ...] = ()) -> None:
    """Loopback host and same-site forms only; no script (but those named), style or picture from elsewhere."""
    targets = " ".join(("'self'", *form_targets))
    own_and_named = ("'self'", *scripts)
    policy = (
        f"default-src 'none'; style-src 'self'; script-src {' '.join(own_and_named)}; img-src 'self'; connect-src 'self'; "
        f"form-action {targets}; frame-ancestors 'none'; base-uri 'none'"
    )

    @site.before_request
    def refuse_strange_callers() -> None:
        if not is_loopback_host(urlsplit(f"//{request.host}").hostname or ""):
            abort(421)
        origin = request.headers.get("Origin")
        if request.method not in ("GET", "HEAD") and origin not in (None, f"http://{request.host}"):
            abort(403)

    @site.after_request
    def say_what_may_load(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = policy
        response.headers["X-Content-Type-Options"] = "nosniff"
        # Not no-referrer: a browser would then post our own forms with "Origin: null".
        response.headers["Referrer-Policy"] = "same-origin"
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
        return response
