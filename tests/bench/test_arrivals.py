"""An open loop that meets failures says so at its end, and counts what the server's stalls delayed."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.bench import arrivals
from tests.bench.arrivals import Stream, offer
from tests.bench.measure import Unmeasurable

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


@contextlib.contextmanager
def serving(
    answer: Callable[[int], bytes | None], *, hangs_up: bool = False, accepted: list[int] | None = None
) -> Iterator[int]:
    """A server on a free port; `answer` is given the request's number; None closes the connection instead."""
    numbers = iter(range(10**6))
    ready, port, loop = threading.Event(), [0], asyncio.new_event_loop()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if accepted is not None:
            accepted.append(1)
        with contextlib.suppress(EOFError, OSError):
            while await reader.readuntil(b"\r\n\r\n"):
                said = answer(next(numbers))
                writer.write(said or b"")
                if said is None or hangs_up:
                    break
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, family=socket.AF_INET)
        port[0] = server.sockets[0].getsockname()[1]
        ready.set()
        with contextlib.suppress(asyncio.CancelledError):
            await server.serve_forever()

    task = loop.create_task(run())
    thread = threading.Thread(target=loop.run_until_complete, args=(task,))
    thread.start()
    ready.wait(30)
    try:
        yield port[0]
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(30)
        loop.close()


def stream(port: int, says: bytes = b"") -> Stream:
    return Stream("tokens", port, "/token", per_second=300.0, says=says)


@pytest.fixture(autouse=True)
def however_slow_this_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "BUSY", float("inf"))


def test_every_request_that_was_answered_has_its_latency() -> None:
    with serving(lambda _: GOOD) as port:
        latencies = offer([stream(port)], 0.3, seed=1)["tokens"]
    assert latencies == sorted(latencies)
    assert len(latencies) > 30


def test_a_connection_that_the_server_closed_meanwhile_is_replaced() -> None:
    async def twice(port: int) -> None:
        connections = arrivals._Connections(stream(port))
        await connections.exchange()
        assert await connections.idle[0][0].read() == b""  # waits for the server's end
        await connections.exchange()
        connections.close()

    with serving(lambda _: GOOD, hangs_up=True) as port:
        asyncio.run(twice(port))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda number: BUSY if number == 7 else GOOD, "1 requests failed, 1 of them: tokens: .*503"),
        (lambda number: None if number == 7 else GOOD, "1 requests failed, 1 of them: tokens: 0 bytes read"),
        (lambda number: b"nonsense\r\n\r\n" if number == 7 else GOOD, "1 requests failed"),
    ],
    ids=["turned away", "cut", "not HTTP"],
)
def test_a_failed_request_refuses_the_turn_and_says_why(answer: Callable[[int], bytes | None], said: str) -> None:
    with serving(answer) as port, pytest.raises(Unmeasurable, match=said):
        offer([stream(port)], 0.3, seed=1)


def test_an_answer_that_does_not_say_what_it_should_refuses_the_turn() -> None:
    with serving(lambda _: GOOD) as port, pytest.raises(Unmeasurable, match="b'ok'"):
        offer([stream(port, says=b'"active":true')], 0.2, seed=1)


def test_requests_beyond_the_connections_wait_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "CONNECTIONS", 2)
    accepted: list[int] = []
    with serving(lambda _: GOOD, accepted=accepted) as port:
        latencies = offer([Stream("tokens", port, "/token", per_second=3000.0)], 0.1, seed=1)["tokens"]
    assert len(latencies) > 100
    assert len(accepted) <= 2


def test_a_turn_whose_generator_was_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "BUSY", 0.0)
    with serving(lambda _: GOOD) as port, pytest.raises(Unmeasurable, match="load generator"):
        offer([stream(port)], 0.1, seed=1)
