"""The short way to the machine door answers, to the octet, what the long way would, and takes only what came whole."""

import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from itertools import count

import pytest
import uvicorn

from gateway.app import Application
from gateway.cli.bounded_heads import BoundedHeads
from gateway.cli.whole_requests import WholeRequests
from gateway.web.machine_door import BODY_LIMIT, MachineRequest, MachineResponse


class Watched(WholeRequests):
    short_ways = count()

    async def _answer(self, cycle, app):  # type: ignore[no-untyped-def]
        next(self.short_ways)
        await super()._answer(cycle, app)


async def told(request: MachineRequest) -> MachineResponse:
    if request.headers.get("x-fail"):
        raise RuntimeError("secret")
    if request.headers.get("x-nothing"):
        return MachineResponse(204, b"", {"Vary": "Origin"})
    if end := request.headers.get("x-line"):
        return MachineResponse(200, b"", {"x-line": end + "\r\nset-cookie: a=b"})
    await asyncio.sleep(0.001 * (request.body == b"slow"))
    said = f"{request.method} {request.path}?{request.query.decode()} {request.peer} ".encode() + request.body[:100]
    return MachineResponse(200, said, {"Content-Type": "text/plain", "X-Length": str(len(request.body))})


def pages(environ, start_response):  # type: ignore[no-untyped-def]
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
    return [b"page"]


@contextlib.contextmanager
def serving(protocol: type[BoundedHeads]) -> Iterator[tuple[str, int]]:
    application = Application(
        machine={"/token": {"GET": told, "POST": told}},
        pages=lambda: pages,
        randomness=bytes,
        hsts=True,
        body_seconds=0.3,
    )
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(application, http=protocol, lifespan="off", log_level="critical", proxy_headers=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield listener.getsockname()
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture(scope="module")
def long_way() -> Iterator[tuple[str, int]]:
    with serving(BoundedHeads) as address:
        yield address


@pytest.fixture(scope="module")
def short_way() -> Iterator[tuple[str, int]]:
    with serving(Watched) as address:
        yield address


def answer(address: tuple[str, int], *pieces: bytes) -> bytes:
    """All that comes back, up to the end of the connection; each piece is sent once the one before was surely read."""
    received = b""
    with socket.create_connection(address, timeout=20) as client, contextlib.suppress(ConnectionError):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(pieces[0])
        for piece in pieces[1:]:
            client.settimeout(0.05)
            with contextlib.suppress(TimeoutError):
                received += client.recv(65536)
            client.sendall(piece)
        client.settimeout(20)
        while piece := client.recv(65536):
            received += piece
    return received


def comparable(raw: bytes) -> list[str]:
    return sorted(re.sub(rb"date: [^\r]+", b"date: then", raw).decode().split("\r\n"))


def post(body: bytes, *headers: str, path: str = "/token", close: str = "close", method: str = "POST") -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1", "Host: localhost", f"Connection: {close}", f"Content-Length: {len(body)}", *headers
    ]  # fmt: skip
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


WHOLE: dict[str, list[bytes]] = {
    "post": [post(b"a=b")],
    "get": [b"GET /token?a=b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"],
    "no body": [post(b"")],
    "chunked": [
        b"POST /token HTTP/1.1\r\nHost: l\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na=b\r\n0\r\n\r\n"
    ],
    "an old version of HTTP": [b"POST /token HTTP/1.0\r\nContent-Length: 3\r\n\r\na=b"],
    "a header twice": [post(b"a=b", "Authorization: Basic a", "Authorization: Basic b")],
    "a failure": [post(b"a=b", "X-Fail: yes")],
    "nothing to say": [post(b"a=b", "X-Nothing: yes")],
    "in turn": [post(b"slow", close="keep-alive") + post(b"second", close="keep-alive") + post(b"third")],
    "one after the other": [post(b"first", close="keep-alive"), post(b"second")],
}
NOT_WHOLE: dict[str, list[bytes]] = {
    "a body in two pieces": [post(b"a=b")[:-2], b"=b"],
    "a head in two pieces, then the body": [post(b"a=b")[:30], post(b"a=b")[30:-3], b"a=b"],
    "a body that never ends": [post(b"a=b")[:-2]],
    "a body too long": [post(b"a" * (BODY_LIMIT + 1))],
    "expect": [post(b"a=b", "Expect: 100-continue")],
    "another method": [post(b"a=b", method="PUT")],
    "head": [b"HEAD /token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"],
    "a page": [post(b"a=b", path="/signin")],
    "no http": [b"nothing of the kind\r\n\r\n"],
}


@pytest.mark.parametrize("pieces", WHOLE.values(), ids=WHOLE.keys())
def test_what_came_whole_is_answered_alike_by_the_short_way(long_way, short_way, pieces) -> None:
    before = next(Watched.short_ways)
    short = answer(short_way, *pieces)
    assert next(Watched.short_ways) - before - 1 == sum(piece.count(b" /token") for piece in pieces)
    assert comparable(short) == comparable(answer(long_way, *pieces))
    assert b"date: " in short


@pytest.mark.parametrize("pieces", NOT_WHOLE.values(), ids=NOT_WHOLE.keys())
def test_what_did_not_takes_the_long_way(long_way, short_way, pieces) -> None:
    before = next(Watched.short_ways)
    short = answer(short_way, *pieces)
    assert next(Watched.short_ways) == before + 1
    assert comparable(short) == comparable(answer(long_way, *pieces))


@pytest.mark.parametrize("pieces", [[post(b"a=b", "X-Nothing: yes")], [post(b"a=b", "X-Nothing: yes")[:-1], b"b"]])
def test_an_answer_without_content_announces_no_length(short_way, pieces) -> None:
    """RFC 9110 §8.6: a server must not."""
    head = answer(short_way, *pieces).lower()
    assert head.startswith(b"http/1.1 204 ")
    assert b"content-length" not in head
    assert head.endswith(b"\r\n\r\n")


def test_a_refused_method_is_told_all_that_would_do(short_way) -> None:
    """RFC 9110 §15.5.6; HEAD is answered wherever GET is."""
    assert b"\r\nallow: GET, HEAD, POST\r\n" in answer(short_way, post(b"", method="PUT"))


def test_requests_in_turn_are_answered_in_their_order(short_way) -> None:
    sent = [post(b"slow", close="keep-alive"), *(post(b"%d" % n, close="keep-alive") for n in range(20)), post(b"end")]
    answers = re.findall(rb"127\.0\.0\.1 (\w+?)(?:HTTP|$)", answer(short_way, b"".join(sent)))
    assert answers == [b"slow", *(b"%d" % n for n in range(20)), b"end"]


def test_an_answer_cannot_begin_another_line_of_its_head(short_way) -> None:
    assert b"set-cookie" not in answer(short_way, post(b"a=b", "X-Line: x"))


def test_the_end_of_the_server_waits_for_the_answer_under_way() -> None:
    with serving(Watched) as address:
        client = socket.create_connection(address, timeout=20)
        client.sendall(post(b"slow"))
        client.settimeout(20)
        received = client.recv(65536)
    client.close()
    assert b"slow" in received
