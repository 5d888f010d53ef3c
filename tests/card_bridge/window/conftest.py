"""The whole workstation: real service and readers, real window on a desktop, the bridge as a process, a page that calls."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.card_bridge.real_readers import settled_readers
from tests.card_bridge.rig import ORIGIN, Page
from tests.card_bridge.window.desktop import ROOT, Desktop, need_a_desktop, running_desktop
from tests.virtual_readers import VirtualPcscd


@pytest.fixture(scope="session")
def session_desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    need_a_desktop()
    with running_desktop(tmp_path_factory.mktemp("desktop")) as desktop:
        yield desktop


@pytest.fixture
def desktop(session_desktop: Desktop) -> Desktop:
    session_desktop.forget()
    return session_desktop


class RunningDaemon:
    """`passerelle-bridge serve`, in the person's session."""

    def __init__(self, process: "subprocess.Popen[str]", port: int, log: Path) -> None:
        self.process = process
        self.page = Page(port, ORIGIN)
        self.log = log


@pytest.fixture
def daemon(desktop: Desktop, pc_sc: VirtualPcscd, tmp_path: Path) -> Iterator[RunningDaemon]:
    settled_readers(pc_sc)
    configuration = tmp_path / "bridge.toml"
    configuration.write_text(f'allowed_origins = ["{ORIGIN}"]\n', "utf-8")
    log = tmp_path / "bridge.log"
    with log.open("w") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "card_bridge", "serve", "--configuration", str(configuration), "--ports", "0"],
            cwd=ROOT,
            env=desktop.environment | pc_sc.environment,
            stdout=written,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        yield RunningDaemon(process, _port(process, log, desktop), log)
    finally:
        process.terminate()
        assert process.wait(timeout=10) == 0, log.read_text("utf-8")
    assert "Traceback" not in log.read_text("utf-8"), log.read_text("utf-8")


def _port(process: "subprocess.Popen[str]", log: Path, desktop: Desktop) -> int:
    while not (started := re.search(r"start port (\d+)", log.read_text("utf-8"))):
        assert process.poll() is None, log.read_text("utf-8")
        desktop.shown()
    return int(started[1])
