"""The ephemeral store on its engines: SQLite, Redis, and a Redis that enforces the rules of a Cluster."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, TypeVar

import pytest
import redis

from gateway.randomness import system_randomness
from gateway.storage.ephemeral import EphemeralStore, open_ephemeral

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]
AtOnce = Callable[..., list[Any]]


@pytest.fixture(params=["sqlite", "redis", "redis-cluster"])
def ephemeral_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty store."""
    if request.param == "sqlite":
        return f"sqlite:///{request.getfixturevalue('tmp_path')}/ephemeral.db"
    url: str = request.getfixturevalue("redis_url" if request.param == "redis" else "redis_cluster_url")
    with redis.Redis.from_url(url, protocol=2) as server:
        server.flushall()
    return url


@pytest.fixture
def store(ephemeral_url: str) -> Iterator[EphemeralStore]:
    opened = open_ephemeral(ephemeral_url, system_randomness)
    yield opened
    opened.close()


@pytest.fixture
def run(store: EphemeralStore) -> Iterator[Run[Any]]:
    """Runs a coroutine of the machine door to its end, all on one event loop."""
    with asyncio.Runner() as runner:
        yield runner.run
        runner.run(store.close_async())


@pytest.fixture
def at_once(store: EphemeralStore) -> AtOnce:
    """Calls the same thing in as many threads as said, all released at the same moment; a coroutine gets its own loop."""

    def call(times: int, action: Callable[[], Any]) -> list[Any]:
        threads = min(times, 25)
        together = Barrier(threads)

        async def awaited(coroutine: Coroutine[Any, Any, Any]) -> Any:
            try:
                return await coroutine
            finally:
                await store.close_async()

        def one(number: int) -> Any:
            if number < threads:
                together.wait()
            result = action()
            return asyncio.run(awaited(result)) if asyncio.iscoroutine(result) else result

        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(one, range(times)))

    return call
