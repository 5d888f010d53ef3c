"""Campaign "doors", the figures of decision 0001.

Cost of a token by shape, cost of mounting pages, and the machine door's latency while slow pages run beside it.
"""

import json
import re
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import redis
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.bench import arrivals, campaign, measure
from tests.bench.campaign import Series
from tests.bench.doors import spec, stores
from tests.bench.doors.report import closed_rows, mix_rows
from tests.bench.measure import Process, Target, Unmeasurable, Window

TOKENS_PER_SECOND, SLOW_PAGES_PER_SECOND = 400.0, 5.0


@dataclass
class Bench:
    folder: Path
    store_process: Process
    store: redis.Redis
    environment: dict[str, str]
    key: ECKey
    _logs: int = 0

    def launch(self, server: spec.Server) -> tuple[Process, int]:
        self._logs += 1
        port = measure.free_port()
        environment = {**self.environment, **server.environment}
        log = self.folder / f"server-{self._logs}.log"
        return Process(server.command(port), core=measure.SERVER_CORE, log=log, environment=environment), port

    def verify(self, body: bytes) -> None:
        """The answer carries a token that verifies, and the store holds its record."""
        token = jwt.decode(json.loads(body)["access_token"], self.key, algorithms=["ES256"])
        if token.header["typ"] != "at+jwt" or not self.store.exists(f"at:{token.claims['jti']}"):
            raise Unmeasurable("a token without its record")

    def journal_lines(self) -> int:
        return int(self.store.xinfo_stream(stores.SPOOL)["entries-added"]) if self.store.exists(stores.SPOOL) else 0


@contextmanager
def bench() -> Iterator[Bench]:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder, port = Path(name), measure.free_port()
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
            name,
        ]
        process = Process(argv, core=measure.LOAD_CORE, log=folder / "redis.log")
        stack.callback(process.stop)
        store = redis.Redis(port=port)
        stack.callback(store.close)
        started = time.monotonic()
        while True:
            try:
                store.ping()
                break
            except redis.ConnectionError:
                if time.monotonic() - started > 10 or not process.alive():
                    raise
                time.sleep(0.02)
        private = ec.generate_private_key(ec.SECP256R1())
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / "key.pem").write_bytes(pem)
        environment = {"REDIS_PORT": str(port), "DOOR_KEY": str(folder / "key.pem")}
        yield Bench(folder, process, store, environment, ECKey.import_key(pem))


def cold_starts(at: Bench, launches: int) -> dict[str, list[float]]:
    """Seconds from exec to the first verified token, launches interleaved."""
    seconds: dict[str, list[float]] = {server.name: [] for server in spec.SERVERS}
    for turn in range(launches):
        for server in campaign.rotated(spec.SERVERS, turn):
            since = time.monotonic()
            process, port = at.launch(server)
            try:
                target = server.token()
                body, elapsed = measure.first_answer(
                    f"http://127.0.0.1:{port}{target.path}", target.form, process, since=since
                )
                at.verify(body)
                seconds[server.name].append(elapsed)
            finally:
                process.stop()
    return seconds


class Running:
    """The servers of a campaign, all resident."""

    def __init__(self, at: Bench, stack: ExitStack, servers: list[spec.Server]) -> None:
        self._at, self.process, self.port = at, dict[str, Process](), dict[str, int]()
        for server in servers:
            since = time.monotonic()
            process, port = at.launch(server)
            stack.callback(process.stop)
            self.process[server.name], self.port[server.name] = process, port
            target = server.token()
            body, _ = measure.first_answer(self.url(target), target.form, process, since=since)
            at.verify(body)

    def url(self, target: Target) -> str:
        return f"http://127.0.0.1:{self.port[target.server]}{target.path}"

    def window(self, target: Target, seconds: float) -> Window:
        lines = self._at.journal_lines()
        pid = self.process[target.server].pid
        taken = measure.window(self.url(target), target.form, seconds, server=pid, store=self._at.store_process.pid)
        if target.form and self._at.journal_lines() - lines < taken.requests:
            raise Unmeasurable(f"{target.name}: tokens without their journal line")
        return taken

    def verify(self, target: Target) -> None:
        with urllib.request.urlopen(self.url(target), (target.form or "").encode(), timeout=5) as answer:
            self._at.verify(answer.read())


def closed_loop(
    at: Bench, targets: list[Target], *, rounds: int, seconds: float, budget: float
) -> tuple[dict[str, Series], dict[str, float]]:
    wanted = {target.server for target in targets}
    with ExitStack() as stack:
        running = Running(at, stack, [server for server in spec.SERVERS if server.name in wanted])
        for target in targets:
            running.window(target, 1.0)
        deadline = time.monotonic() + budget
        series = campaign.measured(
            targets, lambda target: running.window(target, seconds), rounds=rounds, deadline=deadline
        )
        for target in targets:
            if target.form:
                running.verify(target)
        return series, {name: measure.pss_megabytes(process.pid) for name, process in running.process.items()}


@dataclass(frozen=True)
class Mix:
    """Tokens at a steady rate while pages are asked of the same process, or of another process on the same core."""

    name: str
    server: spec.Server
    page: str | None
    pages_server: spec.Server | None = None

    def streams(self, running: Running) -> list[arrivals.Stream]:
        token = self.server.token()
        streams = [arrivals.Stream("tokens", running.port[self.server.name], token.path, TOKENS_PER_SECOND, token.form)]
        if self.page:
            port = running.port[(self.pages_server or self.server).name]
            streams.append(arrivals.Stream("pages", port, self.page, SLOW_PAGES_PER_SECOND))
        return streams


def _mixes() -> list[Mix]:
    granian = spec.Server("two doors", "granian")
    mixes = []
    for server in (spec.PROVISIONAL, spec.PROVISIONAL_NARROW, spec.SYNC, spec.SYNC_NARROW, granian, spec.FLASK):
        mixes.append(Mix(f"{server.name}: tokens alone", server, None))
        mixes.append(Mix(f"{server.name}: and hashing pages", server, "/pages/hash"))
    for server in (spec.PROVISIONAL, spec.SYNC):
        mixes.append(Mix(f"{server.name}: and rendering pages", server, "/pages/render"))
        mixes.append(Mix(f"{server.name}: and waiting pages", server, "/pages/wait"))
    mixes.append(Mix(f"{spec.SYNC_MANY_THREADS.name}: and waiting pages", spec.SYNC_MANY_THREADS, "/pages/wait"))
    name = spec.PROVISIONAL.name
    mixes.append(Mix(f"{name}: and hashing in another process", spec.PROVISIONAL, "/pages/hash", spec.FLASK))
    return mixes


def _clean_offer(mix: Mix, running: Running, seconds: float, seed: int) -> dict[str, list[float]] | None:
    """Latencies of a turn in which nothing failed and nobody else took the servers' core; None when there was none."""
    pids = [running.process[server.name].pid for server in (mix.server, mix.pages_server) if server]
    for _ in range(campaign.ATTEMPTS):
        measure.await_quiet()
        neighbours = measure.Neighbours(*pids)
        try:
            latencies = arrivals.offer(mix.streams(running), seconds, seed)
        except Unmeasurable as error:
            print(f"refused, {mix.name}: {error}")
            continue
        # At half load neighbours fill the idle half; put before them, the servers do not wait for them.
        if measure.PRIORITY < 0 or neighbours.share() < measure.FOREIGN_LIMIT:
            return latencies
    return None


def slow_pages(
    at: Bench, *, rounds: int, seconds: float, budget: float, only: str
) -> dict[str, dict[str, list[float]]]:
    """p50, p99 and worst token latency of each mix, one value per round, and the p50 of its pages."""
    mixes = [mix for mix in _mixes() if re.search(only, mix.name)]
    servers = list(dict.fromkeys(server for mix in mixes for server in (mix.server, mix.pages_server) if server))
    found: dict[str, dict[str, list[float]]] = {
        mix.name: {"p50": [], "p99": [], "worst": [], "page_p50": []} for mix in mixes
    }
    with ExitStack() as stack:
        running = Running(at, stack, servers)
        for mix in mixes:
            arrivals.offer(mix.streams(running), 1.0, seed=0)
        deadline = time.monotonic() + budget
        for turn in range(rounds):
            if time.monotonic() > deadline:
                break
            for mix in campaign.rotated(mixes, turn):
                latencies = _clean_offer(mix, running, seconds, seed=turn + 1)
                if latencies is None:
                    continue
                for unit, share in (("p50", 0.5), ("p99", 0.99), ("worst", 1.0)):
                    found[mix.name][unit].append(arrivals.percentile(latencies["tokens"], share))
                if mix.page:
                    found[mix.name]["page_p50"].append(arrivals.percentile(latencies["pages"], 0.5))
    return found


def doors(*, rounds: int, seconds: float, budget: float, parts: set[str], only: str) -> dict[str, Any]:
    """Run the asked parts (cold, tokens, final, pages, mix), print their tables, return everything for the record."""
    record: dict[str, Any] = {"campaign": "doors", "rounds": rounds, "seconds": seconds}
    with bench() as at:
        cold = cold_starts(at, 5) if "cold" in parts else {}
        record["first_token_s"] = cold
        for part, targets, reference in (
            ("tokens", spec.TOKENS, spec.PROVISIONAL.name),
            ("final", spec.FINAL, spec.PROVISIONAL.name),
            ("pages", spec.EMPTY, spec.EMPTY_MOUNTED.name),
        ):
            if part in parts:
                series, pss = closed_loop(at, targets, rounds=rounds, seconds=seconds, budget=budget)
                print(f"\n{part}\n{measure.table(closed_rows(series, reference, pss, cold))}", flush=True)
                windows = {
                    name: {"refused": one.refused, "windows": [asdict(w) if w else None for w in one.windows]}
                    for name, one in series.items()
                }
                record[part] = {"series": windows, "pss_mb": pss}
        if "mix" in parts:
            found = slow_pages(at, rounds=rounds, seconds=1.5 * seconds, budget=budget, only=only)
            print(f"\nmix: {TOKENS_PER_SECOND:g} tokens/s, {SLOW_PAGES_PER_SECOND:g} pages/s")
            print(measure.table(mix_rows(found)), flush=True)
            record["mix"] = found
    return record
