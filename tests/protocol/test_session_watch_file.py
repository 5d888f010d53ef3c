"""GET /session-watch-1.js: its octets never change under their number; applications name them (Subresource Integrity)."""

import base64
import hashlib
import re
from pathlib import Path

import pytest

from sandbox.relying_party.session_activity import INTEGRITY
from tests.protocol.provider import Provider

ROOT = Path(__file__).parents[2]


@pytest.mark.spec("SES-04")
def test_the_script_is_the_one_whose_integrity_is_documented():
    body = Provider().machine("GET", "/session-watch-1.js").body
    value = f"sha384-{base64.b64encode(hashlib.sha384(body).digest()).decode()}"
    documented = re.search(r'integrity="([^"]+)"', (ROOT / "docs" / "session-life.md").read_text("utf-8"))
    assert documented is not None
    assert documented[1] == INTEGRITY == value, "a changed script gets a new number"


def test_every_page_may_read_and_keep_it():
    answer = Provider().machine("GET", "/session-watch-1.js", origin="https://anybody.example")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert "public" in answer.headers["Cache-Control"]
    assert not re.search(rb"\beval\b|new Function|innerHTML|\.style\b|document\.write", answer.body)
