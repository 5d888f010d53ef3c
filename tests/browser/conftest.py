"""The demo that the browsers visit, and the browsers."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.browser.driver import BROWSERS, Browser
from tests.running_demo import ROOT, RunningDemo, running_demo

DAY_AND_AN_HOUR = 25 * 3600


@pytest.fixture(scope="session")
def started_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    with running_demo(tmp_path_factory.mktemp("demo") / "demo") as demo:
        yield demo


@pytest.fixture
def demo(started_demo: RunningDemo) -> RunningDemo:
    """The demo on a new day: what was counted by the hour and by the day is forgotten."""
    started_demo.advance(DAY_AND_AN_HOUR)
    return started_demo


@pytest.fixture(
    params=[
        pytest.param(name, marks=[pytest.mark.browser, pytest.mark.xdist_group(f"browser-{name}")]) for name in BROWSERS
    ]
)
def new_browser(request: pytest.FixtureRequest) -> Callable[..., AbstractContextManager[Browser]]:
    """Opens a fresh browser: `with new_browser(javascript=False) as browser`."""
    opener: Callable[..., AbstractContextManager[Browser]] = BROWSERS[request.param]
    return opener


@pytest.fixture
def browser(new_browser: Callable[..., AbstractContextManager[Browser]]) -> Iterator[Browser]:
    with new_browser() as opened:
        yield opened


@pytest.fixture
def passerelle(demo: RunningDemo) -> Callable[..., str]:
    """Runs the command line against the demo and gives what it prints."""

    def run(*arguments: str) -> str:
        environment = {**os.environ, "PASSERELLE_CONFIG": str(demo.data / "passerelle.yaml"), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "gateway.cli", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def pictures() -> Callable[[Any, str], None]:
    """Keeps a picture of a page, wide and narrow, when PICTURES names a folder."""

    def keep(browser: Any, name: str) -> None:
        folder = os.environ.get("PICTURES")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            for width in (1280, 360):
                browser.screenshot(Path(folder) / f"{browser.name}-{name}-{width}.png", width=width)

    return keep
