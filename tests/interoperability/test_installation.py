"""The JavaScript library is installed once, however many processes of the test run need it at the same time."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.interoperability.on_openid_client import install_library

PROCESSES = 3
INSTALL = """
import pathlib, sys
from tests.interoperability.on_openid_client import install_library

install_library(pathlib.Path(sys.argv[1]))
"""

AN_NPM_THAT_TAKES_ITS_TIME = """#!/bin/sh
echo begins >>npm.log
rm -rf node_modules
sleep 0.3
mkdir node_modules
echo ends >>npm.log
"""


def test_processes_that_need_the_library_at_once_install_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(AN_NPM_THAT_TAKES_ITS_TIME)
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{npm.parent}:/usr/bin:/bin")
    folder = tmp_path / "library"
    folder.mkdir()
    (folder / "package-lock.json").write_text("{}")

    processes = [subprocess.Popen([sys.executable, "-c", INSTALL, str(folder)]) for _ in range(PROCESSES)]
    assert [process.wait(30) for process in processes] == [0] * PROCESSES
    install_library(folder)

    assert (folder / "npm.log").read_text().split() == ["begins", "ends"]
