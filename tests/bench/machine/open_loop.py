"""Latency in open loop: turns at a share of the capacity just measured, ours and the peer's in alternation.

A turn in which a request failed is refused, repeated and counted, and so is one that met neighbours on the servers' core; only
with the bench put before them by priority are these let in, and their share is told. Turns between two measurements of the
capacity that differ are refused too.
"""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from tests.bench import arrivals, campaign, measure
from tests.bench.campaign import Refusals
from tests.bench.machine.operations import (
    AUTHORIZATION,
    CLIENT_CREDENTIALS,
    INTROSPECTION,
    Contender,
    Operation,
)
from tests.bench.machine.windows import Windows
from tests.bench.measure import Unmeasurable

OPERATIONS = (CLIENT_CREDENTIALS, INTROSPECTION)
SHARES = (0.5, 0.8)
_SAYS = {INTROSPECTION.name: b'"active":true', CLIENT_CREDENTIALS.name: b'"access_token"'}


def stream(contender: Contender, operation: Operation, per_second: float) -> arrivals.Stream:
    """With a value of its own, made now: tokens live five minutes."""
    values = contender.pool(operation, 1) if operation.parameter else ()
    fields = [*([operation.form] if operation.form else []), *(f"{operation.parameter}={one}" for one in values)]
    address = urlsplit(contender.url(operation))
    return arrivals.Stream(
        operation.name,
        address.port or 0,
        address.path,
        per_second,
        "&".join(fields),
        AUTHORIZATION,
        says=_SAYS[operation.name],
    )


def turn(
    streams: Sequence[arrivals.Stream], seconds: float, seed: int, *, server: int, refusals: Refusals
) -> tuple[dict[str, list[float]], float] | None:
    """The latencies of one good turn and the neighbours' share of the core; None when no attempt was good."""
    for _ in range(campaign.ATTEMPTS):
        measure.await_quiet()
        neighbours = measure.Neighbours(server)
        try:
            latencies = arrivals.offer(streams, seconds, seed)
        except Unmeasurable as error:
            refusals.note(error)
            measure.settle(server)
            continue
        share = neighbours.share()
        measure.settle(server)
        if share < measure.FOREIGN_LIMIT or measure.PRIORITY < 0:
            return latencies, share
        refusals.note(campaign.NEIGHBOURS)
    return None


def latency(contenders: Sequence[Contender], windows: Windows, *, rounds: int, seconds: float) -> dict[str, Any]:
    """Measures, prints the table, returns `open_loop` and what was refused."""
    taken: dict[str, list[dict[str, float]]] = {}
    refusals: dict[str, Refusals] = {}
    for number in range(rounds):
        for operation in OPERATIONS:
            for contender in campaign.rotated(list(contenders), number):
                name = f"{operation.name} {contender.name}"
                refused = refusals.setdefault(name, Refusals())
                taken.setdefault(name, []).extend(_round(contender, operation, windows, seconds, number, refused))
    print(f"\n{measure.table(_rows(taken, refusals))}\n{campaign.said(refusals)}")
    return {
        "open_loop": taken,
        "open_loop_refused": {name: dict(one.reasons) for name, one in refusals.items()},
    }


def _round(
    contender: Contender, operation: Operation, windows: Windows, seconds: float, seed: int, refusals: Refusals
) -> list[dict[str, float]]:
    def turns(capacity: float) -> list[dict[str, float]]:
        return _turns(contender, operation, capacity, seconds, seed, refusals)

    return campaign.steadily(lambda: windows.of(contender, operation, 2).per_second, turns, refusals) or []


def _turns(
    contender: Contender, operation: Operation, capacity: float, seconds: float, seed: int, refusals: Refusals
) -> list[dict[str, float]]:
    found = []
    for share in SHARES:
        good = turn(
            [stream(contender, operation, capacity * share)], seconds, seed, server=contender.pid, refusals=refusals
        )
        if good is not None:
            (latencies,), foreign = good[0].values(), good[1]
            p50, p99 = arrivals.percentile(latencies, 0.5), arrivals.percentile(latencies, 0.99)
            found.append({"share": share, "capacity": capacity, "p50": p50, "p99": p99, "foreign": round(foreign, 3)})
    return found


def _rows(taken: Mapping[str, Sequence[Mapping[str, float]]], refusals: Mapping[str, Refusals]) -> list[list[str]]:
    rows = [["operation, server", "load", "p50 ms", "p99 ms (min-max)", "others on the core", "turns (refused)"]]
    for name, turns in taken.items():
        for share in SHARES:
            of = {unit: [one[unit] for one in turns if one["share"] == share] for unit in ("p50", "p99", "foreign")}
            if not of["p99"]:
                rows.append([name, f"{share:.0%}", "not measured", "", "", f"0 ({len(refusals[name])})"])
                continue
            p99 = f"{statistics.median(of['p99']):.1f} ({min(of['p99']):.1f}-{max(of['p99']):.1f})"
            rows.append([
                name, f"{share:.0%}", f"{statistics.median(of['p50']):.2f}", p99,
                f"{statistics.median(of['foreign']):.0%}", f"{len(of['p99'])} ({len(refusals[name])})",
            ])  # fmt: skip
    return rows
