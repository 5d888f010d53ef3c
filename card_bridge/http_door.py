"""The door on loopback (cps-card.md §3.2, §3.6; BRG-01…BRG-05, BRG-17): who may call, before what they say is looked at.

Order, each refusal without any CORS header and without any window: head, Host, Origin, route and method, custom header, content
type. One event loop serves all connections, one request each, with a deadline and a ceiling; slow or idle callers hold no
thread, and when there are too many the oldest that is not at work is dropped, not the newest.
"""

import asyncio
import re
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from card_bridge.local_log import LocalLog
from card_bridge.operations import Answer, Operations
from card_bridge.refusals import BridgeRefusal, Code
from card_bridge.request_head import MAX_HEAD, BadHead, Head, read_head

MAX_CONNECTIONS = 32
MAX_LONG_POLLS = 4
MAX_WAIT = 25
PATIENCE = 5.0
"""Seconds to receive a whole request, or to have an answer taken."""
STUCK = 150.0
"""A dialog ends by itself before that; beyond, a reader or a window does not let go."""
_CUSTOM_HEADER = "x-cps-bridge"
_ROUTES = {"/v1/status": "GET", "/v1/authenticate": "POST", "/v1/cancel": "POST"}
_STATUS_QUERY = re.compile(r"wait=([0-9]|1[0-9]|2[0-5])&since=(0|[1-9][0-9]{0,8})")
_REASONS = {200: "OK", 204: "No Content", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 409: "Conflict"}
_REASONS |= {429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable"}


class HttpDoor:
    """Serves bound sockets from a thread of its own, between `start` and `stop`."""

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        host_names: frozenset[str],
        *,
        operations: Operations,
        allowed_origins: frozenset[str],
        log: LocalLog,
        patience: float = PATIENCE,
    ) -> None:
        self._sockets = sockets
        self._host_names = host_names
        self._operations = operations
        self._allowed_origins = allowed_origins
        self._log = log
        self._patience = patience
        self._loop = asyncio.new_event_loop()
        self._open = 0
        self._idle: dict[asyncio.StreamWriter, None] = {}
        """Callers whose request is not whole yet, or that do not hang up; oldest first."""
        self._removed = asyncio.Event()
        self._long_polls = 0
        self._stopping = asyncio.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="card-bridge-http", daemon=True)

    def start(self) -> None:
        self._operations.on_removal = lambda: self._soon(self._tell_removal)
        self._thread.start()
        self._started.wait(5)

    def stop(self) -> None:
        self._soon(self._stopping.set)
        self._thread.join(timeout=5)

    # The loop.

    def _run(self) -> None:
        self._loop.set_exception_handler(self._note)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        servers = [
            await asyncio.start_server(self._connection, sock=bound, limit=MAX_HEAD, backlog=64)
            for bound in self._sockets
        ]
        self._started.set()
        await self._stopping.wait()
        for server in servers:
            server.close()
        ours = asyncio.current_task()
        callers = [task for task in asyncio.all_tasks() if task is not ours]
        for task in callers:
            task.cancel()
        await asyncio.gather(*callers, return_exceptions=True)

    def _soon(self, call: Callable[[], object]) -> None:
        # The loop may be closed already: then there is nobody to tell.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call)

    def _note(self, _loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        error = context.get("exception")
        if isinstance(error, Exception) and not isinstance(error, OSError):
            self._log.defect("door", error)

    def _tell_removal(self) -> None:
        self._removed.set()
        self._removed = asyncio.Event()

    # One connection, one request.

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        self._idle[writer] = None
        if self._open > MAX_CONNECTIONS:
            oldest = next(iter(self._idle))
            del self._idle[oldest]
            oldest.transport.abort()
        try:
            await self._request(reader, writer)
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            # Gone, too slow or too long: nobody is told anything.
            pass
        except Exception as error:
            self._log.defect("door", error)
        finally:
            self._open -= 1
            self._idle.pop(writer, None)
            with suppress(Exception):
                writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        cors: list[str] = []
        try:
            async with asyncio.timeout(self._patience):
                raw = await reader.readuntil(b"\r\n\r\n")
                head = self._admitted(raw)
                cors = _cors(head)
                body = await reader.readexactly(head.length)
            self._idle.pop(writer, None)
            answer = await self._answer(head, body, reader)
        except BridgeRefusal as refusal:
            self._log.door(refusal)
            answer = refusal.status, refusal.body()
        if answer is not None:
            self._idle[writer] = None
            await self._say(answer, cors, reader, writer)

    def _admitted(self, raw: bytes) -> Head:
        """Who may call, and how; raises BridgeRefusal."""
        try:
            head = read_head(raw)
        except BadHead as reason:
            raise BridgeRefusal(Code.INVALID_REQUEST, str(reason)) from reason
        if head.headers.get("host") not in self._host_names:
            raise BridgeRefusal(Code.ORIGIN_REFUSED, "host")
        if head.headers.get("origin") not in self._allowed_origins:
            raise BridgeRefusal(Code.ORIGIN_REFUSED, "origin")
        method = _ROUTES.get(head.path)
        if method is None or head.method not in (method, "OPTIONS"):
            raise BridgeRefusal(Code.NOT_FOUND)
        if head.method == "OPTIONS":
            _check_preflight(head, method)
            return head
        if head.headers.get(_CUSTOM_HEADER) != "1":
            raise BridgeRefusal(Code.INVALID_REQUEST, "custom header")
        if head.method == "POST" and head.headers.get("content-type", "").lower() not in _JSON:
            raise BridgeRefusal(Code.INVALID_REQUEST, "content type")
        if (head.method == "POST") != (head.length > 0):
            raise BridgeRefusal(Code.INVALID_REQUEST, "length")
        return head

    async def _answer(self, head: Head, body: bytes, reader: asyncio.StreamReader) -> Answer | None:
        """None when the caller is gone."""
        origin = head.headers["origin"]
        if head.method == "OPTIONS":
            return 204, b""
        if head.path == "/v1/status":
            return await self._status(origin, head.query, reader)
        if head.query:
            raise BridgeRefusal(Code.INVALID_REQUEST, "query")
        if head.path == "/v1/cancel":
            return self._operations.cancel(origin, body)
        return await self._authenticate(origin, body, reader)

    async def _status(self, origin: str, query: str, reader: asyncio.StreamReader) -> Answer | None:
        if not query:
            return self._operations.status(origin, with_removals=False)
        asked = _STATUS_QUERY.fullmatch(query)
        if asked is None:
            raise BridgeRefusal(Code.INVALID_REQUEST, "query")
        seconds, since = int(asked[1]), int(asked[2])
        if self._long_polls < MAX_LONG_POLLS:
            self._long_polls += 1
            try:
                if not await self._wait_for_removal(origin, since, seconds, reader):
                    return None
            finally:
                self._long_polls -= 1
        return self._operations.status(origin, with_removals=True)

    async def _wait_for_removal(self, origin: str, since: int, seconds: int, reader: asyncio.StreamReader) -> bool:
        """False when the caller is gone."""
        deadline = self._loop.time() + seconds
        while True:
            removed = self._removed
            left = deadline - self._loop.time()
            if self._operations.removals(origin) > since or left <= 0:
                return True
            if not await _first_of(removed.wait(), reader, left):
                return False

    async def _authenticate(self, origin: str, body: bytes, reader: asyncio.StreamReader) -> Answer | None:
        answered: asyncio.Future[Answer] = self._loop.create_future()

        def keep(answer: Answer) -> None:
            if not answered.done():
                answered.set_result(answer)

        running = self._operations.authenticate(origin, body, lambda answer: self._soon(lambda: keep(answer)))
        try:
            here = await _first_of(asyncio.shield(answered), reader, STUCK)
        except asyncio.CancelledError:
            running.abandon()
            raise
        if answered.done():
            return answered.result()
        running.abandon()
        return (BridgeRefusal(Code.CARD_IN_USE).status, BridgeRefusal(Code.CARD_IN_USE).body()) if here else None

    async def _say(
        self, answer: Answer, cors: list[str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        status, body = answer
        lines = [f"HTTP/1.1 {status} {_REASONS[status]}", *cors, "Cache-Control: no-store", "Connection: close"]
        if status != 204:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        lines += ["X-Content-Type-Options: nosniff", "Cross-Origin-Resource-Policy: cross-origin"][: 1 + bool(cors)]
        writer.write("\r\n".join([*lines, "", ""]).encode("ascii") + body)
        async with asyncio.timeout(self._patience):
            await writer.drain()
            writer.write_eof()
            # What is still coming is read and dropped, a little: closing on it would make the answer unreadable.
            dropped = 0
            while dropped < 4 * MAX_HEAD and (more := await reader.read(MAX_HEAD)):
                dropped += len(more)


_JSON = ("application/json", "application/json;charset=utf-8", "application/json; charset=utf-8")


def _check_preflight(head: Head, method: str) -> None:
    asked = head.headers.get("access-control-request-headers", "").lower().split(",")
    if head.length or head.headers.get("access-control-request-method") != method:
        raise BridgeRefusal(Code.INVALID_REQUEST, "preflight")
    if not {name.strip() for name in asked} <= {"content-type", _CUSTOM_HEADER, ""}:
        raise BridgeRefusal(Code.INVALID_REQUEST, "preflight headers")


def _cors(head: Head) -> list[str]:
    """For a request that was admitted only: its one origin, never a star."""
    lines = [f"Access-Control-Allow-Origin: {head.headers['origin']}", "Vary: Origin"]
    if head.method == "OPTIONS":
        lines += [
            f"Access-Control-Allow-Methods: {_ROUTES[head.path]}",
            "Access-Control-Allow-Headers: Content-Type, X-CPS-Bridge",
            "Access-Control-Max-Age: 60",
        ]
    return lines


async def _first_of(awaited: Awaitable[object], reader: asyncio.StreamReader, seconds: float) -> bool:
    """Until `awaited`, or `seconds`; False as soon as the caller is gone (or sends more, which no browser does)."""
    waiting, gone = asyncio.ensure_future(awaited), asyncio.ensure_future(reader.read(1))
    try:
        done, _ = await asyncio.wait({waiting, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return waiting in done or gone not in done
    finally:
        for task in (waiting, gone):
            task.cancel()
        await asyncio.gather(waiting, gone, return_exceptions=True)
