"""Four clients of one atomic Redis step: keep the token's record until it dies and append its journal line to the spool.

redis-py sync and asyncio as they come (retries off: a replayed step would write its line twice), and a narrow RESP path over
hiredis: one blocking socket per thread, or one asyncio connection on which concurrent callers share writes and reads.
The narrow paths show what the bytes cost: they have no reconnection, no TLS and no Sentinel, which a product adapter owes.
"""

import asyncio
import os
import socket
import threading
from collections import deque
from typing import Any, Protocol

import hiredis
import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.bench.doors.endpoint import LIFETIME, Issued

SCRIPT = """
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3])
return redis.call('XADD', KEYS[2], 'MAXLEN', '~', '10000', '*', 'line', ARGV[2])
"""
SPOOL = "journal:spool"
TIMEOUT = 5.0  # generous: a bench on a busy machine must show a stall as latency, not as an error


class SyncStore(Protocol):
    def remember(self, issued: Issued) -> None: ...


class AsyncStore(Protocol):
    async def open(self) -> None: ...
    async def remember(self, issued: Issued) -> None: ...


def _port() -> int:
    return int(os.environ["REDIS_PORT"])


class RedisPy:
    def __init__(self) -> None:
        self._client = redis.Redis(port=_port(), socket_timeout=TIMEOUT, retry=Retry(NoBackoff(), 0))
        self._sha = str(self._client.script_load(SCRIPT))

    def remember(self, issued: Issued) -> None:
        self._client.evalsha(self._sha, 2, issued.key, SPOOL, issued.record, issued.journal_line, LIFETIME)


class RedisPyAsyncio:
    async def open(self) -> None:
        self._client = redis.asyncio.Redis(
            port=_port(),
            socket_timeout=TIMEOUT,
            retry=AsyncRetry(NoBackoff(), 0),
            max_connections=1000,  # its default pool refuses the hundred-and-first concurrent caller instead of queueing it
        )
        self._sha = str(await self._client.script_load(SCRIPT))

    async def remember(self, issued: Issued) -> None:
        await self._client.evalsha(self._sha, 2, issued.key, SPOOL, issued.record, issued.journal_line, LIFETIME)


def _step(sha: str, issued: Issued) -> tuple[str | bytes, ...]:
    return ("EVALSHA", sha, "2", issued.key, SPOOL, issued.record, issued.journal_line, str(LIFETIME))


class RawSocket:
    """One blocking connection per thread."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._sha = self._call("SCRIPT", "LOAD", SCRIPT).decode()

    def _call(self, *command: str | bytes) -> Any:
        if not hasattr(self._local, "socket"):
            self._local.socket = socket.create_connection(("127.0.0.1", _port()), timeout=TIMEOUT)
            self._local.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._local.reader = hiredis.Reader()
        self._local.socket.sendall(hiredis.pack_command(command))  # type: ignore[arg-type] # its stub says one-tuple
        while (reply := self._local.reader.gets()) is False:
            received = self._local.socket.recv(65536)
            if not received:
                raise ConnectionError("the store closed the connection")
            self._local.reader.feed(received)
        if isinstance(reply, hiredis.ReplyError):
            raise reply
        return reply

    def remember(self, issued: Issued) -> None:
        self._call(*_step(self._sha, issued))


class RawPipeline(asyncio.Protocol):
    """One connection for the whole loop: what callers ask for within one turn of the loop leaves in one write."""

    async def open(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader, self._waiting, self._unsent = hiredis.Reader(), deque[asyncio.Future[Any]](), list[bytes]()
        transport, _ = await self._loop.create_connection(lambda: self, "127.0.0.1", _port())
        self._transport = transport
        self._sha = (await self._call("SCRIPT", "LOAD", SCRIPT)).decode()

    def _call(self, *command: str | bytes) -> asyncio.Future[Any]:
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(hiredis.pack_command(command))  # type: ignore[arg-type] # its stub says one-tuple
        future = self._loop.create_future()
        self._waiting.append(future)
        return future

    def _flush(self) -> None:
        self._transport.write(b"".join(self._unsent))
        self._unsent.clear()

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (reply := self._reader.gets()) is not False:
            future = self._waiting.popleft()
            if future.done():  # the caller gave up; its answer still had to be read in its turn
                continue
            if isinstance(reply, hiredis.ReplyError):
                future.set_exception(reply)
            else:
                future.set_result(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_exception(exc or ConnectionError("the store closed the connection"))

    async def remember(self, issued: Issued) -> None:
        async with asyncio.timeout(TIMEOUT):
            await self._call(*_step(self._sha, issued))


def sync_store() -> SyncStore:
    stores: dict[str, type[RedisPy] | type[RawSocket]] = {"redis-py": RedisPy, "raw": RawSocket}
    return stores[os.environ["DOOR_STORE"]]()


def async_store() -> AsyncStore:
    stores: dict[str, type[RedisPyAsyncio] | type[RawPipeline]] = {"redis-py": RedisPyAsyncio, "raw": RawPipeline}
    return stores[os.environ["DOOR_STORE"]]()
