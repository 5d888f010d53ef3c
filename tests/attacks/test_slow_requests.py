"""Clients that send slowly, or never finish, take no thread from the people whose requests are whole."""

import asyncio
from typing import Any

import pytest

from gateway.app import PAGE_THREADS, Application
from gateway.randomness import system_randomness
from gateway.web.machine_door import MachineRequest, MachineResponse

FORM = b"identifier=nobody"


def pages(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Answers with the body it was given."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body]


async def echo(request: MachineRequest) -> MachineResponse:
    return MachineResponse(200, request.body)


def application(body_seconds: float) -> Application:
    machine = {"/token": {"POST": echo}}
    return Application(
        machine=machine, pages=lambda: pages, randomness=system_randomness, hsts=False, body_seconds=body_seconds
    )


class Client:
    """One request by hand: what has been received of its body, and what is answered."""

    def __init__(self, path: str, *, length: int, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        self.scope: dict[str, Any] = {
            "type": "http", "method": "POST", "path": path, "query_string": b"", "http_version": "1.1",
            "headers": [(b"content-length", str(length).encode()), *headers], "client": ("192.0.2.7", 5000),
        }  # fmt: skip
        self.coming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.status: int | None = None
        self.body = b""

    def sends(self, piece: bytes, *, last: bool) -> None:
        self.coming.put_nowait({"type": "http.request", "body": piece, "more_body": not last})

    async def send(self, message: dict[str, Any]) -> None:
        self.status = message.get("status", self.status)
        self.body += message.get("body", b"")

    async def through(self, app: Application) -> None:
        await app(self.scope, self.coming.get, self.send)  # type: ignore[arg-type]


def test_bodies_that_never_end_do_not_keep_others_from_the_pages():
    async def scenario() -> None:
        app = application(body_seconds=3600)
        stuck = [Client("/forgotten", length=1000) for _ in range(2 * PAGE_THREADS)]
        for client in stuck:
            client.sends(b"identifier=", last=False)
        waiting = [asyncio.create_task(client.through(app)) for client in stuck]
        honest = Client("/forgotten", length=len(FORM))
        honest.sends(FORM[:5], last=False)
        honest.sends(FORM[5:], last=True)
        try:
            await asyncio.wait_for(honest.through(app), 10)
        finally:
            for client in stuck:
                client.coming.put_nowait({"type": "http.disconnect"})
            await asyncio.wait(waiting)
        assert (honest.status, honest.body) == (200, FORM)
        assert all(client.status is None for client in stuck)

    asyncio.run(scenario())


@pytest.mark.parametrize("path", ["/forgotten", "/token"])
def test_a_body_that_does_not_come_in_time_is_refused(path):
    async def scenario() -> None:
        late = Client(path, length=1000)
        late.sends(b"identifier=", last=False)
        await asyncio.wait_for(late.through(application(body_seconds=0.01)), 10)
        assert late.status == 408

    asyncio.run(scenario())


def test_a_body_without_announced_length_is_not_kept_beyond_the_limit():
    async def scenario() -> None:
        greedy = Client("/forgotten", length=0)
        greedy.scope["headers"] = [(b"transfer-encoding", b"chunked")]
        for _ in range(3):
            greedy.sends(b"x" * 40_000, last=False)
        await asyncio.wait_for(greedy.through(application(body_seconds=3600)), 10)
        assert greedy.status == 413
        assert greedy.coming.qsize() == 1

    asyncio.run(scenario())


@pytest.mark.spec("WEB-06")
def test_a_header_that_only_looks_like_a_forwarded_address_never_reaches_the_pages():
    """WSGI writes `X_Forwarded_For` and `X-Forwarded-For` as one name; a proxy that rewrites the second lets the first pass."""
    seen: list[str | None] = []

    def address(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append(environ.get("HTTP_X_FORWARDED_FOR"))
        start_response("200 OK", [])
        return []

    async def scenario() -> None:
        forger = Client(
            "/", length=0, headers=((b"x-forwarded-for", b"192.0.2.7"), (b"x_forwarded_for", b"198.51.100.1"))
        )
        forger.sends(b"", last=True)
        await Application(machine={}, pages=lambda: address, randomness=system_randomness, hsts=False)(
            forger.scope, forger.coming.get, forger.send
        )

    asyncio.run(scenario())
    assert seen == ["192.0.2.7"]
