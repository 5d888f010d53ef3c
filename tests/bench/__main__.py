"""`python -m tests.bench`, or with `doors` or `card`: measure, print the tables, keep the figures in build/bench.json."""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from tests.bench import measure
from tests.bench.card import card
from tests.bench.doors.run import doors
from tests.bench.machine.run import machine
from tests.bench.machine.sequence import counts

_PARTS = ["cold", "tokens", "final", "pages", "mix"]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("campaign", nargs="?", default="machine", choices=["machine", "doors", "card"])
    parser.add_argument("--rounds", type=int, help="9 by default (5 for doors and card)")
    parser.add_argument("--counts", action="store_true", help="only instruction counts, by valgrind, in some minutes")
    parser.add_argument("--quick", action="store_true", help="3 rounds, closed loops only")
    parser.add_argument(
        "--database", help="machine: PostgreSQL instead of SQLite, such as postgresql:///bench?host=/run/x"
    )
    parser.add_argument("--seconds", type=int, default=2, help="length of one window")
    parser.add_argument("--budget", type=float, default=1800.0, help="seconds after which a part begins no new round")
    parser.add_argument("--parts", default=",".join(_PARTS), help="doors: comma-separated, among " + ", ".join(_PARTS))
    parser.add_argument(
        "--only", default="", help="doors: only the mixes this expression finds; machine: one operation"
    )
    parser.add_argument(
        "--priority", type=int, default=0, help="niceness, below zero on a machine shared with other work (root)"
    )
    asked = parser.parse_args()

    missing = [tool for tool in ("wrk", "redis-server", "taskset") if not shutil.which(tool)]
    if missing or (os.cpu_count() or 1) < 2:
        print(f"The bench needs two cores and these Debian packages: wrk redis-server util-linux (missing: {missing}).")
        return 2
    os.sched_setaffinity(0, {measure.LOAD_CORE})
    measure.PRIORITY = asked.priority
    measure.prefer(os.getpid())
    rounds = asked.rounds or (3 if asked.quick else 9 if asked.campaign == "machine" else 5)
    if asked.counts:
        record: dict[str, Any] = {"campaign": "counts", "instructions": counts()}
        print(json.dumps(record["instructions"], indent=1))
    elif asked.campaign == "machine":
        parts = () if asked.quick or asked.only else ("latency", "cold")
        record = machine(
            rounds=rounds,
            seconds=asked.seconds,
            budget=asked.budget,
            only=asked.only,
            database=asked.database,
            parts=parts,
        )
    elif asked.campaign == "card":
        record = card(rounds=rounds, seconds=asked.seconds)
    else:
        record = doors(
            rounds=rounds,
            seconds=asked.seconds,
            budget=asked.budget,
            parts=set(asked.parts.split(",")),
            only=asked.only,
        )
    record["load_average_at_end"] = os.getloadavg()
    kept = Path("build/bench.json" if record["campaign"] == "machine" else f"build/bench-{record['campaign']}.json")
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(json.dumps(record, indent=1))
    print(f"\nfigures kept in {kept}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
