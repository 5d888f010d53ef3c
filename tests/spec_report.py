"""Which test proves which numbered requirement: `./run spec-report [SECTION or ROW…]`.

Rows and levels stand in `docs/requirements/rows.yaml`, what cannot be tested yet in `docs/requirements/not-yet.yaml`; marks
are read by collecting the tests, so a test that pytest would not run does not count.
"""

import argparse
import contextlib
import io
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "requirements"
MAIN_JOB = (
    "LOA", "OID", "TOK", "SES", "WEB", "LIB-03…05", "AC-091…113", "PSC", "LNK", "A", "SV", "VC", "BR", "BRG", "OTP", "SMS",
    "MAIL", "PWD", "THR", "FID", "RST", "A11Y", "AC-001…046", "AC-114…118", "AC-148…150", "R000-10…13", "R001-03…10",
    "R002-10…20", "R003-13",
)  # fmt: skip
"""What is asked when nothing is named: the main job, the provider, signing in every day, by Pro Santé Connect, and by card."""
_ROW = re.compile(r"([A-Z0-9]+?)-?(\d+)")
_ASKED = re.compile(r"([A-Z][A-Z0-9]*?)(?:-?(\d+)(?:(?:…|\.\.)(\d+))?)?")


@dataclass(frozen=True)
class Row:
    id: str
    level: str
    title: str


@dataclass(frozen=True)
class NotYet:
    """Why a row has no test, or which part of it its tests leave out; by row."""

    untested: Mapping[str, str]
    partly: Mapping[str, str]


class Collector:
    """A pytest plugin that notes every mark, of what is deselected too, and runs nothing."""

    NAME = "spec marks"

    def __init__(self) -> None:
        self.tests: dict[str, list[str]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: Sequence[pytest.Item]) -> None:
        for item in items:
            name = item.nodeid.partition("[")[0]
            for mark in item.iter_markers("spec"):
                for row in mark.args:
                    known = self.tests.setdefault(row, [])
                    if name not in known:
                        known.append(name)


def section_of(name: str) -> str | None:
    """`LNK` of LNK-08, `A` of A7 (an attack of a list); None for the mark of another kind of rule, such as PSC-R3."""
    parts = _ROW.fullmatch(name)
    return parts[1] if parts else None


def read_rows() -> dict[str, Row]:
    sections = yaml.safe_load((FOLDER / "rows.yaml").read_text("utf-8"))
    return {name: Row(name, **facts) for rows in sections.values() for name, facts in rows.items()}


def read_not_yet() -> NotYet:
    return NotYet(**yaml.safe_load((FOLDER / "not-yet.yaml").read_text("utf-8")))


def collected() -> dict[str, list[str]]:
    """Tests by row. Raises RuntimeError when a test file cannot be read."""
    said = io.StringIO()
    collector = Collector()
    options = ["--collect-only", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "--rootdir", str(ROOT)]
    with contextlib.redirect_stdout(said):
        status = pytest.main([*options, str(ROOT / "tests")], plugins=[collector])
    if status != pytest.ExitCode.OK:
        raise RuntimeError(said.getvalue())
    return collector.tests


def chosen(rows: Iterable[str], asked: Sequence[str] = MAIN_JOB) -> list[str]:
    """The rows of the sections or ranges asked: `WEB`, `OID-13`, `OID-01…15`."""
    found: list[str] = []
    for name in asked:
        wanted = _ASKED.fullmatch(name)
        if wanted is None:
            raise ValueError(f"{name!r} is not a section, a row or a range such as OID-01…15")
        section, first, last = wanted[1], wanted[2], wanted[3] or wanted[2]
        for row in rows:
            parts = _ROW.fullmatch(row)
            if parts is None or parts[1] != section:
                continue
            if first is None or int(first) <= int(parts[2]) <= int(last):
                found.append(row)
    return found


def report(rows: Mapping[str, Row], names: Sequence[str], tests: Mapping[str, list[str]], not_yet: NotYet) -> str:
    lines: list[str] = []
    proved = waiting = 0
    for name in names:
        row = rows[name]
        carried = tests.get(name, [])
        if row.level != "must" and not carried:
            continue
        lines.append(f"{name}  {row.level:6}  {row.title}")
        lines += [f"    {test}" for test in carried]
        if not carried:
            lines.append(f"    no test: {not_yet.untested.get(name, 'and no reason is given')}")
        elif name in not_yet.partly:
            lines.append(f"    not yet: {not_yet.partly[name]}")
        proved += row.level == "must" and bool(carried)
        waiting += row.level == "must" and not carried
    lines.append(f"\n{proved} rows of level must have tests, {waiting} have none.")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="./run spec-report", description="Which test proves which requirement.")
    parser.add_argument("asked", nargs="*", default=list(MAIN_JOB), help="a section, a row or a range: WEB OID-01…15")
    parser.add_argument("--json", action="store_true", help="tests by row, for programs")
    options = parser.parse_args(arguments)
    tests = collected()
    if options.json:
        print(json.dumps(tests, indent=1, sort_keys=True))
        return 0
    rows = read_rows()
    try:
        print(report(rows, chosen(rows, options.asked), tests, read_not_yet()))
    except ValueError as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
