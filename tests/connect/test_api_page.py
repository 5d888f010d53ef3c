"""docs/connect/api.md is true: its APIs judge real tokens, in a rotation of keys too, and its service reaches them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.connect.applications import running
from tests.connect.connected import Connected
from tests.connect.judges import HELPERS
from tests.connect.page_blocks import write_blocks
from tests.connect.tokens import Tokens, tokens_of

pytestmark = [pytest.mark.xdist_group("connect"), pytest.mark.timeout(240)]

API = "https://api.example.org"


@pytest.fixture(scope="module", params=["api.py", "api.mjs"], ids=["python", "node"])
def api(
    request: pytest.FixtureRequest, connected: Connected, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    name = str(request.param)
    if name.endswith(".mjs"):
        request.getfixturevalue("node")
    helper = "verify_access_token" + Path(name).suffix.replace(".mjs", ".mjs")
    folder = tmp_path_factory.mktemp("api")
    with running("api.md", name, connected, folder, API, files={helper: HELPERS / helper}) as place:
        yield place


@pytest.fixture(scope="module")
def nadia(connected: Connected) -> Tokens:
    """What the single-page application received for her."""
    return tokens_of(connected, "my-spa", "n.benali")


def asked(method: str, address: str, token: str | None, scheme: str = "Bearer") -> requests.Response:
    headers = {} if token is None else {"Authorization": f"{scheme} {token}"}
    return requests.request(method, address, headers=headers, timeout=10)


def test_a_true_token_opens_what_it_gives_and_nothing_else(api: str, nadia: Tokens) -> None:
    read = asked("GET", f"{api}/dossiers?page=2", nadia.access_token)
    assert read.status_code == 200, read.headers
    assert read.json() == {"for": nadia.claims["sub"], "structure": nadia.claims["structure"]["id"]}
    for structure in nadia.claims["structures"]:
        is_active = structure["id"] == nadia.claims["structure"]["id"]
        answer = asked("GET", f"{api}/structures/{structure['id']}/dossiers", nadia.access_token)
        may = is_active and "tdb.nominatif" in nadia.claims["entitlements"]
        assert answer.status_code == (200 if may else 403)
    scope = asked("GET", f"{api}/statistics", nadia.access_token)
    assert (scope.status_code, scope.headers["WWW-Authenticate"]) == (
        403,
        'Bearer error="insufficient_scope", scope="statistics"',
    )
    weak = asked("DELETE", f"{api}/dossiers/1", nadia.access_token)
    assert weak.status_code == 401
    assert 'error="insufficient_user_authentication"' in weak.headers["WWW-Authenticate"]


def test_the_gateways_other_tokens_open_nothing(api: str, connected: Connected, nadia: Tokens) -> None:
    assert asked("GET", f"{api}/dossiers", None).headers["WWW-Authenticate"].startswith("Bearer, DPoP")
    elsewhere = tokens_of(connected, "my-server", "e.marchand")
    for token in (nadia.id_token, elsewhere.access_token, elsewhere.id_token, nadia.refresh_token):
        assert token
        refused = asked("GET", f"{api}/dossiers", token)
        assert (refused.status_code, refused.json()) == (401, {"error": "invalid_token"})
    assert asked("GET", f"{api}/dossiers", nadia.access_token, "DPoP").status_code == 401


def test_the_page_of_another_origin_may_not_read_the_answer(api: str, connected: Connected, nadia: Tokens) -> None:
    for origin, allowed in ((connected.places["https://my-spa.example.org"], True), ("https://autre.example", False)):
        for method in ("OPTIONS", "GET"):
            answer = requests.request(method, f"{api}/dossiers", headers={"Origin": origin}, timeout=10)
            assert ("Access-Control-Allow-Origin" in answer.headers) == allowed


def test_the_service_of_the_page_proves_itself_by_its_key(api: str, connected: Connected, tmp_path: Path) -> None:
    write_blocks("api.md", ["service.py"], tmp_path, connected.places)
    (tmp_path / "my-service.key.json").write_bytes((connected.folder / "my-service.key.json").read_bytes())
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "service.py"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr
        said: dict[str, Any] = json.loads(done.stdout)
        assert said == {"for": "my-service", "service": True}


def test_the_key_of_the_service_is_for_its_owner_alone(connected: Connected) -> None:
    assert (connected.folder / "my-service.key.json").stat().st_mode & 0o077 == 0
