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
from tests.bench.machine.redis_server import running_redis

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

    async def redeem(self, code: str) -> dict[str, str]:
        """The tokens of a code, made in this process: valgrind is so slow that others would have died meanwhile."""
        answer: dict[str, str] = json.loads(await self.call(CODE, code))
        return answer

    async def series(self, operation: Operation, values: Sequence[str], times: int) -> list[str]:
        """Asks so many times, with each value in turn; gives the values for a next series."""
        if not times:
            return list(values)
        for number in range(times):
            value = values[number % len(values)] if values else None
            body = await self.call(operation, value)
            if operation is REFRESH:
                values = [json.loads(body)["refresh_token"]]
        believed(operation, body, None)
        return list(values[times:] if operation is CODE else values)


async def _run(config: Path, codes: list[str], only: str, times: int, profile: str | None) -> None:
    caller = Caller(config)
    # Whatever is measured, and when nothing is: so its cost is in every count, and in no difference between them.
    tokens = await caller.redeem(codes[0])
    pools = {REFRESH: [tokens["refresh_token"]], INTROSPECTION: [tokens["access_token"]], CODE: codes[1:]}
    for operation in OPERATIONS:
        if only in operation.name:
            pool = await caller.series(operation, pools.get(operation, []), WARM)
            measured = cProfile.Profile() if profile else None
            if measured:
                measured.enable()
            main, whole = time.thread_time(), time.process_time()
            await caller.series(operation, pool, times)
            main, whole = time.thread_time() - main, time.process_time() - whole
            if times:
                print(
                    f"{operation.name}: CPU {whole / times * 1e6:.0f} µs, {main / times * 1e6:.0f} of them in the loop's thread"
                )
            if measured:
                measured.disable()
                print(f"== {operation.name}")
                pstats.Stats(measured).sort_stats(str(profile)).print_stats(45)


def prepared(folder: Path, redis_port: int, times: int) -> tuple[Gateway, list[str]]:
    """A gateway that is not started, and as many codes as one process needs; they live for an hour."""
    gateway = Gateway(folder, redis_port, people=20)
    return gateway, list(gateway.pool(CODE, times + WARM + 1))


def counts(times: int = 100) -> dict[str, int]:
    """Instructions of the whole process for one of each operation, by callgrind; empty when valgrind is not here."""
    if shutil.which("valgrind") is None:
        return {}
    with tempfile.TemporaryDirectory() as name, running_redis(Path(name)) as (_, port):
        folder = Path(name)
        gateway, _ = prepared(folder, port, 0)
        start = _instructions(folder, gateway, "nothing", times)
        found = {one.name: _instructions(folder, gateway, one.name, times) for one in OPERATIONS}
    return {operation: round((total - start) / (times + WARM)) for operation, total in found.items()}


def _instructions(folder: Path, gateway: Gateway, only: str, times: int) -> int:
    codes = folder / "codes.json"
    codes.write_text(json.dumps(list(gateway.pool(CODE, times + WARM + 1))))
    argv = [
        "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable, "-m",
        "tests.bench.machine.sequence", "--config", str(gateway.config), "--codes", str(codes), "--only", only,
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
    parser.add_argument("--codes", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--times", type=int, default=REPEATED)
    parser.add_argument("--profile", choices=["tottime", "cumtime"])
    asked = parser.parse_args()
    if asked.config:
        known = json.loads(asked.codes.read_text())
        uvloop.run(_run(asked.config, known, asked.only, asked.times, asked.profile))
    else:
        with tempfile.TemporaryDirectory() as place, running_redis(Path(place)) as (_, listening):
            made, ready = prepared(Path(place), listening, asked.times)
            uvloop.run(_run(made.config, ready, asked.only, asked.times, asked.profile))
