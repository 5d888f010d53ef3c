"""The entrance: one ASGI application, two doors (DECISIONS 17, decision record 0001).

Machine endpoints are coroutines on the event loop, found in one table by exact path; everything else is the people's door, a
WSGI application in a bounded pool of threads. An endpoint that fails answers a JSON error with an incident number; what failed
is in the log only.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from wsgiref.types import WSGIApplication

from a2wsgi import WSGIMiddleware

from gateway.randomness import Randomness, base64url
from gateway.web.machine_door import BODY_LIMIT, MachineEndpoint, MachineRequest, MachineResponse

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PAGE_THREADS = 16
_log = logging.getLogger("passerelle.door")

MACHINE_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
}
"""On every machine answer; an endpoint may override one (CORS, caching)."""


class _BodyTooLargeError(Exception):
    pass


class _PeerGoneError(Exception):
    pass


class Application:
    """`machine` maps a path to its methods; `unavailable` are the exceptions that mean a store does not answer; `on_start`
    and `on_stop` run inside the event loop that serves."""

    def __init__(
        self,
        *,
        machine: Mapping[str, Mapping[str, MachineEndpoint]],
        pages: WSGIApplication,
        randomness: Randomness,
        hsts: bool,
        unavailable: tuple[type[Exception], ...] = (),
        on_start: Callable[[], Awaitable[None]] | None = None,
        on_stop: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._machine = machine
        self._randomness = randomness
        self._unavailable: tuple[type[Exception], ...] = (ConnectionError, TimeoutError, *unavailable)
        self._on_start, self._on_stop = on_start, on_stop
        self._threads = ThreadPoolExecutor(PAGE_THREADS, thread_name_prefix="page")
        self._pages = WSGIMiddleware(pages, workers=PAGE_THREADS)  # type: ignore[arg-type]
        self._headers = dict(MACHINE_HEADERS)
        if hsts:
            self._headers["strict-transport-security"] = "max-age=63072000; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            methods = self._machine.get(scope["path"])
            if methods is None:
                await self._pages(scope, receive, send)  # type: ignore[arg-type]
            else:
                await self._answer(methods, scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    async def _answer(self, methods: Mapping[str, MachineEndpoint], scope: Scope, receive: Receive, send: Send) -> None:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        endpoint = methods.get(method)
        incident = base64url(self._randomness(9))
        if endpoint is None:
            response = MachineResponse(405, headers={"allow": ", ".join(sorted(methods)), "cache-control": "no-store"})
        else:
            try:
                headers = _single_headers(scope["headers"])
                body = await _body(receive)
            except _BodyTooLargeError:
                response = _error(413, "invalid_request", incident)
            except _PeerGoneError:
                return
            except ValueError:
                response = _error(400, "invalid_request", incident)
            else:
                peer = scope["client"][0] if scope.get("client") else ""
                request = MachineRequest(
                    method=method,
                    path=scope["path"],
                    query=scope["query_string"],
                    headers=headers,
                    body=body,
                    peer=peer,
                    request_id=incident,
                )
                response = await self._guarded(endpoint, request)
        await self._send(response, send, with_body=scope["method"] != "HEAD")

    async def _guarded(self, endpoint: MachineEndpoint, request: MachineRequest) -> MachineResponse:
        try:
            return await endpoint(request)
        except self._unavailable as error:
            _log.error("store unavailable: %s, incident %s", type(error).__name__, request.request_id)
            return _error(503, "temporarily_unavailable", request.request_id)
        except Exception:
            _log.exception("incident %s at %s", request.request_id, request.path)
            return _error(500, "server_error", request.request_id)

    async def _send(self, response: MachineResponse, send: Send, *, with_body: bool) -> None:
        own = {name.lower(): value for name, value in response.headers.items()}
        headers = {**self._headers, **own, "content-length": str(len(response.body))}
        await send(
            {
                "type": "http.response.start",
                "status": response.status,
                "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
            }
        )
        await send({"type": "http.response.body", "body": response.body if with_body else b""})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                asyncio.get_running_loop().set_default_executor(self._threads)
                if self._on_start is not None:
                    await self._on_start()
                await send({"type": "lifespan.startup.complete"})
            else:
                if self._on_stop is not None:
                    await self._on_stop()
                await send({"type": "lifespan.shutdown.complete"})
                return


def _single_headers(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name; ValueError when one that carries a proof is repeated."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key = name.decode("latin-1")
        if key in {"authorization", "content-type"} and key in headers:
            raise ValueError(key)
        headers[key] = value.decode("latin-1")
    return headers


async def _body(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _PeerGoneError
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > BODY_LIMIT:
            raise _BodyTooLargeError
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _error(status: int, code: str, incident: str) -> MachineResponse:
    return MachineResponse(
        status,
        f'{{"error":"{code}","incident":"{incident}"}}'.encode(),
        {"content-type": "application/json", "cache-control": "no-store"},
    )
