"""Campaign "machine": what one operation costs us, npm oidc-provider and a bare floor, in one run on one Redis.

Four servers (ours, the peer, two floors), one worker each, resident on core 0; wrk and Redis on core 1. Every round measures
each server once for each operation, in rotating order; ratios are taken inside a round. Then open loops at half and four fifths
of the capacity, memory, and the time from exec to the first token. `ratios` says how many times the peer's operations a
core-second of ours carries.
"""

import json
import math
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import redis

from tests.bench import campaign, measure
from tests.bench.campaign import Ratio, Series
from tests.bench.machine import operations, peer
from tests.bench.machine.floor import BARE_LOOP, FLOOR, Floor
from tests.bench.machine.open_loop import latency
from tests.bench.machine.operations import OPERATIONS, Contender, Operation, asked, token_claims
from tests.bench.machine.ours import Gateway
from tests.bench.machine.redis_server import running_redis
from tests.bench.machine.windows import Windows
from tests.bench.measure import Target, Unmeasurable, Window

PEOPLE = 500
MUST = {"client_credentials": 1.2, "refresh": 1.6, "introspection": 1.1, "code": 1.5}
AIM = {"client_credentials": 2.0, "refresh": 3.0, "introspection": 2.5, "code": 2.5}
ABOVE_FLOOR = {"client_credentials": 4.0, "refresh": 4.0, "introspection": 6.0, "code": 4.0}
_ABOUT_FLOORS = (
    "floor: the recipe of the reference's floors, one blocking raw exchange with Redis for each request; floor_bare_loop, for "
    "information: the same with exchanges shared by the requests of one turn of the loop."
)


class Campaign:
    def __init__(self, folder: Path, stack: ExitStack, store: measure.Process, redis_port: int, database: str | None):
        self.windows = Windows(folder, store, redis.Redis(port=redis_port))
        self.gateway = Gateway(folder, redis_port, people=PEOPLE, database=database)
        self.peer = peer.OidcProvider(folder, redis_port)
        self._start(self.gateway, stack)
        self._start(self.peer, stack)
        self.sizes = self._equal_sizes()
        octets = {name: length - 190 for name, length in self.sizes.items()}
        self.floors = tuple(Floor(name, folder, redis_port, octets) for name in (FLOOR, BARE_LOOP))
        for floor in self.floors:
            self._start(floor, stack)
        self._servers: tuple[Gateway | peer.OidcProvider | Floor, ...] = (self.gateway, self.peer, *self.floors)
        self.contenders: dict[str, Contender] = {one.name: one for one in self._servers}

    def _start(self, contender: Gateway | peer.OidcProvider | Floor, stack: ExitStack) -> float:
        since = time.monotonic()
        process = contender.start()
        stack.callback(process.stop)
        while True:
            try:
                asked(contender.url(operations.CLIENT_CREDENTIALS), operations.CLIENT_CREDENTIALS, None)
            except OSError as error:
                if time.monotonic() - since > 60 or not process.alive():
                    raise Unmeasurable(f"{contender.name}: {error}\n{process.log.read_text()[-2000:]}") from error
                time.sleep(0.005)
            else:
                return time.monotonic() - since

    def _equal_sizes(self) -> dict[str, int]:
        """Gives the peer's tokens the size of ours; returns the octets of our claims by kind of token."""
        ours, theirs = self._claim_sizes(self.gateway), self._claim_sizes(self.peer)
        self.peer.fill(**{kind: max(0, ours[kind] - theirs[kind]) for kind in ours})
        return ours

    def _claim_sizes(self, of: Gateway | peer.OidcProvider) -> dict[str, int]:
        service = asked(of.url(operations.CLIENT_CREDENTIALS), operations.CLIENT_CREDENTIALS, None)
        (code,) = of.pool(operations.CODE, 1)
        person = asked(of.url(operations.CODE), operations.CODE, code)
        tokens = {"service": service["access_token"], "access": person["access_token"], "id": person["id_token"]}
        return {kind: len(json.dumps(token_claims(token), separators=(",", ":"))) for kind, token in tokens.items()}

    def window(self, target: Target, seconds: float) -> Window:
        contender, operation = self._of(target)
        pool = operation.pool * (3 if operation.mode == "once" and contender.name in (FLOOR, BARE_LOOP) else 1)
        return self.windows.of(contender, operation, seconds, pool=pool)

    def _of(self, target: Target) -> tuple[Contender, Operation]:
        return self.contenders[target.server], next(one for one in OPERATIONS if one.name == target.path)

    def warm(self, seconds: float) -> None:
        for target in self.targets():
            with suppress(Unmeasurable, OSError):  # its own windows will say it
                self.window(target, seconds)

    def targets(self) -> list[Target]:
        return [
            Target(f"{one} {server}", server, one) for one in (o.name for o in OPERATIONS) for server in self.contenders
        ]

    def cold(self, launches: int) -> dict[str, dict[str, list[float]]]:
        """Seconds from exec to the first token, and those of CPU until then, the resident servers stopped."""
        seconds: dict[str, list[float]] = {name: [] for name in self.contenders}
        spent: dict[str, list[float]] = {name: [] for name in self.contenders}
        for one in self._servers:
            one.process.stop()
        for _ in range(launches):
            for one in self._servers:
                with ExitStack() as stack:
                    try:
                        elapsed = self._start(one, stack)
                    except Unmeasurable as error:
                        print(f"refused, a start of {one.name}: {error}")
                    else:
                        spent[one.name].append(measure.cpu_seconds(one.pid))
                        seconds[one.name].append(elapsed)
        return {"first_token_s": seconds, "first_token_cpu_s": spent}


def machine(
    *,
    rounds: int,
    seconds: float,
    budget: float,
    only: str = "",
    database: str | None = None,
    parts: Sequence[str],
    keep: Callable[[Mapping[str, Any]], None],
) -> None:
    """Measures, prints the tables, gives `keep` what build/bench.json holds, part by part."""
    peer.install()
    _, node_version = peer.node()
    deadline = time.monotonic() + budget
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        store, redis_port = stack.enter_context(running_redis(folder))
        running = Campaign(folder, stack, store, redis_port, database)
        print(f"claims, octets: {running.sizes}; Node {node_version}; durable store: {database or 'SQLite'}")
        keep({"node": node_version, "claims_octets": running.sizes, "database": database or "SQLite"})
        if "closed" in parts:
            running.warm(2 if rounds > 3 else 1)
            targets = [target for target in running.targets() if only in target.path]
            keep(_closed(campaign.measured(
                targets, lambda target: running.window(target, seconds), rounds=rounds, deadline=deadline
            )))  # fmt: skip
        if "latency" in parts:
            both = (running.gateway, running.peer)
            keep(latency(both, running.windows, rounds=(rounds + 1) // 2, seconds=4))
        rest: dict[str, Any] = {
            "pss_mb": {name: measure.pss_megabytes(one.pid) for name, one in running.contenders.items()}
        }
        if "cold" in parts:
            rest |= running.cold(7)
        _print_rest(rest)
        keep(rest)


def _closed(series: dict[str, Series]) -> dict[str, Any]:
    rows = [
        [
            "operation",
            "server",
            "CPU µs (min-max)",
            "per core-second",
            "store µs",
            "req/s",
            "p50 ms",
            "p99 ms",
            "windows (refused)",
        ]
    ]
    verdicts = [
        ["operation", "times oidc-provider (min-max)", "must", "aim", "times the floor (min-max)", "at most", ""]
    ]
    record: dict[str, Any] = {
        name: {}
        for name in (
            "ratios", "ratios_spread", "above_floor", FLOOR, "above_floor_bare_loop", BARE_LOOP, "cpu_us",
        )
    }  # fmt: skip
    for operation in OPERATIONS:
        servers = ("passerelle", "oidc-provider", FLOOR, BARE_LOOP)
        mine = {server: series.get(f"{operation.name} {server}") for server in servers}
        ours, theirs, floor, bare_loop = (mine[server] for server in servers)
        if not (ours and theirs and floor and bare_loop):
            continue
        for server, one in mine.items():
            assert one is not None
            low, high = one.spread("cpu_us")
            rows.append([
                operation.name, server, f"{one.median('cpu_us'):.0f} ({low:.0f}-{high:.0f})",
                f"{1e6 / one.median('cpu_us'):.0f}", f"{one.median('store_cpu_us'):.0f}",
                f"{one.median('per_second'):.0f}", f"{one.median('p50_ms'):.1f}", f"{one.median('p99_ms'):.1f}",
                f"{len(one.values('cpu_us'))} ({one.refused})",
            ])  # fmt: skip
        record["cpu_us"][operation.name] = {server: one.values("cpu_us") for server, one in mine.items() if one}
        faster, above = Ratio.between(theirs, ours), Ratio.between(ours, floor)
        record["ratios"][operation.name] = round(faster.median, 3)
        record["ratios_spread"][operation.name] = [round(faster.lowest, 3), round(faster.highest, 3), faster.pairs]
        record["floor"][operation.name] = round(floor.median("cpu_us"), 1)
        record["above_floor"][operation.name] = round(above.median, 3)
        record[BARE_LOOP][operation.name] = round(bare_loop.median("cpu_us"), 1)
        record["above_floor_bare_loop"][operation.name] = round(Ratio.between(ours, bare_loop).median, 3)
        must, most = MUST[operation.name], ABOVE_FLOOR[operation.name]
        measured = not math.isnan(faster.median + above.median)
        kept = "kept" if faster.median >= must and above.median <= most else "MISSED" if measured else "not measured"
        verdicts.append([operation.name, str(faster), f"{must}", f"{AIM[operation.name]}", str(above), f"{most}", kept])
    refused = campaign.said({name: one.refusals for name, one in series.items()})
    print(f"\n{measure.table(rows)}\n{refused}\n\n{measure.table(verdicts)}\n{_ABOUT_FLOORS}")
    return record


def _print_rest(record: dict[str, Any]) -> None:
    rows = [["server", "memory (PSS), MB", "exec to first token, s (min-max)", "of them CPU"]]
    for name, pss in record["pss_mb"].items():
        cold, spent = (record.get(one, {}).get(name) for one in ("first_token_s", "first_token_cpu_s"))
        told = ["-", "-"]
        if cold:
            told = [
                f"{statistics.median(cold):.2f} ({min(cold):.2f}-{max(cold):.2f})",
                f"{statistics.median(spent):.2f}",
            ]
        rows.append([name, f"{pss:.0f}", *told])
    print(f"\n{measure.table(rows)}\nload average at the end: {os.getloadavg()[0]:.1f}")
