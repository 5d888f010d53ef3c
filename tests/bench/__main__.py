"""`python -m tests.bench`, or with another campaign's name: measure, print the tables, keep the figures in build/bench.json.

machine: what an operation costs, beside npm oidc-provider and floors; growth: the same beside a million accounts; passwords:
tokens beside people who sign in; doors and card: decisions of their own, in files of their own.
"""

import argparse
import json
import os
import shutil
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bench import measure, record
from tests.bench.card import card
from tests.bench.doors.run import doors
from tests.bench.machine.growth import growth
from tests.bench.machine.passwords import passwords
from tests.bench.machine.run import machine
from tests.bench.machine.sequence import counts

_PARTS = {
    "machine": ("closed", "latency", "cold"),
    "doors": ("cold", "tokens", "final", "pages", "mix"),
}
_ROUNDS = {"machine": 9, "growth": 7, "passwords": 9, "doors": 5, "card": 5}
_SECONDS = {"passwords": 5}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("campaign", nargs="?", default="machine", choices=list(_ROUNDS))
    parser.add_argument("--rounds", type=int, help="9 by default (7 for growth, 5 for doors and card)")
    parser.add_argument("--counts", action="store_true", help="only instruction counts, by valgrind, in some minutes")
    parser.add_argument("--quick", action="store_true", help="3 rounds, closed loops only")
    parser.add_argument("--database", help="PostgreSQL instead of SQLite, such as postgresql:///bench?host=/run/x")
    parser.add_argument("--seconds", type=int, help="length of one window: 2, for passwords 5")
    parser.add_argument("--budget", type=float, default=1800.0, help="seconds after which a part begins no new round")
    parser.add_argument("--parts", help=", ".join(f"{name}: {','.join(parts)}" for name, parts in _PARTS.items()))
    parser.add_argument("--populations", default="10000,1000000", help="growth: accounts of the two deployments")
    parser.add_argument(
        "--only", default="", help="doors: only the mixes this expression finds; machine, growth: one operation"
    )
    parser.add_argument(
        "--priority", type=int, default=0, help="niceness, below zero on a machine shared with other work (root)"
    )
    asked = parser.parse_args()

    missing = [tool for tool in ("wrk", "redis-server", "taskset") if not shutil.which(tool)]
    if missing or (os.cpu_count() or 1) < 2:
        print(f"The bench needs two cores and these Debian packages: wrk redis-server util-linux (missing: {missing}).")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what it started ends too
    os.sched_setaffinity(0, {measure.LOAD_CORE})
    measure.PRIORITY = asked.priority
    measure.prefer(os.getpid())
    _run(asked)
    return 0


def _run(asked: argparse.Namespace) -> None:
    rounds = asked.rounds or (3 if asked.quick else _ROUNDS[asked.campaign])
    seconds = asked.seconds or _SECONDS.get(asked.campaign, 2)
    parts = asked.parts.split(",") if asked.parts else _PARTS.get(asked.campaign, ())
    common: dict[str, Any] = {"rounds": rounds, "seconds": seconds}
    if asked.counts:
        instructions = counts()
        print(json.dumps(instructions, indent=1))
        _keep({"instructions": instructions})
    elif asked.campaign == "machine":
        if asked.quick or (asked.only and not asked.parts):
            parts = ("closed",)
        machine(**common, budget=asked.budget, only=asked.only, database=asked.database, parts=parts, keep=_keep)
    elif asked.campaign == "growth":
        small, large = map(int, asked.populations.split(","))
        growth(
            **common,
            budget=asked.budget,
            only=asked.only,
            database=asked.database,
            small=small,
            large=large,
            keep=_keep,
        )
    elif asked.campaign == "passwords":
        passwords(**common, budget=asked.budget, database=asked.database, keep=_keep)
    elif asked.campaign == "card":
        _keep(card(**common), Path("build/bench-card.json"))
    else:
        _keep(doors(**common, budget=asked.budget, parts=set(parts), only=asked.only), Path("build/bench-doors.json"))


def _keep(figures: Mapping[str, Any], file: Path = record.FILE) -> None:
    record.keep(figures, file)
    print(f"figures kept in {file}: {', '.join(figures)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
