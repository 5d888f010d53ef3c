"""Campaign "growth": what the same operations cost with ten thousand and with a million accounts, habilitations and sessions.

Two gateways, each with its own database in one Redis and its own durable store, measured in one run, in alternation. The people
who are asked about are as many in both, and stand scattered among the others: `anybody` are more than a worker remembers, so
that each is read anew; `known` are few and remembered. The ratio of the large deployment to the small one may be 1.3.
"""

import math
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import redis

from gateway.wiring.remembered_people import MOST
from tests.bench import campaign, measure
from tests.bench.campaign import Ratio, Series
from tests.bench.machine import operations
from tests.bench.machine.operations import CLIENT_CREDENTIALS, OPERATIONS, REFRESH, Operation
from tests.bench.machine.ours import Gateway, add_people
from tests.bench.machine.population import SITE, Population, start_sessions
from tests.bench.machine.redis_server import running_redis
from tests.bench.machine.windows import Windows
from tests.bench.measure import Target, Unmeasurable

LIMIT = 1.3
ANYBODY, KNOWN = MOST + 552, 256
_SPREAD = 20
"""So many of those who are asked about come after each twentieth of the others."""


class Deployment:
    """A gateway with `size` accounts; `filled_in`: the seconds that the others took."""

    def __init__(self, name: str, size: int, folder: Path, redis_port: int, number: int, database: str | None) -> None:
        folder.mkdir()
        self.name, self.size = name, size
        self.gateway = Gateway(folder, redis_port, people=1, database=database, redis_database=number)
        self.store = redis.Redis(port=redis_port, db=number)
        since = time.monotonic()
        with _all_cores():
            self._fill()
        self.filled_in = time.monotonic() - since
        self.known = self.gateway.accounts[:: max(1, len(self.gateway.accounts) // KNOWN)][:KNOWN]

    def _fill(self) -> None:
        gateway = self.gateway
        # The engine makes rows by itself meanwhile: both take about as long.
        with gateway.deployment() as administering, ThreadPoolExecutor(1) as beside:
            started = []
            population = Population(administering, gateway.accounts[0])
            others, now = max(0, self.size - ANYBODY), administering.stores.clock.now()
            bounds = [others * part // _SPREAD // SITE * SITE for part in range(_SPREAD + 1)]
            for first, last in pairwise(bounds):
                started.append(beside.submit(start_sessions, self.store, population.add(first, last), now))
                numbers = range(len(gateway.accounts), len(gateway.accounts) + ANYBODY // _SPREAD)
                gateway.accounts += add_people(administering, numbers)
            for one in started:
                one.result()
            population.settle()


class Asked:
    """One deployment as the bench asks it, about `people` alone."""

    def __init__(self, deployment: Deployment, people: Sequence[str], whose: str) -> None:
        self._gateway, self._people, self._whose = deployment.gateway, people, whose
        self.name = f"{whose} {deployment.name}"

    @property
    def pid(self) -> int:
        return self._gateway.pid

    def url(self, operation: Operation) -> str:
        return self._gateway.url(operation)

    def pool(self, operation: Operation, count: int) -> Sequence[str]:
        if operation is operations.CODE and self._whose == "known":
            self._gateway.pool(REFRESH, len(self._people), self._people)  # whose codes have told of them
        return self._gateway.pool(operation, count, self._people)


def growth(
    *,
    rounds: int,
    seconds: float,
    budget: float,
    only: str,
    database: str | None,
    small: int,
    large: int,
    keep: Callable[[Mapping[str, Any]], None],
) -> None:
    """Measures, prints the table, keeps `growth`. `database`: two PostgreSQL addresses, with a comma between them."""
    urls = (database or "").split(",") if database else [None, None]
    with tempfile.TemporaryDirectory(prefix="bench-growth-") as name, ExitStack() as stack:
        folder = Path(name)
        store, port = stack.enter_context(running_redis(folder))
        both = [
            Deployment(f"{size:,}", size, folder / f"{place}", port, place, urls[place])
            for place, size in enumerate((small, large))
        ]
        for one in both:
            process = one.gateway.start()
            stack.callback(process.stop)
            measure.first_answer(one.gateway.health, None, process, since=time.monotonic(), patience=60)
            print(f"{one.name} accounts and sessions: the others made in {one.filled_in:.0f} s", flush=True)
        windows = Windows(folder, store, *(one.store for one in both))
        asked = {
            person.name: person
            for one in both
            for person in (Asked(one, one.gateway.accounts, "anybody"), Asked(one, one.known, "known"))
        }
        targets = [
            Target(f"{operation.name} {who}", who, operation.name)
            for operation in OPERATIONS
            for who in asked
            if only in operation.name and (operation is not CLIENT_CREDENTIALS or who.startswith("anybody"))
        ]

        def window(target: Target, length: float = seconds) -> measure.Window:
            operation = next(one for one in OPERATIONS if one.name == target.path)
            people = ANYBODY if target.server.startswith("anybody") else KNOWN
            pool = operation.pool if operation.mode == "once" else people
            return windows.of(asked[target.server], operation, length, pool=pool)

        for target in targets:
            with suppress(Unmeasurable, OSError):
                window(target, 1)
        deadline = time.monotonic() + budget
        series = campaign.measured(targets, window, rounds=rounds, deadline=deadline)
    keep({"growth": _told(series, both[0], both[1], database)})


def _told(series: Mapping[str, Series], small: Deployment, large: Deployment, database: str | None) -> dict[str, Any]:
    rows = [
        ["operation", f"CPU µs, {small.name}", f"{large.name}", "times (min-max)", "at most", "", "windows (refused)"]
    ]
    found: dict[str, Any] = {}
    for name, before in series.items():
        if not name.endswith(f" {small.name}"):
            continue
        what = name.removesuffix(f" {small.name}")
        after = series[f"{what} {large.name}"]
        ratio = Ratio.between(after, before)
        verdict = "not measured" if math.isnan(ratio.median) else "kept" if ratio.median <= LIMIT else "MISSED"
        rows.append([
            what, f"{before.median('cpu_us'):.0f}", f"{after.median('cpu_us'):.0f}", str(ratio), f"{LIMIT}", verdict,
            f"{ratio.pairs} pairs ({before.refused} + {after.refused})",
        ])  # fmt: skip
        found[what] = {
            "ratio": None if math.isnan(ratio.median) else round(ratio.median, 3),
            "spread": [ratio.lowest, ratio.highest, ratio.pairs],
            "cpu_us": {"small": before.values("cpu_us"), "large": after.values("cpu_us")},
        }
    refused = campaign.said({name: one.refusals for name, one in series.items()})
    print(f"\ngrowth\n{measure.table(rows)}\n{refused}".rstrip())
    about = {"accounts": [small.size, large.size], "filled_in_s": [small.filled_in, large.filled_in]}
    return {"limit": LIMIT, "operations": found, **about, "database": "PostgreSQL" if database else "SQLite"}


@contextmanager
def _all_cores() -> Iterator[None]:
    """Filling is not measured: this process may use the servers' core for it."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {measure.SERVER_CORE, measure.LOAD_CORE})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
