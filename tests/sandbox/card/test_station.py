"""The workstation of the demo: its bridge lives by the clock that everybody shares, so that a moved clock moves it too."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from card_bridge.ports import WindowState
from sandbox.card.station import Station, running_station
from sandbox.clock import WorldClock
from tests.card_bridge.rig import ORIGIN, Page

A_MINUTE, TWO_MINUTES = timedelta(seconds=61), timedelta(seconds=121)


@pytest.fixture
def clock(tmp_path: Path) -> WorldClock:
    return WorldClock(tmp_path / "clock-offset")


@pytest.fixture
def page(clock: WorldClock, tmp_path: Path) -> Iterator[tuple[Station, Page]]:
    with running_station(clock, tmp_path / "cards", ports=[0], allowed_origins=[ORIGIN]) as (station, port):
        yield station, Page(port)


def asked(station: Station, state: WindowState) -> None:
    for _ in range(500):
        if station.pad.is_open and station.pad.view and station.pad.view.state is state:
            return
        station.readers.wait(0.02)
    raise AssertionError(station.pad.view)


def test_a_person_who_does_not_answer_has_two_minutes_of_the_shared_clock(
    page: tuple[Station, Page], clock: WorldClock
) -> None:
    station, visitor = page
    station.insert("nadia")
    reply = visitor.begins_to_authenticate()
    asked(station, WindowState.ASK_CODE)
    clock.advance(TWO_MINUTES)
    assert reply.result(timeout=5).error == "user_timeout"
    assert not station.pad.is_open


def test_three_windows_a_minute_of_the_shared_clock(page: tuple[Station, Page], clock: WorldClock) -> None:
    station, visitor = page
    for _ in range(3):
        reply = visitor.begins_to_authenticate()
        asked(station, WindowState.NO_CARD)
        station.pad.cancel()
        assert reply.result(timeout=5).error == "user_cancelled"
    assert visitor.authenticate().error == "rate_limited"
    clock.advance(A_MINUTE)
    reply = visitor.begins_to_authenticate()
    asked(station, WindowState.NO_CARD)
    station.pad.cancel()
    assert reply.result(timeout=5).error == "user_cancelled"


def test_a_card_expires_when_the_shared_clock_says_so(page: tuple[Station, Page], clock: WorldClock) -> None:
    station, visitor = page
    station.insert("nadia")
    clock.advance(timedelta(days=5 * 365))
    reply = visitor.begins_to_authenticate()
    assert reply.result(timeout=10).error == "certificate_unsupported"
