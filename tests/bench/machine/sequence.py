"""A fixed sequence of operations inside one process: the assembled application, called as its server calls it, one at a time.

No network but the step of Redis, no concurrency: what it executes is the same each time, so its instruction counts compare two
versions of the code on a machine as noisy as may be (`--counts`), and a profile of it says where the time goes (`--profile`).
"""

import argparse
import cProfile
import json
import os
import pstats
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvloop

from gateway.settings import read_settings
from gateway.wiring.application import build
from gateway.wiring.stores import open_stores, read_idp_config
from tests.bench import measure
from tests.bench.machine.operations import AUTHORIZATION, CODE, INTROSPECTION, OPERATIONS, REFRESH, Operation, believed
from tests.bench.machine.ours import Gateway

REPEATED = 200
WARM = 20


class Caller:
    """The server's part of the conversation, without its cost."""

    def __init__(self, config: Path) -> None:
        settings = read_settings(config)
        self.application = build(settings, read_idp_config(settings), open_stores(settings, node="bench"))

    async def call(self, operation: Operation, value: str | None) -> bytes:
        form = operation.form + (
            "" if value is None else f"{'&' if operation.form else ''}{operation.parameter}={value}"
        )
        scope = {
            "type": "http", "method": "POST", "path": "/introspect" if operation is INTROSPECTION else "/token",
            "query_string": b"", "client": ("127.0.0.1", 1),
            "headers": [
                (b"host", b"localhost"), (b"content-type", b"application/x-www-form-urlencoded"),
                (b"authorization", AUTHORIZATION.encode()), (b"content-length", str(len(form)).encode()),
            ],
        }  # fmt: skip
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": form.encode(), "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.application(scope, receive, send)
        if sent[0]["status"] != 200:
            raise measure.Unmeasurable(f"{operation.name}: {sent}")
        return bytes(sent[1]["body"])

    async def series(self, operation: Operation, values: Sequence[str], times: int) -> None:
        value: str | None = None
        for number in range(times):
            if operation.parameter and not (operation is REFRESH and value):
                value = values[number % len(values)]
            body = await self.call(operation, value)
            if operation is REFRESH:
                value = json.loads(body)["refresh_token"]
        believed(operation, body, None)


async def _run(config: Path, pools: dict[str, list[str]], only: str, times: int, profile: str | None) -> None:
    caller = Caller(config)
    for operation in OPERATIONS:
        if only in operation.name:
            pool = pools.get(operation.name, [])
            await caller.series(operation, pool[:WARM], WARM)
            measured = cProfile.Profile() if profile else None
            if measured:
                measured.enable()
            main, whole = time.thread_time(), time.process_time()
            await caller.series(operation, pool[WARM:], times)
            main, whole = time.thread_time() - main, time.process_time() - whole
            if times:
                print(
                    f"{operation.name}: CPU {whole / times * 1e6:.0f} µs, {main / times * 1e6:.0f} of them in the loop's thread"
                )
            if measured:
                measured.disable()
                print(f"== {operation.name}")
                pstats.Stats(measured).sort_stats(str(profile)).print_stats(45)


def prepared(folder: Path, redis_port: int, times: int) -> tuple[Path, dict[str, list[str]]]:
    gateway = Gateway(folder, redis_port, people=20)
    process = gateway.start()
    try:
        measure.first_answer(gateway.health, None, process, since=time.monotonic())
        needed = {CODE: times + WARM, INTROSPECTION: WARM + 1, REFRESH: 2 * WARM}
        return gateway.config, {one.name: list(gateway.pool(one, count)) for one, count in needed.items()}
    finally:
        process.stop()


def counts(times: int = 100) -> dict[str, int]:
    """Instructions of the whole process for one of each operation, by callgrind; empty when valgrind is not here."""
    if shutil.which("valgrind") is None:
        return {}
    from tests.bench.machine.run import running_redis

    with tempfile.TemporaryDirectory() as name, running_redis(Path(name)) as (_, port):
        folder = Path(name)
        config, pools = prepared(folder, port, times)
        (folder / "pools.json").write_text(json.dumps(pools))
        start = _instructions(folder, config, "nothing", times)
        found = {one.name: _instructions(folder, config, one.name, times) for one in OPERATIONS}
    return {operation: round((total - start) / (times + WARM)) for operation, total in found.items()}


def _instructions(folder: Path, config: Path, only: str, times: int) -> int:
    argv = [
        "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable, "-m",
        "tests.bench.machine.sequence", "--config", str(config), "--pools", str(folder / "pools.json"), "--only", only,
        "--times", str(times),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment)
    collected = re.findall(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not collected:
        raise measure.Unmeasurable(done.stderr[-2000:])
    return int(collected[0])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path)
    parser.add_argument("--pools", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--times", type=int, default=REPEATED)
    parser.add_argument("--profile", choices=["tottime", "cumtime"])
    asked = parser.parse_args()
    if asked.config:
        known = json.loads(asked.pools.read_text())
        uvloop.run(_run(asked.config, known, asked.only, asked.times, asked.profile))
    else:
        from tests.bench.machine.run import running_redis

        with tempfile.TemporaryDirectory() as place, running_redis(Path(place)) as (_, listening):
            where, ready = prepared(Path(place), listening, asked.times)
            uvloop.run(_run(where, ready, asked.only, asked.times, asked.profile))
