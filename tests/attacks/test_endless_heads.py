"""A request that never says what it wants keeps neither a place nor memory; the others are served meanwhile."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from gateway.cli.bounded_heads import BoundedHeads

PLACES = 6
WHOLE = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class Impatient(BoundedHeads):
    head_seconds = 0.05


async def hello(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


@contextlib.contextmanager
def serving(protocol: type[BoundedHeads]) -> Iterator[tuple[str, int]]:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(hello, http=protocol, lifespan="off", log_level="critical", limit_concurrency=PLACES)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield listener.getsockname()
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def connected(address: tuple[str, int], first: bytes) -> socket.socket:
    client = socket.create_connection(address, timeout=20)
    client.sendall(first)
    return client


def all_of(client: socket.socket) -> bytes:
    answer = b""
    with contextlib.suppress(ConnectionError):
        while piece := client.recv(65536):
            answer += piece
    return answer


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "])
def test_connections_that_never_finish_their_head_leave_their_places_to_others(begun):
    with serving(Impatient) as address:
        stuck = [connected(address, begun) for _ in range(PLACES)]
        assert [all_of(client) for client in stuck] == [b""] * PLACES
        honest = connected(address, WHOLE)
        assert b" 200 " in all_of(honest)
        for client in (*stuck, honest):
            client.close()


def test_a_header_that_never_ends_is_not_kept():
    with serving(BoundedHeads) as address:
        client = connected(address, b"GET / HTTP/1.1\r\nX-Endless: ")
        with pytest.raises(ConnectionError):
            for _ in range(64):
                client.sendall(b"a" * 1_000_000)
        client.close()


def test_requests_one_after_the_other_on_one_connection_are_served():
    with serving(BoundedHeads) as address:
        client = connected(address, WHOLE.replace(b"Connection: close\r\n", b"") * 3 + WHOLE)
        assert all_of(client).count(b" 200 ") == 4
        client.close()
