"""The script of docs/continuous-integration.md, as a pipeline runs it; and what the page says the two commands know."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli.test_client import CODES
from tests.running_demo import ROOT, free_port

PAGE = (ROOT / "docs" / "continuous-integration.md").read_text("utf-8")
TRIED = f"""#!{sys.executable}
import os, sys
sys.path.insert(0, {str(ROOT)!r})
import requests
from tests.flows.test_unattended_sign_in import Application

assert requests.get(os.environ["OIDC_ISSUER"] + "/health", timeout=20).ok
client, secret = os.environ["OIDC_CLIENT_ID"], os.environ["OIDC_CLIENT_SECRET"]
application = Application(os.environ["OIDC_ISSUER"], client, secret, "http://127.0.0.1:3000/callback")
print("signed in:", application.sign_in()["name"])
"""


@pytest.mark.timeout(240)
def test_the_script_of_the_page_signs_somebody_in_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (script,) = re.findall(r"^```sh ci\.sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "ci.sh").write_text(script, "utf-8")
    tests = tmp_path / "your-tests"
    tests.write_text(TRIED, "utf-8")
    tests.chmod(0o755)
    release = tmp_path / "release" / "run"  # as ./run, in the environment that is there
    release.parent.mkdir()
    release.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gateway.cli "$@"\n', "utf-8")
    release.chmod(0o755)
    own = {"PASSERELLE": str(release.parent), "PORT": str(free_port("127.0.0.1")), "PYTHONPATH": str(ROOT)}
    environment = {**os.environ, **own}
    done = subprocess.run(
        ["sh", "ci.sh"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=230, check=False
    )
    assert (done.returncode, done.stdout) == (0, "signed in: Nadia Benali\n"), done.stderr
    assert len((tmp_path / "build" / "ready.json").read_text("utf-8").splitlines()) == 1


def test_the_page_lists_every_check(tmp_path: Path) -> None:
    listed = {
        name for line in PAGE.splitlines() if line.startswith("| ") for name in re.findall(r"`([a-z0-9-]+)`", line)
    }
    assert set(CODES) <= listed
