"""Open-loop load: requests leave at Poisson instants whether or not earlier ones were answered, as people and machines do.

Latency counts from the scheduled instant, so that a server that stalls cannot hide the requests it delayed.
HTTP/1.1 with Content-Length only; refuses any status but 200.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Stream:
    name: str
    port: int
    path: str
    per_second: float
    form: str | None = None
    authorization: str | None = None


@dataclass
class _Connections:
    stream: Stream
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)

    def _request(self) -> bytes:
        if self.stream.form is None:
            return f"GET {self.stream.path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        head = f"POST {self.stream.path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        if self.stream.authorization is not None:
            head += f"Authorization: {self.stream.authorization}\r\n"
        return f"{head}Content-Length: {len(self.stream.form)}\r\n\r\n{self.stream.form}".encode()

    async def exchange(self) -> None:
        reader, writer = self.idle.pop() if self.idle else await asyncio.open_connection("127.0.0.1", self.stream.port)
        writer.write(self._request())
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith(b"http/1.1 200"):
            raise RuntimeError(f"{self.stream.path}: {head.decode()}")
        await reader.readexactly(int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0]))
        if b"connection: close" in head:
            writer.close()
        else:
            self.idle.append((reader, writer))

    def close(self) -> None:
        for _, writer in self.idle:
            writer.close()


async def _offer(stream: Stream, seconds: float, chance: random.Random) -> list[float]:
    loop = asyncio.get_running_loop()
    connections = _Connections(stream)
    latencies: list[float] = []

    async def one(scheduled: float) -> None:
        await connections.exchange()
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

    async def together() -> dict[str, list[float]]:
        offers = [_offer(stream, seconds, random.Random(f"{seed} {stream.name}")) for stream in streams]
        return dict(zip([stream.name for stream in streams], await asyncio.gather(*offers), strict=True))

    return asyncio.run(together())


def percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")
