"""The browsers of tests/browser before a bridge; for the whole workstation, a gateway, a desktop, the system's card readers."""

from collections.abc import Iterator

import pytest

from tests.browser.conftest import browser, browser_name, kept_firefox, new_browser, one_of_each
from tests.card_bridge.browser.workplace import Daemon, running_workplace
from tests.card_bridge.real_readers import settled_readers
from tests.card_bridge.rig import igc
from tests.card_bridge.window.conftest import desktop, session_desktop
from tests.card_bridge.window.desktop import Desktop
from tests.running_demo import RunningDemo
from tests.virtual_readers import VirtualPcscd

__all__ = [
    "browser",
    "browser_name",
    "daemon",
    "desktop",
    "kept_firefox",
    "new_browser",
    "one_of_each",
    "place",
    "session_desktop",
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    with running_workplace(tmp_path_factory.mktemp("workplace") / "demo", igc()) as running:
        yield running


@pytest.fixture
def daemon(
    place: RunningDemo, desktop: Desktop, pc_sc: VirtualPcscd, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Daemon]:
    """Not started yet."""
    settled_readers(pc_sc)
    made = Daemon(place, desktop, pc_sc, tmp_path_factory.mktemp("bridge"))
    yield made
    made.stop()
