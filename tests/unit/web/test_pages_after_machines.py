"""Machines are served before the pages are built; who asks for a page meanwhile waits; without pages a worker ends."""

import asyncio
import subprocess
import sys
import threading
from typing import Any

import pytest

from gateway.app import STARTUP_FAILURE, Application
from gateway.randomness import system_randomness
from gateway.web.machine_door import MachineRequest, MachineResponse

_WITHOUT_PAGES = """
import asyncio, sys
from gateway.app import Application
from gateway.settings import ConfigurationError

def pages():
    raise {"LookupError": LookupError, "ConfigurationError": ConfigurationError}[sys.argv[1]]("something is not there")

async def begin():
    messages = iter([{"type": "lifespan.startup"}])
    told = []
    async def receive():
        for message in messages:
            return message
        await asyncio.Event().wait()
    async def send(message):
        told.append(message)
    await Application(machine={}, pages=pages, randomness=bytes, hsts=False)({"type": "lifespan"}, receive, send)

asyncio.run(begin())
"""


async def _machine(_: MachineRequest) -> MachineResponse:
    return MachineResponse(200, b"machine")


def _page(_: Any, start: Any) -> list[bytes]:
    start("200 OK", [("Content-Type", "text/plain")])
    return [b"page"]


async def _asked(application: Application, path: str) -> bytes:
    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": [],
        "client": ("127.0.0.1", 5000), "server": ("127.0.0.1", 80), "scheme": "http", "http_version": "1.1", "root_path": "",
    }  # fmt: skip
    body = bytearray()

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        body.extend(message.get("body", b""))

    await application(scope, receive, send)
    return bytes(body)


def test_machines_are_served_while_the_pages_are_built_and_who_asks_for_a_page_waits() -> None:
    built, calls = threading.Event(), []

    def pages() -> Any:
        calls.append("built")
        assert built.wait(30)
        return _page

    application = Application(
        machine={"/token": {"GET": _machine}}, pages=pages, randomness=system_randomness, hsts=False
    )

    async def visits() -> None:
        waiting = [asyncio.create_task(_asked(application, "/")) for _ in range(3)]
        assert await _asked(application, "/token") == b"machine"
        assert not any(task.done() for task in waiting)
        built.set()
        assert await asyncio.gather(*waiting) == [b"page"] * 3

    asyncio.run(visits())
    assert calls == ["built"], "once"


def test_who_leaves_while_waiting_takes_the_pages_from_nobody_else() -> None:
    built = threading.Event()

    def pages() -> Any:
        assert built.wait(30)
        return _page

    application = Application(machine={}, pages=pages, randomness=system_randomness, hsts=False)

    async def visits() -> None:
        one, other = (asyncio.create_task(_asked(application, "/")) for _ in range(2))
        await asyncio.sleep(0)
        one.cancel()
        await asyncio.wait([one])
        built.set()
        assert await other == b"page"

    asyncio.run(visits())


@pytest.mark.parametrize(("failure", "traced"), [("LookupError", True), ("ConfigurationError", False)])
def test_a_worker_that_cannot_build_its_pages_ends_and_says_why(failure: str, traced: bool) -> None:
    command = [sys.executable, "-c", _WITHOUT_PAGES, failure]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == STARTUP_FAILURE
    assert "something is not there" in ended.stderr
    assert ("Traceback" in ended.stderr) == traced, "what an operator can mend is a sentence"
