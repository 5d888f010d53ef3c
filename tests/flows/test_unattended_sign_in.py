"""`passerelle demo --headless`, as another team's continuous integration uses it: one line of JSON, a sign-in without any page,
real tokens; and nothing of it anywhere else."""

import base64
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests
import yaml
from joserfc import jwt
from joserfc.jwk import KeySet

from gateway.cli.headless import SCOPES
from gateway.oidc.claims import SCOPE_CLAIMS
from gateway.settings import ConfigurationError, read_settings
from tests.faults.deployment import REDIRECT_URI, SECRET, Deployment, deployment
from tests.html_only_browser import HtmlOnlyBrowser
from tests.running_demo import ROOT

VERIFIER = "a-verifier-of-forty-three-characters-or-more-0"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
CALLBACK = "http://127.0.0.9:9/their/callback"
"""Nobody listens there: the application is the test itself."""


@dataclass
class Application:
    """The other team's, at a browser that has just been opened."""

    issuer: str
    client_id: str
    secret: str
    redirect_uri: str

    def __post_init__(self) -> None:
        self.browser = HtmlOnlyBrowser(stops_at=[self.redirect_uri])

    def ask(self, **more: str) -> dict[str, str]:
        """What comes back to the application, without any page on the way."""
        asked = {
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "scope": "openid profile ror",
            "state": "the-state",
            "nonce": "the-nonce",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **more,
        }
        address = self.browser.open(f"{self.issuer}/authorize?{urlencode(asked)}")
        assert address.startswith(self.redirect_uri), (address, self.browser.status, self.browser.html[:2000])
        return dict(parse_qsl(urlsplit(address).query))

    def sign_in(self, **more: str) -> dict[str, Any]:
        """The verified claims of the ID token."""
        answer = self.ask(**more)
        assert (answer["state"], answer["iss"]) == ("the-state", self.issuer)
        form = {
            "grant_type": "authorization_code",
            "code": answer["code"],
            "redirect_uri": self.redirect_uri,
            "code_verifier": VERIFIER,
        }
        tokens = requests.post(f"{self.issuer}/token", data=form, auth=(self.client_id, self.secret), timeout=20).json()
        keys = KeySet.import_key_set(requests.get(f"{self.issuer}/jwks", timeout=20).json())
        claims = jwt.decode(tokens["id_token"], keys, algorithms=["ES256"]).claims
        assert (claims["aud"], claims["nonce"], claims["iss"]) == (self.client_id, "the-nonce", self.issuer)
        return {**claims, "tokens": tokens}


def test_another_teams_application_may_ask_for_every_scope_that_gives_something() -> None:
    """Those of Pro Santé Connect too: an application written for it is tried here without a change."""
    assert set(SCOPES) == set(SCOPE_CLAIMS)


@pytest.mark.timeout(240)
def test_another_teams_application_signs_in_without_a_page_and_everything_stops_at_sigterm(tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "gateway.cli", "demo", "--headless", "--persona", "Nadia Benali", "--port", "0",
        "--data", str(tmp_path / "demo"), "--client-id", "their-application", "--redirect-uri", CALLBACK,
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as demo:
        assert demo.stdout is not None
        line = demo.stdout.readline()
        try:
            assert line, demo.communicate()[1]
            ready = json.loads(line)
            theirs = ready["clients"][-1]
            assert (theirs["client_id"], theirs["redirect_uris"]) == ("their-application", [CALLBACK])
            secret_file = Path(theirs["client_secret_file"])
            assert secret_file.stat().st_mode & 0o777 == 0o600

            application = Application(ready["issuer"], "their-application", secret_file.read_text("utf-8"), CALLBACK)
            claims = application.sign_in()
            assert (claims["name"], claims["acr"]) == ("Nadia Benali", "urn:passerelle:acr:pwd-otp-mail")
            assert claims["amr"] == ["pwd", "otp"]
            assert claims["tokens"]["refresh_token"]
            again = application.sign_in(prompt="none")
            assert again["sid"] == claims["sid"], "one session, as anywhere"
            application.sign_in(prompt="login")
            assert application.ask(acr_values="urn:passerelle:acr:psc", claims=ESSENTIAL)["error"] == UNMET

            orientation = HtmlOnlyBrowser()
            orientation.open(f"{ready['clients'][0]['redirect_uris'][0].removesuffix('/callback')}/sign-in")
            assert "Nadia Benali" in orientation.html
            assert "unattended" in _journal(tmp_path / "demo")
        finally:
            demo.send_signal(signal.SIGTERM)
            rest, said = demo.communicate(timeout=60)
        assert (demo.returncode, rest) == (0, b""), said
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{ready['issuer']}/health", timeout=5)


UNMET = "unmet_authentication_requirements"
ESSENTIAL = json.dumps({"id_token": {"acr": {"essential": True, "values": ["urn:passerelle:acr:psc"]}}})


def _journal(data: Path) -> str:
    from gateway.wiring.stores import open_stores

    with open_stores(read_settings(data / "passerelle.yaml"), node="test") as stores:
        lines = [event.name for _, event in stores.database.journal.read(limit=1000)]
    return " ".join(lines)


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with deployment(tmp_path_factory.mktemp("unattended"), with_psc=True) as running:
        yield running


def _signing_in(seeded: Deployment, username: str, proofs: str) -> Application:
    settings = yaml.safe_load(seeded.settings_file.read_text("utf-8"))
    settings |= {"unattended": {"username": username, "proofs": proofs}}
    seeded.settings_file.write_text(yaml.safe_dump(settings), "utf-8")
    seeded.serve()
    return Application(seeded.issuer, "orientation", SECRET, REDIRECT_URI)


@pytest.mark.parametrize(
    ("username", "proofs", "acr", "amr"),
    [
        pytest.param("p.girard", "password+sms", "pwd-otp-sms", ["pwd", "sms", "mfa"], id="by SMS"),
        pytest.param("n.benali", "psc", "psc", ["psc"], id="by Pro Santé Connect"),
    ],
)
def test_acr_and_amr_are_those_of_the_declared_proofs(
    seeded: Deployment, username: str, proofs: str, acr: str, amr: list[str]
) -> None:
    application = _signing_in(seeded, username, proofs)
    try:
        for _ in range(2):
            claims = application.sign_in(prompt="login")
            assert (claims["acr"], claims["amr"]) == (f"urn:passerelle:acr:{acr}", amr)
    finally:
        seeded.processes[-1].stop()


def test_somebody_who_may_not_sign_in_is_refused_to_the_application_as_anywhere(seeded: Deployment) -> None:
    application = _signing_in(seeded, "j.petit", "password+email")
    try:
        assert application.ask()["error"] == "access_denied"
    finally:
        seeded.processes[-1].stop()


@pytest.mark.parametrize("profile", ["standard", "regulated"])
def test_no_other_profile_starts_with_it(tmp_path: Path, profile: str) -> None:
    settings = {
        "profile": profile,
        "issuer": "https://gateway.exemple.invalid",
        "smtp": {"host": "mail.exemple.invalid", "sender": "a@exemple.invalid"},
        "means": ["psc"],
        "psc": {"client_secret_file": "psc.secret"},
    }
    file = tmp_path / "passerelle.yaml"
    file.write_text(yaml.safe_dump(settings), "utf-8")
    assert read_settings(file).unattended is None
    file.write_text(yaml.safe_dump({**settings, "unattended": {"username": "n.benali"}}), "utf-8")
    with pytest.raises(ConfigurationError, match="unattended: only the demo profile"):
        read_settings(file)


LOADED = """
import sys
from pathlib import Path
from gateway.settings import read_settings
from gateway.wiring.application import build
from gateway.wiring.stores import open_stores, read_idp_config

settings = read_settings(Path(sys.argv[1])).model_copy(update={"profile": sys.argv[2]})
with open_stores(settings, node="test") as stores:
    build(settings, read_idp_config(settings.model_copy(update={"profile": "demo"})), stores)
print([name for name in sys.modules if "unattended" in name])
"""


@pytest.mark.parametrize("profile", ["demo", "standard"])
def test_nothing_of_it_is_loaded_where_no_setting_names_a_person(seeded: Deployment, profile: str) -> None:
    settings = yaml.safe_load(seeded.settings_file.read_text("utf-8"))
    settings.pop("unattended", None)
    file = seeded.folder / "without.yaml"
    file.write_text(yaml.safe_dump(settings), "utf-8")
    said = subprocess.run(
        [sys.executable, "-c", LOADED, str(file), profile],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.stdout.strip() == "[]", said.stderr


def test_the_room_that_builds_it_refuses_every_other_profile(seeded: Deployment) -> None:
    from gateway.wiring.unattended import unattended_pages

    settings = read_settings(seeded.settings_file).model_copy(update={"profile": "standard"})
    with seeded.stores() as stores, pytest.raises(ConfigurationError, match="only the demo"):
        unattended_pages(settings, stores, shell=None, journey=None, gate=None, clients=None)  # type: ignore[arg-type]
