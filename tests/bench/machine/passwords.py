"""Campaign "passwords": how long tokens wait when people sign in with a password on the same core.

One worker at half of its capacity of client_credentials, in open loop, without anybody and with five sign-ins a second, in
alternation; the profile's own Argon2 parameters. The p99 with them may be twice the p99 without.
"""

import math
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import redis

from tests.bench import arrivals, campaign, measure
from tests.bench.campaign import Refusals
from tests.bench.machine.open_loop import stream, turn
from tests.bench.machine.operations import CLIENT_CREDENTIALS
from tests.bench.machine.ours import Gateway, add_people
from tests.bench.machine.redis_server import running_redis
from tests.bench.machine.sign_in import PASSWORD, PROXY, SignIns
from tests.bench.machine.windows import Windows

LIMIT = 2.0
SHARE = 0.5
PER_SECOND = 5.0
PEOPLE = 300
WITHOUT, WITH = "tokens alone", "tokens beside sign-ins"


def passwords(
    *,
    rounds: int,
    seconds: float,
    budget: float,
    database: str | None,
    keep: Callable[[Mapping[str, Any]], None],
) -> None:
    """Measures, prints the table, keeps `passwords_beside`."""
    with tempfile.TemporaryDirectory(prefix="bench-passwords-") as name, ExitStack() as stack:
        folder = Path(name)
        store, port = stack.enter_context(running_redis(folder))
        gateway = Gateway(folder, port, people=0, database=database, trusted_proxies=[PROXY])
        with gateway.deployment() as administering:
            add_people(administering, range(PEOPLE), PASSWORD)
            parameters = {
                name: administering.settings.values[f"argon2id.{name}"] for name in ("memory_kib", "iterations")
            }
        process = gateway.start()
        stack.callback(process.stop)
        measure.first_answer(gateway.health, None, process, since=time.monotonic(), patience=60)
        windows = Windows(folder, store, redis.Redis(port=port))
        at = urlsplit(gateway.url(CLIENT_CREDENTIALS)).port or 0
        signing_in = SignIns(at, [f"banc.{number}" for number in range(PEOPLE)])
        people = arrivals.Stream("sign-ins", at, "/authorize", PER_SECOND, act=signing_in.one)
        arrivals.offer([people], 2, seed=0)  # the pages once, before anything is timed
        rows, refusals = _rounds(gateway, windows, people, rounds, seconds, time.monotonic() + budget)
    keep({"passwords_beside": _told(rows, refusals, signing_in.done) | {"argon2id": parameters}})


def _rounds(
    gateway: Gateway, windows: Windows, people: arrivals.Stream, rounds: int, seconds: float, deadline: float
) -> tuple[list[dict[str, dict[str, float]]], Refusals]:
    """Of each whole round, what each kind of turn gave."""
    found, refusals = [], Refusals()
    for number in range(rounds):
        if time.monotonic() > deadline:
            break

        def turns(capacity: float, number: int = number) -> dict[str, dict[str, float]]:
            return _turns(gateway, people, capacity, seconds, number, refusals)

        taken = campaign.steadily(lambda: windows.of(gateway, CLIENT_CREDENTIALS, 2).per_second, turns, refusals)
        if taken is not None and len(taken) == 2:
            found.append(taken)
    return found, refusals


def _turns(
    gateway: Gateway, people: arrivals.Stream, capacity: float, seconds: float, number: int, refusals: Refusals
) -> dict[str, dict[str, float]]:
    tokens = stream(gateway, CLIENT_CREDENTIALS, capacity * SHARE)
    taken: dict[str, dict[str, float]] = {}
    for kind in campaign.rotated([WITHOUT, WITH], number):
        streams = [tokens, people] if kind == WITH else [tokens]
        good = turn(streams, seconds, number, server=gateway.pid, refusals=refusals)
        if good is not None:
            taken[kind] = _figures(good[0][tokens.name], good[0].get(people.name, ())) | {
                "capacity": capacity,
                "foreign": round(good[1], 3),
            }
    return taken


def _figures(tokens: Sequence[float], people: Sequence[float]) -> dict[str, float]:
    figures = {
        "requests": len(tokens),
        "p50": arrivals.percentile(tokens, 0.5),
        "p99": arrivals.percentile(tokens, 0.99),
    }
    if people:
        figures |= {"sign_ins": len(people), "sign_in_p50": arrivals.percentile(people, 0.5)}
    return figures


def _told(found: Sequence[Mapping[str, Mapping[str, float]]], refusals: Refusals, sign_ins: int) -> dict[str, Any]:
    ratios = [one[WITH]["p99"] / one[WITHOUT]["p99"] for one in found]
    ratio = statistics.median(ratios) if ratios else math.nan
    rows = [["turn", "p50 ms", "p99 ms (min-max)", "others on the core"]]
    for kind in (WITHOUT, WITH):
        p99 = [one[kind]["p99"] for one in found]
        if p99:
            rows.append([
                kind, f"{statistics.median(one[kind]['p50'] for one in found):.2f}",
                f"{statistics.median(p99):.1f} ({min(p99):.1f}-{max(p99):.1f})",
                f"{statistics.median(one[kind]['foreign'] for one in found):.0%}",
            ])  # fmt: skip
    verdict = "not measured" if not ratios else "kept" if ratio <= LIMIT else "MISSED"
    print(f"\npasswords\n{measure.table(rows)}")
    if ratios:
        beside = statistics.median(one[WITH]["sign_in_p50"] for one in found)
        print(
            f"p99 {ratio:.2f} times ({min(ratios):.2f}-{max(ratios):.2f}, {len(ratios)} rounds), at most {LIMIT}: {verdict}"
        )
        print(f"{sign_ins} sign-ins, every one to the code page; half of them within {beside:.0f} ms")
    print(campaign.said({"turns": refusals}) or "no turn refused")
    return {
        "limit": LIMIT,
        "ratio": round(ratio, 3) if ratios else None,
        "spread": [min(ratios), max(ratios), len(ratios)] if ratios else [],
        "rounds": list(found),
        "sign_ins": sign_ins,
        "refused": dict(refusals.reasons),
    }
