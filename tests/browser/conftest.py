"""The demo that the browsers visit, and the browsers."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.browser.driver import BROWSERS, Browser
from tests.browser.visit import Visit
from tests.connect.javascript_libraries import installed
from tests.interoperability.on_openid_client import NodeMissingError, node_command
from tests.running_demo import RunningDemo, running_demo

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
        pytest.param(
            name, marks=[pytest.mark.browser, pytest.mark.xdist_group(f"browser-{name}"), pytest.mark.timeout(300)]
        )
        for name in BROWSERS
    ]
)
def browser_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def new_browser(browser_name: str) -> Callable[..., AbstractContextManager[Browser]]:
    """Opens a fresh browser: `with new_browser(javascript=False) as browser`."""
    opener: Callable[..., AbstractContextManager[Browser]] = BROWSERS[browser_name]
    return opener


@pytest.fixture(scope="session")
def kept_firefox() -> Iterator[Callable[[], Browser]]:
    """The Firefox of this worker, as new at each call: a start takes three seconds. One that no longer answers is replaced."""
    kept: list[Browser] = []
    with ExitStack() as stack:

        def as_new() -> Browser:
            try:
                for browser in kept:
                    browser.forget_everything()
            except Exception:
                kept.clear()
            if not kept:
                kept.append(stack.enter_context(BROWSERS["firefox"]()))
            return kept[0]

        yield as_new


@pytest.fixture(scope="module")
def one_of_each(kept_firefox: Callable[[], Browser]) -> Iterator[Callable[[str], Browser]]:
    """By its name, the browser of this module, which has forgotten everybody. No Chromium lives longer than that: the event
    loop of its driver would be in the way of other tests."""
    begun: dict[str, Browser] = {}
    with ExitStack() as stack:

        def as_new(name: str) -> Browser:
            if name == "firefox":
                return kept_firefox()
            if name in begun:
                begun[name].forget_everything()
            else:
                begun[name] = stack.enter_context(BROWSERS[name]())
            return begun[name]

        yield as_new


@pytest.fixture
def browser(
    browser_name: str,
    new_browser: Callable[..., AbstractContextManager[Browser]],
    kept_firefox: Callable[[], Browser],
) -> Iterator[Browser]:
    """As new, and for Chromium new."""
    if browser_name == "firefox":
        yield kept_firefox()
        return
    with new_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def visits(
    tmp_path_factory: pytest.TempPathFactory, one_of_each: Callable[[str], Browser]
) -> Iterator[Callable[[str], Visit]]:
    """For modules that change people for good: by a browser's name, that browser and a demo of its own, until the module
    ends. Each call is a new day in a browser that has forgotten everybody."""
    begun: dict[str, RunningDemo] = {}
    with ExitStack() as stack:

        def visit(name: str) -> Visit:
            if name not in begun:
                begun[name] = stack.enter_context(running_demo(tmp_path_factory.mktemp("demo") / "demo"))
            begun[name].advance(DAY_AND_AN_HOUR)
            return Visit(one_of_each(name), begun[name])

        yield visit


@pytest.fixture
def visit(visits: Callable[[str], Visit], browser_name: str) -> Visit:
    return visits(browser_name)


@pytest.fixture
def passerelle(demo: RunningDemo) -> Callable[..., str]:
    return demo.passerelle


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


@pytest.fixture(scope="session")
def node() -> Path:
    """The folder of the JavaScript libraries; without Node.js the test is skipped, and fails in continuous integration."""
    try:
        node_command()
        return installed()
    except NodeMissingError as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(missing))
