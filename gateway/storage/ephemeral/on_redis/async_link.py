"""The machine door to Redis: one pipelined connection per event loop (decision record 0001).

Commands of one turn of the loop leave in one write; answers come back in order, so one watch over the oldest question bounds
the wait of all. A late answer or a lost connection fails every step under way (whether they happened is unknown, so none is
tried again), and the next step connects anew.
"""

import asyncio
import ssl
import weakref
from collections import deque
from collections.abc import Sequence
from typing import Any, cast

import hiredis

from gateway.storage.ephemeral.on_redis.address import RedisAddress
from gateway.storage.ephemeral.on_redis.scripts import Word, script, words
from gateway.storage.ephemeral.unavailable import EphemeralStoreUnavailableError

_INCOMPLETE = object()
_LAST_LOOK_SECONDS = 0.005


class _RefusedError(Exception):
    """An error reply of the server."""


class _Pipeline(asyncio.Protocol):
    def __init__(self, loop: asyncio.AbstractEventLoop, timeout_seconds: float) -> None:
        self._loop = loop
        self._timeout_seconds = timeout_seconds
        self._reader = hiredis.Reader(replyError=_RefusedError, notEnoughData=_INCOMPLETE)
        self._waiting: deque[tuple[asyncio.Future[Any], float]] = deque()
        self._watched = False
        self._unsent: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's do as it does, but are not of its class

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while True:
            try:
                reply = self._reader.gets()
            except hiredis.ProtocolError:
                self.abort()
                return
            if reply is _INCOMPLETE or not self._waiting:
                return
            answered, _ = self._waiting.popleft()
            if answered.done():
                continue
            if isinstance(reply, _RefusedError):
                answered.set_exception(reply)
            else:
                answered.set_result(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        while self._waiting:
            unanswered, _ = self._waiting.popleft()
            if not unanswered.done():
                unanswered.set_exception(ConnectionResetError("no answer from Redis in time, or a lost connection"))

    def ask(self, command: tuple[str | bytes, ...]) -> asyncio.Future[Any]:
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._waiting.append((answer, self._loop.time() + self._timeout_seconds))
        if not self._watched:
            self._watched = True
            self._loop.call_later(self._timeout_seconds, self._watch)
        self._unsent.append(hiredis.pack_command(command))  # type: ignore[arg-type]  # its stub says 1-tuple
        if len(self._unsent) == 1:
            self._loop.call_soon(self._send)
        return answer

    def _watch(self, late: asyncio.Future[Any] | None = None) -> None:
        self._watched = bool(self._waiting) and not self.lost
        if not self._watched:
            return
        oldest, until = self._waiting[0]
        if until > self._loop.time():
            self._loop.call_at(until, self._watch)
        elif oldest is late:
            self.abort()
        else:  # perhaps this process itself was held up: what has come meanwhile is read before
            self._loop.call_later(_LAST_LOOK_SECONDS, self._watch, oldest)

    def _send(self) -> None:
        waiting, self._unsent = b"".join(self._unsent), []
        if self._transport is not None and not self.lost:
            self._transport.write(waiting)

    def abort(self) -> None:
        self.lost = True
        if self._transport is not None:
            self._transport.abort()


class _OfLoop:
    def __init__(self) -> None:
        self.connecting = asyncio.Lock()
        self.pipeline: _Pipeline | None = None


class AsyncRedisLink:
    def __init__(self, address: RedisAddress, timeout_seconds: float) -> None:
        self._address, self._timeout_seconds = address, timeout_seconds
        self._of_loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _OfLoop] = weakref.WeakKeyDictionary()

    async def run(self, name: str, keys: Sequence[str], *arguments: Word) -> Any:
        """Runs one script. NOSCRIPT means that nothing has run: only then is the source sent."""
        wanted = script(name)
        sent = (str(len(keys)), *keys, *words(arguments))
        try:
            return await self._ask("EVALSHA", wanted.sha1, *sent)
        except _RefusedError as refused:
            if not str(refused).startswith("NOSCRIPT"):
                raise EphemeralStoreUnavailableError(str(refused)) from refused
        try:
            return await self._ask("EVAL", wanted.source, *sent)
        except _RefusedError as refused:
            raise EphemeralStoreUnavailableError(str(refused)) from refused

    async def ping(self) -> None:
        try:
            await self._ask("PING")
        except _RefusedError as refused:
            raise EphemeralStoreUnavailableError(str(refused)) from refused

    async def close(self) -> None:
        """Closes the connection of the running loop."""
        of_loop = self._of_loops.pop(asyncio.get_running_loop(), None)
        if of_loop is not None and of_loop.pipeline is not None:
            of_loop.pipeline.abort()

    async def _ask(self, *command: str | bytes) -> Any:
        of_loop = self._of_loops.get(asyncio.get_running_loop())
        pipeline = of_loop.pipeline if of_loop is not None else None
        try:
            if pipeline is None or pipeline.lost:
                async with asyncio.timeout(self._timeout_seconds):
                    pipeline = await self._pipeline()
            return await pipeline.ask(command)
        except OSError as error:  # TimeoutError included
            raise EphemeralStoreUnavailableError(f"{type(error).__name__}: {error}") from error

    async def _pipeline(self) -> _Pipeline:
        loop = asyncio.get_running_loop()
        of_loop = self._of_loops.get(loop)
        if of_loop is None:
            of_loop = self._of_loops[loop] = _OfLoop()
        if of_loop.pipeline is None or of_loop.pipeline.lost:
            async with of_loop.connecting:
                if of_loop.pipeline is None or of_loop.pipeline.lost:
                    of_loop.pipeline = await self._connect(loop)
        return of_loop.pipeline

    async def _connect(self, loop: asyncio.AbstractEventLoop) -> _Pipeline:
        address = self._address
        if address.socket is not None:
            _, pipeline = await loop.create_unix_connection(
                lambda: _Pipeline(loop, self._timeout_seconds), address.socket
            )
        else:
            _, pipeline = await loop.create_connection(
                lambda: _Pipeline(loop, self._timeout_seconds),
                address.host,
                address.port,
                ssl=self._tls() if address.tls else None,
            )
        try:
            if address.password:
                await pipeline.ask(("AUTH", address.username or "default", address.password))
            if address.database:
                await pipeline.ask(("SELECT", str(address.database)))
        except _RefusedError as refused:
            pipeline.abort()
            raise EphemeralStoreUnavailableError(str(refused)) from refused
        except BaseException:
            pipeline.abort()
            raise
        return pipeline

    def _tls(self) -> ssl.SSLContext:
        """The server's certificate and name are always verified."""
        context = ssl.create_default_context(cafile=self._address.authorities)
        if self._address.certificate is not None:
            context.load_cert_chain(self._address.certificate, self._address.private_key)
        return context
