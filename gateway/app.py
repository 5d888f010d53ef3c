"""The entrance: one ASGI application, two doors (DECISIONS 17, decision record 0001).

Machine endpoints are coroutines on the event loop, found in one table by exact path; everything else is the people's door, a
WSGI application in a bounded pool of threads. A request takes a thread only once its body is whole: otherwise as many slow
clients as there are threads would close the door to everybody. An endpoint that fails answers a JSON error with an incident
number; what failed is in the log only. Machines are served at once; the pages are built right after, in one of those threads,
and a worker that cannot build them ends.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any
from wsgiref.types import WSGIApplication

from a2wsgi import WSGIMiddleware

from gateway.randomness import Randomness, base64url
from gateway.settings import ConfigurationError
from gateway.web.certificate_header import CERTIFICATE_HEADERS, CertificateProxy, keep_believed
from gateway.web.machine_door import BODY_LIMIT, NO_CONTENT, MachineEndpoint, MachineRequest, MachineResponse
from gateway.web.request_facts import networks, peer_address

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PAGE_THREADS = 16
BODY_SECONDS = 10.0
"""For a whole body, at most 64 KiB."""
PAGES_AFTER_SECONDS = 0.25
"""So long a worker that has just started is there for machines alone; whoever asks for a page begins them at once."""
STARTUP_FAILURE = 3
"""How uvicorn ends too when an application does not start."""
_log = logging.getLogger("passerelle.door")

MACHINE_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "cross-origin-resource-policy": "same-origin",
}
"""On every machine answer; an endpoint may override one (CORS, caching)."""


ONCE = frozenset({"authorization", "content-type", "dpop", *CERTIFICATE_HEADERS})


class _BodyTooLargeError(Exception):
    pass


class _PeerGoneError(Exception):
    pass


class Application:
    """`machine` maps a path to its methods; `pages` builds the people's door, once; `unavailable` are the exceptions that mean
    a store does not answer; `readable_by` gives, by path, what lets pages of an origin read even the refusals made here (CORS);
    `trusted_proxies` the networks whose `X-Forwarded-For` counts; `certificate_proxy` whose `Client-Cert` does; `on_start`
    and `on_stop` run inside the event loop."""

    def __init__(
        self,
        *,
        machine: Mapping[str, Mapping[str, MachineEndpoint]],
        pages: Callable[[], WSGIApplication],
        randomness: Randomness,
        hsts: bool,
        unavailable: tuple[type[Exception], ...] = (),
        readable_by: Mapping[str, Callable[[str | None], Mapping[str, str]]] = MappingProxyType({}),
        trusted_proxies: Sequence[str] = (),
        certificate_proxy: CertificateProxy | None = None,
        body_seconds: float = BODY_SECONDS,
        on_start: Callable[[], Awaitable[None]] | None = None,
        on_stop: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._machine = machine
        self._randomness = randomness
        self._readable_by = readable_by
        self._unavailable: tuple[type[Exception], ...] = (ConnectionError, TimeoutError, *unavailable)
        self._trusted = networks(trusted_proxies)
        self._certificate_proxy = certificate_proxy
        self._body_seconds = body_seconds
        self._on_start, self._on_stop = on_start, on_stop
        self._threads = ThreadPoolExecutor(PAGE_THREADS, thread_name_prefix="page")
        self._build_pages = pages
        self._building: asyncio.Future[WSGIMiddleware] | None = None
        always = dict(MACHINE_HEADERS)
        if hsts:
            always["strict-transport-security"] = "max-age=63072000; includeSubDomains"
        self._always = tuple(always.items())

    @cached_property
    def pages(self) -> WSGIApplication:
        """The people's door. Raises what keeps it from being built, a ConfigurationError for one."""
        return self._build_pages()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            methods = self._machine.get(scope["path"])
            if methods is None:
                await self._page(scope, receive, send)
            else:
                await self._answer(methods, scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        # A name with `_` would pass for the same name with `-`, which the proxy in front may have checked or written.
        scope["headers"] = [(name, value) for name, value in scope["headers"] if b"_" not in name]
        if _announced_length(scope["headers"]) > BODY_LIMIT:
            # The pages refuse it in their own words, without reading it.
            await self._answer_page(scope, receive, send)
            return
        try:
            body = await _body(receive, self._body_seconds)
        except _PeerGoneError:
            return
        except (_BodyTooLargeError, TimeoutError) as error:
            response = _unread(isinstance(error, TimeoutError), base64url(self._randomness(9)))
            await self._send(response, send, with_body=True)
            return
        whole = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive_whole() -> MutableMapping[str, Any]:
            return next(whole, None) or await receive()

        await self._answer_page(scope, receive_whole, send)

    async def _answer_page(self, scope: Scope, receive: Receive, send: Send) -> None:
        pages = await asyncio.shield(self._pages_begun())
        await pages(scope, receive, send)  # type: ignore[arg-type]

    def _pages_begun(self) -> "asyncio.Future[WSGIMiddleware]":
        if self._building is None:
            self._building = asyncio.get_running_loop().run_in_executor(self._threads, self._built_pages)
            self._building.add_done_callback(_end_without_pages)
        return self._building

    def _built_pages(self) -> WSGIMiddleware:
        return WSGIMiddleware(self.pages, workers=PAGE_THREADS)  # type: ignore[arg-type]

    async def _answer(self, methods: Mapping[str, MachineEndpoint], scope: Scope, receive: Receive, send: Send) -> None:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        try:
            body = await _body(receive, self._body_seconds) if method in methods else b""
        except (_BodyTooLargeError, TimeoutError) as error:
            unread = _unread(isinstance(error, TimeoutError), base64url(self._randomness(9)))
            response = self._readable(unread, scope)
        except _PeerGoneError:
            return
        else:
            response = await self._answered(methods, method, scope, body)
        await self._send(response, send, with_body=scope["method"] != "HEAD")

    def is_machine(self, path: str) -> bool:
        return path in self._machine

    async def answer_whole(self, scope: Scope, body: bytes) -> MachineResponse:
        """The answer of the machine door to a request that is there whole, HEAD left out; `headers_of` completes it."""
        return await self._answered(self._machine[scope["path"]], scope["method"], scope, body)

    def headers_of(self, response: MachineResponse) -> dict[bytes, bytes]:
        return _encoded(self._always, tuple(response.headers.items())).copy()

    async def _answered(
        self, methods: Mapping[str, MachineEndpoint], method: str, scope: Scope, body: bytes
    ) -> MachineResponse:
        endpoint = methods.get(method)
        incident = base64url(self._randomness(9))
        if endpoint is None:
            allowed = sorted({*methods, *(("HEAD",) if "GET" in methods else ())})
            allow = {"allow": ", ".join(allowed), "cache-control": "no-store"}
            return self._readable(MachineResponse(405, headers=allow), scope)
        try:
            headers = _single_headers(scope["headers"])
        except ValueError:
            return self._readable(_error(400, "invalid_request", incident), scope)
        keep_believed(headers, _remote(scope), self._certificate_proxy)
        request = MachineRequest(
            method=method,
            path=scope["path"],
            query=scope["query_string"],
            headers=headers,
            body=body,
            peer=self._peer(scope),
            request_id=incident,
        )
        return await self._guarded(endpoint, request, scope)

    def _peer(self, scope: Scope) -> str:
        """The caller's address; a proxy of ours is believed about it, nobody else (WEB-06)."""
        forwarded = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
        return peer_address(_remote(scope), forwarded, self._trusted)

    def _readable(self, refused: MachineResponse, scope: Scope) -> MachineResponse:
        """An application in a browser must be able to tell our refusal from a network that is away."""
        rule = self._readable_by.get(scope["path"])
        if rule is None:
            return refused
        origin = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
        said = {name.lower(): value for name, value in rule(origin[0] if len(origin) == 1 else None).items()}
        return replace(refused, headers={**refused.headers, **said})

    async def _guarded(self, endpoint: MachineEndpoint, request: MachineRequest, scope: Scope) -> MachineResponse:
        try:
            return await endpoint(request)
        except self._unavailable as error:
            _log.error("store unavailable: %s, incident %s", type(error).__name__, request.request_id)
            return self._readable(_error(503, "temporarily_unavailable", request.request_id), scope)
        except Exception:
            _log.exception("incident %s at %s", request.request_id, request.path)
            return self._readable(_error(500, "server_error", request.request_id), scope)

    async def _send(self, response: MachineResponse, send: Send, *, with_body: bool) -> None:
        headers = self.headers_of(response)
        if response.status != NO_CONTENT:
            headers[b"content-length"] = b"%d" % len(response.body)
        await send({"type": "http.response.start", "status": response.status, "headers": list(headers.items())})
        await send({"type": "http.response.body", "body": response.body if with_body else b""})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                asyncio.get_running_loop().set_default_executor(self._threads)
                if self._on_start is not None:
                    await self._on_start()
                await send({"type": "lifespan.startup.complete"})
                asyncio.get_running_loop().call_later(PAGES_AFTER_SECONDS, self._pages_begun)
            else:
                if self._on_stop is not None:
                    await self._on_stop()
                await send({"type": "lifespan.shutdown.complete"})
                return


def _end_without_pages(built: "asyncio.Future[WSGIMiddleware]") -> None:
    failure = None if built.cancelled() else built.exception()
    if isinstance(failure, ConfigurationError):
        _log.critical("this worker ends: %s", failure)
    elif failure is not None:
        _log.critical("this worker ends: its pages cannot be built", exc_info=failure)
    if failure is not None:
        os._exit(STARTUP_FAILURE)


@lru_cache(maxsize=256)
def _encoded(always: tuple[tuple[str, str], ...], own: tuple[tuple[str, str], ...]) -> dict[bytes, bytes]:
    """Few differ, and the same ones come again."""
    return {name.lower().encode("latin-1"): value.encode("latin-1") for name, value in (*always, *own)}


def _remote(scope: Scope) -> str:
    return scope["client"][0] if scope.get("client") else ""


def _single_headers(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name; ValueError when one that carries a proof is repeated."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key = name.decode("latin-1")
        if key in ONCE and key in headers:
            raise ValueError(key)
        headers[key] = value.decode("latin-1")
    return headers


def _announced_length(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """The server in front has checked that it is a number."""
    return next((int(value) for name, value in headers if name == b"content-length"), 0)


async def _body(receive: Receive, seconds: float) -> bytes:
    """Raises TimeoutError when it is not whole after so many seconds."""
    chunks: list[bytes] = []
    size = 0
    async with asyncio.timeout(seconds):
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


def _unread(too_late: bool, incident: str) -> MachineResponse:
    """The rest of this body will not be read, so the connection cannot serve again."""
    refused = _error(408 if too_late else 413, "invalid_request", incident)
    return replace(refused, headers={**refused.headers, "connection": "close"})


def _error(status: int, code: str, incident: str) -> MachineResponse:
    return MachineResponse(
        status,
        f'{{"error":"{code}","incident":"{incident}"}}'.encode(),
        {"content-type": "application/json", "cache-control": "no-store"},
    )
