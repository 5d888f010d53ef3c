"""The Redis of a campaign: beside the load generator, nothing written to disk."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from tests.bench import measure


@contextmanager
def running_redis(folder: Path) -> Iterator[tuple[measure.Process, int]]:
    port = measure.free_port()
    argv = [
        "redis-server",
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "no",
        "--dir",
        str(folder),
    ]
    process = measure.Process(argv, core=measure.LOAD_CORE, log=folder / "redis.log")
    try:
        started = time.monotonic()
        with redis.Redis(port=port) as store:
            while True:
                try:
                    store.ping()
                    break
                except redis.ConnectionError:
                    if time.monotonic() - started > 10 or not process.alive():
                        raise
                    time.sleep(0.02)
        yield process, port
    finally:
        process.stop()
