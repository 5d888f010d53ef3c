"""Pro Santé Connect inside the local world: demands on the phone, lies by JSON, the command line, back-channel logout."""

import json
import queue
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests
from flask import Flask, request

import sandbox
from sandbox.http_server import HttpServer
from sandbox.loopback import LoopbackAddress
from sandbox.psc import Lie, Quirk
from tests.sandbox.psc_client import CLIENT_ID, LEFT_URI, REDIRECT_URI, Client, answer, claims, verified


@pytest.fixture(scope="module")
def told() -> Iterator[tuple[str, "queue.Queue[str]"]]:
    """Where the client hears that a session has ended."""
    heard: queue.Queue[str] = queue.Queue()
    site = Flask("client")

    @site.post("/backchannel-logout")
    def hear() -> str:
        heard.put(request.form["logout_token"])
        return ""

    server = HttpServer(LoopbackAddress("127.0.0.1", 0), "client")
    server.start(site)
    yield f"{server.url}/backchannel-logout", heard
    server.stop()


@pytest.fixture(scope="module")
def with_psc(options: sandbox.SandboxOptions, told) -> sandbox.SandboxOptions:
    return replace(
        options,
        psc="127.0.0.3:0",
        wallet="127.0.0.4:0",
        psc_client_id=CLIENT_ID,
        psc_client_secret_file=options.orientation_client_secret_file,
        psc_redirect_uri=[REDIRECT_URI],
        psc_post_logout_redirect_uri=[LEFT_URI],
        psc_backchannel_logout_uri=told[0],
    )


@pytest.fixture(scope="module")
def started_world(with_psc: sandbox.SandboxOptions) -> Iterator[sandbox.RunningSandbox]:
    with sandbox.run(with_psc) as running:
        yield running


@pytest.fixture
def around(started_world: sandbox.RunningSandbox) -> sandbox.RunningSandbox:
    assert started_world.psc
    started_world.psc.be_honest()
    started_world.clock.reset()
    return started_world


def demanding(around: sandbox.RunningSandbox, browser: requests.Session, client: Client, **changes: str) -> str:
    """A person asks for their phone on the wallet; the address of the page that waits."""
    page = browser.get(client.url(**changes), timeout=20)
    waiting = browser.post(f"{page.url}/e-cps", data={"identifiant": "99900000011"}, timeout=20)
    assert waiting.status_code == 200
    return waiting.url


def approvals(around: sandbox.RunningSandbox) -> list[dict]:
    return requests.get(f"{around.world_url}/api/approvals", timeout=20).json()["approvals"]


@pytest.mark.parametrize(("approve", "decision"), [(True, "approved"), (False, "refused")])
def test_a_demand_is_answered_by_the_json_api_and_the_browser_goes_back(around, approve: bool, decision: str):
    client = Client(around.psc)
    with requests.Session() as browser:
        waiting = demanding(around, browser, client)
        (demand,) = approvals(around)
        assert (demand["person"], demand["national_id"], demand["decision"]) == (
            "Nadia Benali", "899900000011", "pending",
        )  # fmt: skip
        page = browser.get(waiting, timeout=20)
        assert f"</span>{demand['number']}</p>" in page.text
        given = requests.post(f"{around.world_url}/api/approvals/{demand['id']}", json={"approve": approve}, timeout=20)
        assert given.json()["decision"] == decision
        back = answer(browser.get(waiting, timeout=20, allow_redirects=False).headers["Location"])
    assert back["state"] == client.state
    assert ("code" in back) == approve
    assert back.get("error") == (None if approve else "access_denied")


def test_an_answer_counts_once_and_only_while_the_demand_lasts(around):
    with requests.Session() as browser:
        waiting = demanding(around, browser, Client(around.psc))
        (demand,) = approvals(around)
        address = f"{around.world_url}/api/approvals/{demand['id']}"
        assert requests.post(address, json={"approve": "yes"}, timeout=20).status_code == 400
        requests.post(f"{around.world_url}/api/clock", json={"advance_seconds": 120}, timeout=20)
        assert approvals(around)[0]["decision"] == "expired"
        assert requests.post(address, json={"approve": True}, timeout=20).status_code == 409
        late = browser.get(waiting, timeout=20)
        assert "n’a pas été validée à temps" in late.text
        assert 'value="99900000011"' in late.text
        again = browser.post(late.url.replace("/attente", "/e-cps"), data={"identifiant": "99900000011"}, timeout=20)
        (fresh,) = around.psc.pending()
        around.psc.approve()
        with pytest.raises(LookupError):
            around.psc.approve(fresh.id)
        assert "code" in answer(browser.get(again.url, timeout=20, allow_redirects=False).headers["Location"])
        assert browser.get(again.url, timeout=20).status_code == 400


def test_the_phone_shows_the_demand_and_answers_by_a_plain_form(around):
    with requests.Session() as browser:
        waiting = demanding(around, browser, Client(around.psc))
        (demand,) = approvals(around)
        page = requests.get(around.world_url, timeout=20).text
        assert "Nadia Benali, vous connectez-vous à Passerelle" in page
        assert page.count(f'action="/approvals/{demand["id"]}"') == 1
        form = {"decision": "approve"}
        after = requests.post(f"{around.world_url}/approvals/{demand['id']}", data=form, timeout=20).text
        assert "vous connectez-vous à" not in after
        assert browser.get(waiting, timeout=20, allow_redirects=False).status_code == 302
    assert requests.post(f"{around.world_url}/approvals/x", data={"decision": "?"}, timeout=20).status_code == 400


def test_the_script_of_the_page_learns_of_a_demand(around):
    before = requests.get(f"{around.world_url}/fragments", timeout=20).json()
    with requests.Session() as browser:
        demanding(around, browser, Client(around.psc))
    after = requests.get(f"{around.world_url}/fragments", params={"since": before["version"]}, timeout=20).json()
    assert (before["approvals"], after["approvals"]) == (0, 1)
    assert "Valider" in after["phone"]


def test_a_new_demand_or_a_cancel_takes_the_first_one_off_the_phone(around):
    with requests.Session() as browser:
        waiting = demanding(around, browser, Client(around.psc))
        browser.post(waiting.replace("/attente", "/e-cps"), data={"identifiant": "99900000029"}, timeout=20)
        assert [demand["person"] for demand in approvals(around)] == ["Paul Girard"]
        cancelled = browser.post(waiting.replace("/attente", "/annuler"), timeout=20)
        assert approvals(around) == []
        assert "Connexion annulée" in cancelled.text
        back = browser.get(waiting.replace("/attente", "/retour"), timeout=20, allow_redirects=False)
    assert answer(back.headers["Location"])["error"] == "access_denied"


@pytest.mark.spec("PSC-S22")
def test_lies_quirks_shape_level_and_keys_are_switched_by_json(around):
    def post(what: str, body: object) -> requests.Response:
        return requests.post(f"{around.world_url}/api/psc/{what}", json=body, timeout=20)

    for name, kind in (("lie", Lie), ("quirk", Quirk)):
        for member in kind:
            assert post(name, {name: member}).json() == {name: member}
        for wrong in ({name: "nothing_such"}, {name: 1}, {}, [], None):
            assert post(name, wrong).status_code == 400
        assert post(name, {name: None}).json() == {name: None}
    assert post("shape", {"keycloak": "legacy"}).status_code == post("shape", {"acr": "eidas2"}).status_code == 200
    assert post("shape", {"keycloak": "none"}).status_code == 400
    client = Client(around.psc)
    identity = claims(client.tokens(around.psc.visitor().sign_in(client.url()))["id_token"])
    assert (identity["acr"], "session_state" in identity) == ("eidas2", True)
    assert len(post("keys", {"rotate": True}).json()["kids"]) == 3
    assert len(post("keys", {"drop_retired": True}).json()["kids"]) == 2
    listed = requests.get(f"{around.world_url}/api/psc", timeout=20).json()
    assert set(listed["lies"]) == set(Lie)
    assert all(listed["lies"].values())


def test_what_was_asked_is_listed_without_its_secrets(around):
    client = Client(around.psc)
    tokens = client.tokens(around.psc.visitor().sign_in(client.url()))
    client.userinfo(tokens["access_token"])
    seen = requests.get(f"{around.world_url}/api/psc/requests", timeout=20)
    places = [one["place"] for one in seen.json()["requests"]]
    assert places.count("token") == places.count("userinfo") == places.count("authorize") == 1
    for secret in (client.verifier, tokens["access_token"]):
        assert secret not in seen.text
    assert requests.get(f"{around.world_url}/api/psc/requests?place=userinfo", timeout=20).json()["requests"] == [
        {"place": "userinfo", "method": "GET", "query": {}, "form": {}, "authorization": "Bearer"}
    ]


@pytest.mark.spec("PSC-S21")
def test_the_end_of_a_session_is_posted_to_the_client_once(around, told):
    heard = told[1]
    while not heard.empty():
        heard.get_nowait()
    client = Client(around.psc)
    tokens = client.tokens(around.psc.visitor().sign_in(client.url()))
    for _ in range(2):
        hint = {"id_token_hint": tokens["id_token"]}
        assert requests.get(client.endpoint("logout"), params=hint, timeout=20).status_code == 200
    ended = verified(around.psc, heard.get(timeout=10))
    assert (ended["sid"], ended["sub"]) == (tokens["session_state"], claims(tokens["id_token"])["sub"])
    assert heard.empty()


def test_logout_without_a_hint_is_confirmed_on_the_wallet(around):
    client, visitor = Client(around.psc), around.psc.visitor()
    tokens = client.tokens(visitor.sign_in(client.url()))
    asked = {"client_id": CLIENT_ID, "post_logout_redirect_uri": LEFT_URI, "state": "abc"}
    moved = requests.get(client.endpoint("logout"), params=asked, timeout=20, allow_redirects=False).headers["Location"]
    assert moved.startswith(f"{around.psc.wallet_url}/deconnexion?")
    cookie = {"PSC_SESSION": around.psc.realm.sessions.get(tokens["session_state"]).cookie}
    assert "Se déconnecter ?" in requests.get(moved, cookies=cookie, timeout=20).text
    assert client.userinfo(tokens["access_token"]).status_code == 200
    left = requests.post(moved, cookies=cookie, timeout=20).text
    assert f'href="{LEFT_URI}?state=abc"' in left
    assert client.userinfo(tokens["access_token"]).status_code == 401


def test_without_psc_the_world_is_what_it_was(world):
    assert world.psc is None
    assert requests.get(f"{world.world_url}/api/psc", timeout=20).status_code == 404


def test_psc_asked_for_by_half_is_refused_in_a_sentence(with_psc: sandbox.SandboxOptions):
    for missing in ("wallet", "psc_client_id", "psc_client_secret_file"):
        with pytest.raises(sandbox.SandboxRefusal, match="--wallet"), sandbox.run(replace(with_psc, **{missing: None})):
            pass
    outside = replace(with_psc, psc_redirect_uri=["https://passerelle.example/callback"])
    with pytest.raises(sandbox.SandboxRefusal, match="not a loopback URL"), sandbox.run(outside):
        pass


def test_the_command_line_starts_it_and_says_where(with_psc: sandbox.SandboxOptions):
    words: list[str] = []
    for name, value in vars(with_psc).items():
        for one in value if isinstance(value, list) else [value]:
            words += [] if one is None else [f"--{name.replace('_', '-')}", str(one)]
    with subprocess.Popen(
        [sys.executable, "-m", "sandbox", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        addresses = json.loads(process.stdout.readline().removeprefix("sandbox ready "))
        try:
            discovery = requests.get(f"{addresses['psc']}/.well-known/wallet-openid-configuration", timeout=20).json()
            assert discovery["authorization_endpoint"] == f"{addresses['wallet']}/auth"
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
        assert process.stderr.read() == ""
