"""docs/connect/mobile.md is true: its application, copied from the page, runs on AppAuth from sign-in to revocation."""

import json
import os
import subprocess
from pathlib import Path
from threading import Event

import pytest

from tests.connect.connected import Connected
from tests.connect.page_blocks import write_blocks
from tests.html_only_browser import HtmlOnlyBrowser
from tests.interoperability.on_openid_client import node_command
from tests.interoperability.person import Person

pytestmark = [pytest.mark.xdist_group("connect"), pytest.mark.timeout(240)]


@pytest.fixture
def application(connected: Connected, node: Path, tmp_path: Path) -> "subprocess.Popen[str]":
    write_blocks("mobile.md", ["app.mjs"], tmp_path, connected.places)
    (tmp_path / "node_modules").symlink_to(node)
    # The system's browser: AppAuth opens it by this name, with the address.
    opener = tmp_path / "bin" / "xdg-open"
    opener.parent.mkdir()
    opener.write_text(
        f'#!/bin/sh\nprintf "%s" "$1" > "{tmp_path}/opened.part"\nmv "{tmp_path}/opened.part" "{tmp_path}/opened"\n'
    )
    opener.chmod(0o755)
    # AppAuth's modules name each other without extension, as bundlers read them.
    loader = ["--experimental-loader", str(Path(__file__).parent / "without_extension.mjs")]
    return subprocess.Popen(
        [*node_command(), "--no-warnings", *loader, "app.mjs"],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{opener.parent}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _opened(application: "subprocess.Popen[str]", folder: Path) -> str:
    """The address that the system's browser was given."""
    for _ in range(600):
        if (folder / "opened").exists():
            return (folder / "opened").read_text("utf-8")
        assert application.poll() is None, application.communicate()
        Event().wait(0.05)
    raise AssertionError("no browser was opened")


def test_the_application_of_the_page_signs_somebody_in_refreshes_and_gives_its_tokens_back(
    application: "subprocess.Popen[str]", connected: Connected, tmp_path: Path
) -> None:
    try:
        somebody = Person("k.haddad", connected.demo, HtmlOnlyBrowser())
        somebody.signs_in(_opened(application, tmp_path))
        assert somebody.browser.status == 200
        out, errors = application.communicate(timeout=60)
    finally:
        application.kill()
        application.wait()
    said = [json.loads(line) for line in out.splitlines() if line.startswith('{"')]  # beside what AppAuth itself writes
    assert len(said) == 3, errors
    person, fresh, after = said
    assert person["name"] == "Karim Haddad"
    assert person["roles"]
    assert fresh == {"token_type": "Bearer", "another": True}
    assert after == {"after": "Bad Request"}, "given back, the refresh token is dead"
