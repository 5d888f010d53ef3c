"""Open-loop load: requests leave at Poisson instants whether or not earlier ones were answered, as people and machines do.

Latency counts from the scheduled instant, so that a server that stalls cannot hide the requests it delayed; beyond
CONNECTIONS under way at once they wait here, as an application's do, rather than be turned away at the server's door. HTTP/1.1
with Content-Length only. A turn goes on when a request fails, and is refused at its end, as is one whose generator was the
limit: Unmeasurable says why.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import uvloop

from tests.bench.measure import Unmeasurable

CONNECTIONS = 256
PATIENCE_SECONDS = 20.0
BUSY = 0.8
"""A generator that is busier measures its own queue, not the server's."""


@dataclass(frozen=True)
class Stream:
    """`says`: what stands in every good answer. `act`: what is done at each instant instead of one request; it raises
    Unmeasurable when it fails."""

    name: str
    port: int
    path: str
    per_second: float
    form: str | None = None
    authorization: str | None = None
    says: bytes = b""
    act: Callable[[], Awaitable[None]] | None = None


@dataclass
class _Connections:
    stream: Stream
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._places = asyncio.Semaphore(CONNECTIONS)

    def _request(self) -> bytes:
        if self.stream.form is None:
            return f"GET {self.stream.path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        head = f"POST {self.stream.path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        if self.stream.authorization is not None:
            head += f"Authorization: {self.stream.authorization}\r\n"
        return f"{head}Content-Length: {len(self.stream.form)}\r\n\r\n{self.stream.form}".encode()

    async def exchange(self) -> None:
        async with self._places:
            reader, writer = await self._connection()
            try:
                writer.write(self._request())
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
                body = await reader.readexactly(length)
            except BaseException:
                writer.close()
                raise
            if b"connection: close" in head:
                writer.close()
            else:
                self.idle.append((reader, writer))
        if not head.startswith(b"http/1.1 200") or self.stream.says not in body:
            # Up to the incident's number, so that one reason stays one.
            said = body.partition(b',"incident"')[0][:60]
            raise Unmeasurable(f"{self.stream.path}: {head.splitlines()[0].decode()} {said!r}")

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self.idle:
            reader, writer = self.idle.pop()
            if not (reader.at_eof() or writer.is_closing()):
                return reader, writer
            writer.close()  # the server had kept it open long enough
        return await asyncio.open_connection("127.0.0.1", self.stream.port)

    def close(self) -> None:
        for _, writer in self.idle:
            writer.close()


async def _offer(stream: Stream, seconds: float, chance: random.Random, failures: Counter[str]) -> list[float]:
    loop = asyncio.get_running_loop()
    connections = _Connections(stream)
    act = stream.act or connections.exchange
    latencies: list[float] = []

    async def one(scheduled: float) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await act()
        except TimeoutError:
            failures[f"{stream.name}: no answer in {PATIENCE_SECONDS:g} s"] += 1
        except (Unmeasurable, OSError, EOFError, LookupError, ValueError) as error:
            failures[f"{stream.name}: {error or type(error).__name__}"] += 1
        else:
            latencies.append((loop.time() - scheduled) * 1000)

    due = loop.time() + chance.expovariate(stream.per_second)
    end = loop.time() + seconds
    async with asyncio.TaskGroup() as flying:
        while due < end:
            await asyncio.sleep(max(0.0, due - loop.time()))
            flying.create_task(one(due))
            due += chance.expovariate(stream.per_second)
    connections.close()
    return sorted(latencies)


def offer(streams: Sequence[Stream], seconds: float, seed: int) -> dict[str, list[float]]:
    """Sorted latencies in milliseconds of each stream; the same seed gives the same instants to every server."""
    failures: Counter[str] = Counter()

    async def together() -> dict[str, list[float]]:
        offers = [_offer(stream, seconds, random.Random(f"{seed} {stream.name}"), failures) for stream in streams]
        return dict(zip([stream.name for stream in streams], await asyncio.gather(*offers), strict=True))

    began, spent = time.monotonic(), time.thread_time()
    latencies = uvloop.run(together())
    share = (time.thread_time() - spent) / (time.monotonic() - began)
    if share > BUSY:
        raise Unmeasurable(f"the load generator itself took more than {BUSY:.0%} of its core")
    if failures:
        reason, most = failures.most_common(1)[0]
        raise Unmeasurable(f"{failures.total()} requests failed, {most} of them: {reason}")
    return latencies


def percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")
