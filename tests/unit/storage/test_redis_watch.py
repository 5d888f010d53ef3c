"""The watch over the oldest question to Redis: who is late is given up, and never for a delay of our own."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gateway.storage.ephemeral.on_redis.async_link import _Pipeline


class HandMovedLoop:
    def __init__(self) -> None:
        self.now, self.timers = 0.0, list[tuple[float, Callable[..., None], tuple[Any, ...]]]()
        self._real = asyncio.new_event_loop()

    def time(self) -> float:
        return self.now

    def create_future(self) -> asyncio.Future[Any]:
        return self._real.create_future()

    def call_soon(self, call: Callable[[], None]) -> None:
        call()

    def call_at(self, when: float, call: Callable[..., None], *arguments: Any) -> None:
        self.timers.append((when, call, arguments))

    def call_later(self, delay: float, call: Callable[..., None], *arguments: Any) -> None:
        self.call_at(self.now + delay, call, *arguments)

    def until(self, now: float) -> None:
        self.now = now
        for due in [timer for timer in self.timers if timer[0] <= now]:
            self.timers.remove(due)
            due[1](*due[2])


class Transport:
    def __init__(self) -> None:
        self.aborted = False

    def write(self, octets: bytes) -> None: ...

    def abort(self) -> None:
        self.aborted = True


@pytest.fixture
def loop() -> HandMovedLoop:
    return HandMovedLoop()


@pytest.fixture
def transport() -> Transport:
    return Transport()


@pytest.fixture
def pipeline(loop: HandMovedLoop, transport: Transport) -> _Pipeline:
    made = _Pipeline(loop, 0.2)  # type: ignore[arg-type]
    made.connection_made(transport)  # type: ignore[arg-type]
    return made


def test_a_question_that_nobody_answers_ends_the_connection(loop, transport, pipeline) -> None:
    pipeline.ask(("PING",))
    loop.until(0.19)
    assert not transport.aborted
    loop.until(0.2)
    loop.until(0.21)
    assert transport.aborted and pipeline.lost


def test_what_came_while_this_process_was_held_up_is_read_before_it_gives_up(loop, transport, pipeline) -> None:
    answer = pipeline.ask(("PING",))
    loop.until(3.0)
    pipeline.data_received(b"+PONG\r\n")
    loop.until(3.1)
    assert answer.result() == b"PONG" and not transport.aborted


def test_each_question_has_its_own_time(loop, transport, pipeline) -> None:
    pipeline.ask(("PING",))
    loop.until(0.15)
    pipeline.ask(("PING",))
    pipeline.data_received(b"+PONG\r\n")
    for now in (0.2, 0.21, 0.34):
        loop.until(now)
    assert not transport.aborted
    for now in (0.35, 0.36):
        loop.until(now)
    assert transport.aborted


def test_without_a_question_nothing_is_watched(loop, pipeline) -> None:
    pipeline.ask(("PING",))
    pipeline.data_received(b"+PONG\r\n")
    loop.until(0.2)
    assert loop.timers == []
    pipeline.ask(("PING",))
    assert len(loop.timers) == 1
