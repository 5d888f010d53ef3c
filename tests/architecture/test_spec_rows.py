"""Every `must` row of the main job's sections has a test under its id, or a reason in docs/requirements/not-yet.yaml."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.spec_report import Collector, NotYet, Row, chosen, read_not_yet, read_rows, report, section_of

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.xdist_group("spec rows")  # all tests are listed once


@pytest.fixture(scope="module")
def tests(pytestconfig: pytest.Config) -> dict[str, list[str]]:
    if [Path(name).resolve() for name in pytestconfig.args] == [ROOT / "tests"]:
        collector = pytestconfig.pluginmanager.get_plugin(Collector.NAME)
        assert isinstance(collector, Collector)
        return collector.tests
    listed = subprocess.run(
        [sys.executable, "-m", "tests.spec_report", "--json"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert listed.returncode == 0, listed.stdout + listed.stderr
    found: dict[str, list[str]] = json.loads(listed.stdout)
    return found


def test_each_must_row_of_the_main_job_has_a_test_or_a_reason(tests):
    rows, not_yet = read_rows(), read_not_yet()
    musts = [name for name in chosen(rows) if rows[name].level == "must"]
    assert len(musts) == 338
    assert [name for name in musts if name not in tests and name not in not_yet.untested] == []


def test_a_reason_is_not_kept_beyond_its_time(tests):
    not_yet = read_not_yet()
    assert [name for name in not_yet.untested if name in tests] == []
    assert [name for name in not_yet.partly if name not in tests] == []


def test_reasons_are_about_known_rows_and_say_something():
    not_yet = read_not_yet()
    reasons = {**not_yet.untested, **not_yet.partly}
    assert set(reasons) <= set(read_rows())
    assert all(len(reason) > 15 for reason in reasons.values())


def test_marks_of_the_listed_sections_name_rows_that_exist(tests):
    """Of the guides' rules only those of the everyday way in are listed yet."""
    rows = read_rows()
    sections = {section_of(name) for name in rows} - {"R000", "R001", "R002", "R003"}
    assert [name for name in tests if section_of(name) in sections and name not in rows] == []


def test_the_report_shows_what_carries_a_row_and_what_is_missing():
    rows = {
        name: Row(name, level, name.lower()) for name, level in (("A-1", "must"), ("A-2", "must"), ("A-3", "should"))
    }
    said = report(rows, chosen(rows, ["A"]), {"A-1": ["here.py::test"]}, NotYet({"A-2": "later"}, {"A-1": "half"}))
    assert "here.py::test\n    not yet: half" in said
    assert "no test: later" in said
    assert "A-3" not in said
    assert "1 rows of level must have tests, 1 have none" in said


def test_ranges_are_read_and_anything_else_is_refused():
    rows = ["WEB-01", "WEB-02", "WEB-10", "OID-01"]
    assert chosen(rows, ["WEB-01…02"]) == chosen(rows, ["WEB-01..02"]) == ["WEB-01", "WEB-02"]
    assert chosen(["A1", "A16", "A11Y-01"], ["A"]) == ["A1", "A16"]
    assert chosen(["A1", "A16", "A11Y-01"], ["A16", "A11Y"]) == ["A16", "A11Y-01"]
    assert chosen(rows, ["WEB"]) == ["WEB-01", "WEB-02", "WEB-10"]
    assert chosen(["R001-03", "R001-11", "R002-03"], ["R001-03…10"]) == ["R001-03"]
    with pytest.raises(ValueError, match="range"):
        chosen(rows, ["web"])
