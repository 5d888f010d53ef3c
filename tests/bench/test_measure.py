"""What the bench believes, what it refuses, and that it says so."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.bench import campaign, measure
from tests.bench.campaign import ATTEMPTS, NEIGHBOURS, OTHER_SPEED, Refusals
from tests.bench.measure import Target, Unmeasurable, Window
from tests.bench.record import keep

TARGET = Target("tokens", "ours", "/token")


def window(foreign: float = 0.0) -> Window:
    return Window(1000, 500.0, 1.0, 2.0, 300.0, 30.0, foreign)


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "await_quiet", lambda *_: None)


def taken(*results: Window | Exception) -> tuple[Window | None, Refusals]:
    coming, refusals = iter(results), Refusals()

    def once() -> Window:
        result = next(coming)
        if isinstance(result, Exception):
            raise result
        return result

    return campaign.believed(once, refusals, deadline=float("inf")), refusals


def test_a_disturbed_window_is_refused_repeated_and_counted() -> None:
    kept, refusals = taken(window(foreign=0.1), window(foreign=0.09))
    assert kept == window(foreign=0.09)
    assert refusals.reasons == {NEIGHBOURS: 1}


def test_a_window_in_which_a_request_failed_does_not_lose_the_campaign() -> None:
    kept, refusals = taken(Unmeasurable("/token: Non-2xx or 3xx responses: 3"), ConnectionResetError("reset"), window())
    assert kept == window()
    assert str(refusals) == "1 x /token: Non-2xx or 3xx responses: 3; 1 x reset"


def test_a_target_that_never_has_a_good_window_has_none_and_is_told() -> None:
    def bad(_: Target) -> Window:
        raise Unmeasurable("/token: no answer\nand much of a log")

    series = campaign.measured([TARGET], bad, rounds=2, deadline=float("inf"))["tokens"]
    assert series.windows == [None, None]
    told = campaign.said({"tokens": series.refusals})
    assert told == f"refused, tokens: {2 * ATTEMPTS} x /token: no answer"


def test_a_neighbour_on_the_servers_core_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, idle, spent = iter([10.0, 12.0]), iter([5.0, 5.4]), iter([1.0, 2.2])
    monkeypatch.setattr(measure, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr(measure, "core_idle_seconds", lambda _: next(idle))
    monkeypatch.setattr(measure, "cpu_seconds", lambda _: next(spent))
    neighbours = measure.Neighbours(os.getpid())
    assert neighbours.share() == pytest.approx((2.0 - 0.4 - 1.2) / 2.0)


def test_a_campaign_keeps_what_others_measured(tmp_path: Path) -> None:
    file = tmp_path / "build" / "bench.json"
    keep({"ratios": {"code": 1.7, "refresh": 1.6}, "growth": {"limit": 1.3}, "open_loop": [1]}, file)
    keep({"ratios": {"refresh": 1.8}, "open_loop": [2]}, file)
    kept = json.loads(file.read_text())
    assert kept["ratios"] == {"code": 1.7, "refresh": 1.8}
    assert kept["growth"] == {"limit": 1.3}
    assert kept["open_loop"] == [2]
    assert set(kept["measured"]) == {"ratios", "growth", "open_loop"}


def test_a_file_that_cannot_be_read_is_begun_anew(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    file.write_text("{")
    keep({"growth": {}}, file)
    assert json.loads(file.read_text())["growth"] == {}


def test_what_was_not_measured_is_null(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    keep({"ratios": {"code": float("nan")}, "spread": [1.0, float("inf")]}, file)
    kept = json.loads(file.read_text())
    assert kept["ratios"] == {"code": None}
    assert kept["spread"] == [1.0, None]


def steady(*capacities: float) -> tuple[float | None, Refusals]:
    coming, refusals = iter(capacities), Refusals()
    return campaign.steadily(lambda: next(coming), lambda capacity: capacity, refusals), refusals


def test_a_turn_is_refused_when_the_core_gives_less_or_more_after_it_than_before() -> None:
    kept, refusals = steady(1000, 880, 1000, 1120, 950, 1000)
    assert kept == 950
    assert refusals.reasons == {OTHER_SPEED: 2}


def test_a_core_that_never_keeps_its_speed_gives_no_turn() -> None:
    kept, refusals = steady(*[1000, 500] * ATTEMPTS)
    assert kept is None
    assert len(refusals) == ATTEMPTS
