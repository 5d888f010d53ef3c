"""One demo for the strangers' client libraries, a second node of it with more applications, and the person who signs in.

The second node serves the same people, stores and mailbox under an address of its own. It knows the demo's application
under two more names, one for each authentication method that the first does not have.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
import requests
import yaml
from joserfc.jwk import ECKey

from tests.html_only_browser import HtmlOnlyBrowser
from tests.interoperability.on_idpyoidc import OnIdpyoidc
from tests.interoperability.on_openid_client import (
    NodeMissingError,
    OnOpenidClient,
    install_library,
    node_command,
    on_openid_client,
)
from tests.interoperability.person import Person
from tests.interoperability.relying_party import Registration, RelyingParty
from tests.running_demo import ROOT, RunningDemo, free_port, running_demo

SECOND_NODE = {
    "client_secret_post": "orientation-post",
    "none": "orientation-public",
    "private_key_jwt": "orientation-fapi2",
}
SIGNING_KEY = ECKey.generate_key("P-256")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    with running_demo(tmp_path_factory.mktemp("interoperability") / "demo") as started:
        yield started


@pytest.fixture(scope="session")
def registrations(demo: RunningDemo) -> Iterator[dict[str, Registration]]:
    """What the application knows of itself, by authentication method."""

    def registration(issuer: str, client_id: str, secret: Path | None, method: str) -> Registration:
        kept = secret.read_text("utf-8").strip() if secret else None
        return Registration(issuer, client_id, kept, method, f"{demo.orientation}/callback", f"{demo.orientation}/")

    basic = registration(demo.gateway, "orientation", demo.data / "orientation.secret", "client_secret_basic")
    post, public = SECOND_NODE["client_secret_post"], SECOND_NODE["none"]
    with _second_node(demo) as (issuer, settings):
        secret = demo.data / f"{post}.secret"
        _passerelle(settings, "clients", "add", post, "--output", str(secret))
        yield {
            "client_secret_basic": basic,
            "client_secret_post": registration(issuer, post, secret, "client_secret_post"),
            "none": registration(issuer, public, None, "none"),
            "private_key_jwt": replace(
                registration(issuer, SECOND_NODE["private_key_jwt"], None, "private_key_jwt"),
                private_jwk={**SIGNING_KEY.as_dict(private=True), "kid": "first"},
                fapi2=True,
            ),
        }


@pytest.fixture(scope="session")
def node_missing() -> NodeMissingError | None:
    """What the JavaScript library lacks here, found out once."""
    try:
        node_command()
        install_library()
    except NodeMissingError as missing:
        return missing
    return None


@pytest.fixture(params=["idpyoidc", "openid-client"])
def library(request: pytest.FixtureRequest) -> Callable[[Registration], AbstractContextManager[RelyingParty]]:
    """Makes an application out of its registration, with one library or the other."""
    if request.param == "idpyoidc":
        return lambda registration: contextlib.nullcontext(OnIdpyoidc(registration))
    made: Callable[[Registration], AbstractContextManager[RelyingParty]] = request.getfixturevalue("openid_client")
    return made


@pytest.fixture
def openid_client(
    node_missing: NodeMissingError | None,
) -> Callable[[Registration], AbstractContextManager[OnOpenidClient]]:
    if node_missing is not None:
        if os.environ.get("CI") == "true":
            raise node_missing
        pytest.skip(str(node_missing))
    return on_openid_client


@pytest.fixture
def person(demo: RunningDemo) -> Callable[[str], Person]:
    """Somebody at a fresh browser, which leaves the application's pages to the test."""

    def sits_down(username: str) -> Person:
        return Person(username, demo, HtmlOnlyBrowser(stops_at=[f"{demo.orientation}/callback"]))

    return sits_down


@contextlib.contextmanager
def _second_node(demo: RunningDemo) -> Iterator[tuple[str, Path]]:
    """Its issuer and its settings file, once it is healthy."""
    issuer, listen = _free_address()
    clients = demo.data / "second-node-clients"
    clients.mkdir()
    application = yaml.safe_load((demo.data / "idp_config" / "clients" / "orientation.yaml").read_text("utf-8"))
    for method, client_id in SECOND_NODE.items():
        declared = {**application, "client_id": client_id, "authentication_method": method}
        if method == "private_key_jwt":
            public = {**SIGNING_KEY.as_dict(private=False), "kid": "first", "alg": "ES256"}
            declared |= {"profile": "fapi2", "jwks": {"keys": [public]}, "refresh_tokens": True}
        (clients / f"{client_id}.yaml").write_text(yaml.safe_dump(declared), "utf-8")
    settings = demo.data / "second-node.yaml"
    first = yaml.safe_load((demo.data / "passerelle.yaml").read_text("utf-8"))
    first = {name: value for name, value in first.items() if name not in {"psc", "card"}}  # of the first node's address
    own = {"issuer": issuer, "listen": listen, "clients": str(clients), "means": ["password"]}
    settings.write_text(yaml.safe_dump({**first, **own}), "utf-8")
    with (demo.data / "second-node.log").open("wb") as log:
        command = [sys.executable, "-m", "gateway.cli", "serve"]
        process = subprocess.Popen(command, cwd=ROOT, env=_environment(settings), stdout=log, stderr=log)
    try:
        _wait_healthy(f"{issuer}/health", process, demo.data / "second-node.log")
        yield issuer, settings
    finally:
        process.terminate()
        process.wait(20)


def _free_address() -> tuple[str, str]:
    name = f"localhost:{free_port('127.0.0.1')}"
    return f"http://{name}", name


def _environment(settings: Path) -> dict[str, str]:
    return {**os.environ, "PASSERELLE_CONFIG": str(settings), "PYTHONPATH": str(ROOT)}


def _passerelle(settings: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "gateway.cli", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=_environment(settings), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _wait_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, f"the second node did not start: {log.read_text()}"
        with contextlib.suppress(requests.ConnectionError):
            if requests.get(url, timeout=2).ok:
                return
        Event().wait(0.05)
    raise AssertionError(f"{url} does not answer: {log.read_text()}")
