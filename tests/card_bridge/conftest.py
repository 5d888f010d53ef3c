"""One bridge per test, stopped afterwards."""

from collections.abc import Iterator

import pytest

from card_bridge.reader_monitor import ReaderMonitor
from tests.card_bridge.rig import Workstation


@pytest.fixture(autouse=True)
def _bridges_stop_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ReaderMonitor, "PERIOD", 0.05)


@pytest.fixture
def workstation() -> Iterator[Workstation]:
    made = Workstation()
    yield made
    made.stop()
