"""`passerelle test-client` finds each hole of a small application whose checks are switched off one at a time, names it and no
other, and finds none in an application that checks everything, the demo's own included."""

import base64
import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import jwt
import pytest
import requests

from gateway.cli.command_line import passerelle
from gateway.cli.lying_provider.lies import LIES
from gateway.cli.lying_provider.logout_lies import LOGOUT_LIES
from gateway.cli.lying_provider.provider import Attempt, LyingProvider, pkce_trouble
from gateway.cli.lying_provider.report import is_clean
from gateway.cli.lying_provider.scene import Scene
from gateway.cli.lying_provider.server import listening
from gateway.cli.lying_provider.trial import HonestLoginFailedError, Result, Trial, Verdict
from gateway.cli.output import run
from gateway.cli.test_client import CODES, PUBLIC_SECRET
from gateway.clock import SystemClock
from gateway.keys.signing_key import Algorithm
from gateway.randomness import system_randomness
from sandbox.clock import WorldClock
from sandbox.http_server import HttpServer
from sandbox.loopback import LoopbackAddress
from sandbox.orientation.pages import orientation_site
from sandbox.relying_party.configuration import ClientConfiguration
from sandbox.suivi.pages import suivi_site
from tests.cli.deaf_application import DeafApplication, deaf_application
from tests.running_demo import free_port

CLIENT, SECRET = "their-application", "a secret: with odd/characters+"
VERIFIER = "a-verifier-of-forty-three-characters-or-more-0"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
RECOMMENDED = {"azp", "at-hash", "issued-in-future", "response-issuer-missing", "logout-replayed"}


@contextmanager
def lying(*, secret: str | None = SECRET, algorithm: Algorithm = Algorithm.ES256) -> Iterator[LyingProvider]:
    with listening("127.0.0.1", 0, None) as (server, port):
        scene = Scene.prepared(
            issuer=f"http://127.0.0.1:{port}",
            client_id=CLIENT,
            secret=secret,
            algorithm=algorithm,
            randomness=system_randomness,
            claims={},
        )
        server.provider = LyingProvider(scene, SystemClock())
        yield server.provider


def tried(provider: LyingProvider, application: DeafApplication, *only: str) -> list[Result]:
    application.issuer = provider.scene.issuer
    logout = f"{application.url}/backchannel-logout"
    return list(Trial(provider, f"{application.url}/login", logout_uri=logout, only=only).run())


def with_others(hole: str) -> tuple[str, ...]:
    """This check and the next two: each is looked at where it is missing, and twice where another is."""
    place = CODES.index(hole)
    return tuple((*CODES, *CODES)[place : place + 3])


def missing(results: list[Result]) -> set[str]:
    return {result.check.code for result in results if result.verdict is Verdict.MISSING}


@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_an_application_that_checks_everything_comes_out_clean(mode: str) -> None:
    with lying() as provider, deaf_application(client_id=CLIENT, secret=SECRET, mode=mode) as application:
        results = tried(provider, application)
    assert {result.check.code for result in results} == set(CODES)
    assert {result.verdict for result in results} == {Verdict.OK}, results


@pytest.mark.parametrize("hole", CODES)
def test_each_check_that_is_switched_off_is_named_and_no_other(hole: str) -> None:
    with lying() as provider, deaf_application(hole, client_id=CLIENT, secret=SECRET) as application:
        results = tried(provider, application, *with_others(hole))
    assert len(results) == 3
    assert missing(results) == {hole}, results
    assert is_clean(results, strict=False) == (hole in RECOMMENDED)
    assert not is_clean(results, strict=True)


def test_an_application_that_checks_nothing_is_told_everything() -> None:
    with lying() as provider, deaf_application(*CODES, client_id=CLIENT, secret=SECRET) as application:
        assert missing(tried(provider, application)) == set(CODES) - {code for code in CODES if code in LOGOUTS}


LOGOUTS = {lie.check.code for lie in LOGOUT_LIES} | {"logout-replayed"}
"""An application that never signs anybody out is not fooled into it."""


@pytest.mark.parametrize(
    ("request_fields", "verifier", "said"),
    [
        pytest.param({}, VERIFIER, "no code_challenge", id="no challenge"),
        pytest.param({"code_challenge": VERIFIER}, VERIFIER, "code_challenge_method=plain", id="plain"),
        pytest.param(
            {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}, "", "no code_verifier", id="no verifier"
        ),
        pytest.param(
            {"code_challenge": CHALLENGE, "code_challenge_method": "S256"},
            VERIFIER[::-1],
            "code_verifier is not the challenge's",
            id="another verifier",
        ),
        pytest.param({"code_challenge": CHALLENGE, "code_challenge_method": "S256"}, VERIFIER, None, id="right"),
    ],
)
def test_pkce_is_looked_at_as_a_whole(request_fields: dict[str, str], verifier: str, said: str | None) -> None:
    attempt = Attempt(request=request_fields, redeemed_with={"code_verifier": verifier} if verifier else {})
    assert pkce_trouble(attempt) == said


def test_what_it_recommends_alone_is_told_apart_from_what_is_required() -> None:
    optional = {lie.check.code for lie in (*LIES, *LOGOUT_LIES) if not lie.check.must} | {"logout-replayed"}
    assert optional == RECOMMENDED


def test_a_public_application_without_back_channel_is_tried_as_far_as_it_goes() -> None:
    with lying(secret=None) as provider, deaf_application(client_id=CLIENT, secret=None) as application:
        application.issuer = provider.scene.issuer
        results = list(Trial(provider, f"{application.url}/login").run())
    untested = {result.check.code for result in results if result.verdict is Verdict.NOT_TESTED}
    assert untested == {code for code in CODES if code.startswith("logout")}
    assert missing(results) == set()


def test_an_application_that_shows_nothing_is_asked_for_a_text() -> None:
    with (
        lying() as provider,
        deaf_application(client_id=CLIENT, secret=SECRET, quiet=True) as application,
        pytest.raises(HonestLoginFailedError, match="--signed-in TEXT"),
    ):
        tried(provider, application)


def test_an_application_with_another_secret_is_told_so() -> None:
    with (
        lying() as provider,
        deaf_application(client_id=CLIENT, secret="another") as application,
        pytest.raises(HonestLoginFailedError, match="did not prove itself"),
    ):
        tried(provider, application)


@pytest.mark.parametrize("algorithm", list(Algorithm), ids=str)
def test_each_algorithm_that_may_be_chosen_is_spoken(algorithm: Algorithm) -> None:
    """As a relying party's own library hears it."""
    with lying(algorithm=algorithm) as provider:
        attempt = provider.attempt()
        issuer = provider.scene.issuer
        asked = {"client_id": CLIENT, "redirect_uri": "https://a.example/", "response_type": "code"}
        sent = requests.get(f"{issuer}/authorize", params=asked, allow_redirects=False, timeout=5)
        code = parse_qs(urlsplit(sent.headers["Location"]).query)["code"][0]
        form = {"grant_type": "authorization_code", "code": code}
        tokens = requests.post(f"{issuer}/token", data=form, auth=(CLIENT, SECRET), timeout=5).json()
        (jwk,) = requests.get(f"{issuer}/jwks", timeout=5).json()["keys"]
    said = jwt.decode(tokens["id_token"], jwt.PyJWK.from_dict(jwk), [str(algorithm)], audience=CLIENT, issuer=issuer)
    hashed = hashlib.new(
        "sha512" if algorithm is Algorithm.EDDSA else "sha256", tokens["access_token"].encode()
    ).digest()
    assert said["at_hash"] == base64.urlsafe_b64encode(hashed[: len(hashed) // 2]).rstrip(b"=").decode()
    assert attempt.redemptions == 1


@pytest.mark.parametrize("name", ["Orientation", "Suivi"])
@pytest.mark.parametrize("algorithm", [Algorithm.ES256, Algorithm.RS256], ids=str)
def test_the_applications_of_the_demo_come_out_clean(tmp_path: Path, name: str, algorithm: Algorithm) -> None:
    secret_file = tmp_path / "secret"
    secret_file.write_text(SECRET, "utf-8")
    server = HttpServer(LoopbackAddress("127.0.0.1", 0), name)
    try:
        with lying(algorithm=algorithm) as provider:
            client = ClientConfiguration(provider.scene.issuer, CLIENT, secret_file, server.url)
            site = {"Orientation": orientation_site, "Suivi": suivi_site}[name]
            server.start(site(client, WorldClock(None)))
            trial = Trial(provider, f"{server.url}/sign-in", logout_uri=f"{server.url}/backchannel-logout")
            results = list(trial.run())
    finally:
        server.stop()
    assert {result.verdict for result in results} == {Verdict.OK}, results


def command(*words: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(passerelle, ["test-client", *words])
    return code, out.getvalue(), err.getvalue()


@contextmanager
def configured(*deaf_to: str) -> Iterator[tuple[DeafApplication, str]]:
    """An application that its team configured with what the command prints."""
    listen = f"127.0.0.1:{free_port('127.0.0.1')}"
    with deaf_application(*deaf_to, client_id="test-client", secret=PUBLIC_SECRET) as application:
        application.issuer = f"http://{listen}"
        yield application, listen


def test_the_command_says_in_two_languages_what_is_missing_and_fails(tmp_path: Path) -> None:
    junit = tmp_path / "test-client.xml"
    with configured("nonce", "azp") as (application, listen):
        words = (f"{application.url}/login", "--listen", listen, "--junit", str(junit))
        code, out, err = command(*words, "--only", "nonce", "--only", "azp", "--only", "audience")
        assert code == 1, err
        assert f"issuer http://{listen}" in err
        assert "le jeton d'identité porte un autre nonce" in out
        assert "the ID token carries another nonce" in out
        assert "advice   azp" in out
        suite = ElementTree.parse(junit).getroot()
        assert (suite.get("tests"), suite.get("failures")) == ("3", "1")
        code, out, _ = command("--json", *words, "--only", "azp")
        assert (code, json.loads(out)["clean"]) == (0, True)
        assert command(*words, "--only", "azp", "--strict")[0] == 1
        code, out, _ = command("--signed-in", "Bonjour Camille", *words, "--only", "nonce")
        assert code == 1


def test_it_listens_on_this_machine_alone_unless_told_otherwise() -> None:
    code, _, err = command("http://127.0.0.1:1/login", "--listen", "0.0.0.0:0")
    assert (code, "--beyond-loopback" in err) == (1, True)


def test_an_application_that_does_not_come_is_waited_for_and_then_named() -> None:
    address = f"http://127.0.0.1:{free_port('127.0.0.1')}/login"
    code, _, err = command(address, "--listen", "127.0.0.1:0", "--wait", "0")
    assert (code, address in err) == (1, True)


@pytest.mark.parametrize("option", ["--ca-file", "--tls"])
def test_a_file_that_holds_no_certificate_is_not_told_as_a_port_in_use(tmp_path: Path, option: str) -> None:
    wrong = tmp_path / "certificate.pem"
    wrong.write_text("nothing of the kind", "utf-8")
    files = [str(wrong)] * (2 if option == "--tls" else 1)
    code, _, err = command("http://127.0.0.1:1/login", "--listen", "127.0.0.1:0", "--wait", "0", option, *files)
    assert (code, "--listen" in err, option in err) == (1, False, True), err
