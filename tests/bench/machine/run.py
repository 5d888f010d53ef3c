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
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import redis

from tests.bench import arrivals, measure
from tests.bench.machine import operations, peer
from tests.bench.machine.floor import BARE_LOOP, FLOOR, Floor
from tests.bench.machine.operations import AUTHORIZATION, OPERATIONS, Contender, Operation, asked, token_claims
from tests.bench.machine.ours import Gateway
from tests.bench.measure import Ratio, Series, Target, Unmeasurable, Window

PEOPLE = 500
MUST = {"client_credentials": 1.2, "refresh": 1.6, "introspection": 1.1, "code": 1.5}
AIM = {"client_credentials": 2.0, "refresh": 3.0, "introspection": 2.5, "code": 2.5}
ABOVE_FLOOR = {"client_credentials": 4.0, "refresh": 4.0, "introspection": 6.0, "code": 4.0}
OPEN_LOOPS = (operations.CLIENT_CREDENTIALS, operations.INTROSPECTION)
SHARES = (0.5, 0.8)
_ABOUT_FLOORS = (
    "floor: the recipe of the reference's floors, one blocking raw exchange with Redis for each request; floor_bare_loop, for "
    "information: the same with exchanges shared by the requests of one turn of the loop."
)


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


class Campaign:
    def __init__(self, folder: Path, stack: ExitStack, store: measure.Process, redis_port: int, database: str | None):
        self._folder, self._store = folder, store
        self._redis = redis.Redis(port=redis_port)
        self.gateway = Gateway(folder, redis_port, people=PEOPLE, database=database)
        self.peer = peer.OidcProvider(folder, redis_port)
        self._start(self.gateway, stack)
        self._start(self.peer, stack)
        self.sizes = self._equal_sizes()
        octets = {name: length - 190 for name, length in self.sizes.items()}
        self.floors = tuple(Floor(name, folder, redis_port, octets) for name in (FLOOR, BARE_LOOP))
        for floor in self.floors:
            self._start(floor, stack)
        self._servers = (self.gateway, self.peer, *self.floors)
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
        self._forget_lines()
        script = {"AUTHORIZATION": AUTHORIZATION}
        if operation.parameter is not None:
            once = operation.mode == "once"
            values = contender.pool(operation, operation.pool * (3 if once and contender in self.floors else 1))
            if operation.mode != "rotate":
                asked(contender.url(operation), operation, values[0])
            pool = self._folder / "pool"
            pool.write_text("\n".join(values[1:]) + "\n")
            script |= {"POOL": str(pool), "FIELD": operation.parameter, "MODE": operation.mode}
            if once:
                seconds = 1.0  # the pool must last
        return measure.window(
            contender.url(operation),
            operation.form,
            seconds,
            server=contender.pid,
            store=self._store.pid,
            script=script,
        )

    def _of(self, target: Target) -> tuple[Contender, Operation]:
        return self.contenders[target.server], next(one for one in OPERATIONS if one.name == target.path)

    def _forget_lines(self) -> None:
        """The jobs would have taken them: kept for ever they would only fill Redis."""
        self._redis.delete(*(f"{{p{partition:x}}}:events" for partition in range(16)))

    def warm(self, seconds: float) -> None:
        for target in self.targets():
            self.window(target, seconds)

    def targets(self) -> list[Target]:
        return [
            Target(f"{one} {server}", server, one) for one in (o.name for o in OPERATIONS) for server in self.contenders
        ]

    def open_loop(
        self, operation: Operation, contender: Contender, rounds: int, seconds: float
    ) -> list[dict[str, float]]:
        values = contender.pool(operation, 1) if operation.parameter else ()
        form = "&".join(
            [*([operation.form] if operation.form else []), *(f"{operation.parameter}={v}" for v in values)]
        )
        address = urlsplit(contender.url(operation))
        found = []
        for turn in range(rounds):
            capacity = self.window(Target("", contender.name, operation.name), 2).per_second
            for share in SHARES:
                stream = arrivals.Stream("one", address.port or 0, address.path, capacity * share, form, AUTHORIZATION)
                measure.await_quiet()
                latencies = arrivals.offer([stream], seconds, turn)["one"]
                measure.settle(contender.pid)
                p50, p99 = arrivals.percentile(latencies, 0.5), arrivals.percentile(latencies, 0.99)
                found.append({"share": share, "capacity": capacity, "p50": p50, "p99": p99})
        return found

    def cold(self, launches: int) -> dict[str, list[float]]:
        """Seconds from exec to the first token, the resident servers stopped."""
        seconds: dict[str, list[float]] = {name: [] for name in self.contenders}
        for one in self._servers:
            one.process.stop()
        for _ in range(launches):
            for one in self._servers:
                with ExitStack() as stack:
                    seconds[one.name].append(self._start(one, stack))
        return seconds


def machine(
    *, rounds: int, seconds: float, budget: float, only: str = "", database: str | None = None, parts: Sequence[str]
) -> dict[str, Any]:
    """Measures, prints the tables, returns what build/bench.json keeps."""
    peer.install()
    _, node_version = peer.node()
    deadline = time.monotonic() + budget
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        store, redis_port = stack.enter_context(running_redis(folder))
        campaign = Campaign(folder, stack, store, redis_port, database)
        print(f"claims, octets: {campaign.sizes}; Node {node_version}; durable store: {database or 'SQLite'}")
        campaign.warm(2 if rounds > 3 else 1)
        targets = [target for target in campaign.targets() if only in target.path]
        series = measure.campaign(
            targets, lambda target: campaign.window(target, seconds), rounds=rounds, deadline=deadline
        )
        record = _closed(series)
        if "latency" in parts:
            record["open_loop"] = _latency(campaign, rounds=max(3, rounds // 2), seconds=4)
        record["pss_mb"] = {name: measure.pss_megabytes(one.pid) for name, one in campaign.contenders.items()}
        if "cold" in parts:
            record["first_token_s"] = campaign.cold(5)
        _print_rest(record)
    return {"campaign": "machine", "node": node_version, "claims_octets": campaign.sizes, **record}


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
    print(f"\n{measure.table(rows)}\n\n{measure.table(verdicts)}\n{_ABOUT_FLOORS}")
    return record


def _latency(campaign: Campaign, *, rounds: int, seconds: float) -> dict[str, Any]:
    found: dict[str, Any] = {}
    rows = [["operation", "server", "load", "p50 ms", "p99 ms (min-max)"]]
    for operation in OPEN_LOOPS:
        for name in ("passerelle", "oidc-provider"):
            taken = campaign.open_loop(operation, campaign.contenders[name], rounds, seconds)
            found[f"{operation.name} {name}"] = taken
            for share in SHARES:
                p50 = [one["p50"] for one in taken if one["share"] == share]
                p99 = [one["p99"] for one in taken if one["share"] == share]
                spread = f"{statistics.median(p99):.1f} ({min(p99):.1f}-{max(p99):.1f})"
                rows.append([operation.name, name, f"{share:.0%}", f"{statistics.median(p50):.2f}", spread])
    print(f"\n{measure.table(rows)}")
    return found


def _print_rest(record: dict[str, Any]) -> None:
    rows = [["server", "memory (PSS), MB", "exec to first token, s (min-max)"]]
    for name, pss in record["pss_mb"].items():
        cold = record.get("first_token_s", {}).get(name)
        rows.append(
            [name, f"{pss:.0f}", f"{statistics.median(cold):.2f} ({min(cold):.2f}-{max(cold):.2f})" if cold else "-"]
        )
    print(f"\n{measure.table(rows)}\nload average at the end: {os.getloadavg()[0]:.1f}")
