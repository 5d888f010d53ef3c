"""A rotation of the signing keys, seen by APIs that judge tokens with the helpers: nobody is refused meanwhile."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from tests.connect.connected import Connected, connected
from tests.connect.judges import Judge, PythonJudge, Request, node_judge
from tests.connect.tokens import Tokens, tokens_of

pytestmark = [pytest.mark.trial, pytest.mark.timeout(300)]  # days pass in a deployment of its own

DAY_AND_AN_HOUR = 25 * 3600


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Connected]:
    """A deployment of this test alone: its days pass."""
    with connected(tmp_path) as deployment:
        yield deployment


@pytest.fixture
def helpers(node: Path, tmp_path: Path) -> Iterator[dict[str, Judge]]:
    with ExitStack() as stack:
        folders = {name: tmp_path / name for name in ("python", "node")}
        for folder in folders.values():
            folder.mkdir()
        yield {"python": PythonJudge(folders["python"]), "node": stack.enter_context(node_judge(folders["node"]))}


def _kid(tokens: Tokens) -> str:
    return str(tokens.header["kid"])


@pytest.mark.spec("TOK-09")
def test_apis_follow_a_rotation_of_the_gateways_keys(own: Connected, helpers: dict[str, Judge]) -> None:
    api = own.places["https://api.example.org"]
    days = 0

    def accepted(tokens: Tokens) -> None:
        request = Request(time.time() + days * DAY_AND_AN_HOUR, {"Authorization": f"Bearer {tokens.access_token}"})
        for name, helper in helpers.items():
            verdict = helper.judge(request)
            assert (name, verdict.status, verdict.error) == (name, 200, "")

    for helper in helpers.values():
        helper.begins(own.issuer, api)
    kids = []
    for _ in range(4):
        tokens = tokens_of(own, "my-spa", "k.haddad")
        accepted(tokens)
        kids.append(_kid(tokens))
        plan = json.loads(own.passerelle("--json", "rotate", "signing-keys"))["plan"]
        if len(kids) < 4:
            own.passerelle("rotate", "signing-keys", "--apply", plan)
            accepted(tokens)
            own.demo.advance(DAY_AND_AN_HOUR)
            days += 1
    assert kids[0] != kids[-1], "another key signs now"
    published = {key["kid"] for key in requests.get(f"{own.issuer}/jwks", timeout=5).json()["keys"]}
    assert kids[0] not in published
    assert kids[-1] in published
