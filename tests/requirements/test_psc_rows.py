"""PSC-01…PSC-08 and LOA-02, through the pages of the deployed gateway, before the simulated Pro Santé Connect.

What a rule of one module proves is tested there; here is what only the whole shows: what travels, what is kept and in which
form, what an application gets to see.
"""

import base64
import json
import re
import sqlite3
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from gateway.signin.psc import client
from sandbox.psc import Lie, Quirk
from tests.flows.psc_gateway import PSC, SECRET, PscGateway, Simulator, question, simulated
from tests.requirements.assembled import Answer, Browser, action_of, claims_of, hidden_fields, parameters, told


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulated(tmp_path_factory.mktemp("psc")) as simulator:
        yield simulator


@pytest.fixture
def gateway(simulator: Simulator, tmp_path) -> Iterator[PscGateway]:
    gateway = PscGateway(tmp_path, simulator)
    gateway.linked("nadia", email="nadia@exemple.example")
    yield gateway
    gateway.close()


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The tokens as they came over the wire, by their names."""
    heard: dict[str, str] = {}
    judged = client._token_answer

    def overheard(answer: Any) -> None:
        said = json.loads(answer.content)
        heard.update({name: said[name] for name in ("id_token", "access_token", "refresh_token")})
        judged(answer)

    monkeypatch.setattr(client, "_token_answer", overheard)
    return heard


def chosen(gateway: PscGateway, page: Answer) -> Answer:
    return gateway.browser.onward(gateway.browser.submit(page, action_of(page, "situation"), situation="0"))


def signed_in(gateway: PscGateway) -> dict[str, Any]:
    """The tokens that the application gets."""
    return gateway.tokens(told(chosen(gateway, gateway.by_psc("nadia")))["code"])


def stolen(gateway: PscGateway) -> bytes:
    """Every octet of both stores, with what waits in their journals."""
    files = [*gateway.folder.glob("*.db*")]
    assert {"passerelle.db", "ephemeral.db"} <= {file.name for file in files}
    return b"".join(file.read_bytes() for file in files)


def living(gateway: PscGateway) -> list[str]:
    """Every row of the ephemeral store that has not been deleted."""
    with sqlite3.connect(gateway.folder / "ephemeral.db") as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = [repr(row) for name in tables for row in database.execute(f'SELECT * FROM "{name}"')]
    database.close()
    return rows


def traces(token: str) -> list[bytes]:
    """A token in each shape that it could be kept in: as it is, in its parts, decoded, or encoded once more."""
    parts = [part for part in token.split(".") if len(part) > 40]
    written = [token, *parts, base64.b64encode(token.encode()).decode().rstrip("="), token.encode().hex()]
    return [one.encode() for one in written]


# ── PSC-01 ──


@pytest.mark.spec("PSC-01")
def test_each_question_has_three_secrets_of_its_own(gateway: PscGateway) -> None:
    asked = [question(gateway.asked()) for _ in range(4)]
    for name in ("state", "nonce", "code_challenge"):
        values = [one[name].rpartition(".")[2] for one in asked]
        assert len(set(values)) == len(asked)
        assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", value) for value in values)
    assert {(one["response_type"], one["code_challenge_method"]) for one in asked} == {("code", "S256")}


@pytest.mark.spec("PSC-01")
def test_the_verifier_is_of_256_bits_and_only_travels_to_the_token_endpoint(gateway: PscGateway) -> None:
    signed_in(gateway)
    (request,) = gateway.psc.requests_to("token")
    (verifier,) = request.form["code_verifier"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", verifier)
    assert verifier not in "".join(f"{one.headers}{one.text}" for one in gateway.browser.trail)
    assert not [row for row in living(gateway) if verifier in row], "it does not outlive its question"


# ── PSC-04 ──


@pytest.mark.spec("PSC-04")
def test_a_claim_that_is_not_in_the_list_is_kept_nowhere(gateway: PscGateway) -> None:
    gateway.psc.quirk = Quirk.EXTRA_MEMBERS
    page = gateway.by_psc("nadia")
    chosen(gateway, page)
    kept = stolen(gateway) + gateway.browser.trail[-1].body
    assert b"990000010" in kept, "the structure's identifier, which is in the list"
    for unlisted in (b"membreInconnu", b"GENR01", b"RESTANQUES", b"APPPRIP3", b"SA25", b"13400", b"Secteur_Activite"):
        assert unlisted not in kept, unlisted


# ── PSC-05 ──


@pytest.mark.spec("PSC-05", "PSC-R21", "PSC-R22")
def test_no_token_of_theirs_is_readable_in_the_stores(gateway: PscGateway, upstream: dict[str, str]) -> None:
    signed_in(gateway)
    session = gateway.browser.session
    assert session is not None
    assert gateway.seal().id_token(session) == upstream["id_token"], "it is there, sealed"
    octets = stolen(gateway)
    assert session.account_id.encode() in octets, "the test reads the right files"
    for name, token in upstream.items():
        assert not [trace for trace in traces(token) if trace in octets], name
    assert SECRET.encode() not in octets


@pytest.mark.spec("PSC-05")
def test_the_sealed_token_opens_in_the_session_of_its_own_account_alone(gateway: PscGateway) -> None:
    signed_in(gateway)
    hers = gateway.browser.session
    gateway.person("camille")
    gateway.browser = gateway.another_browser()
    told(gateway.browser.sign_in(gateway.browser.authorize()))
    theirs = gateway.browser.session
    assert hers is not None and theirs is not None
    moved = type(theirs)(**{name: getattr(theirs, name) for name in theirs.__slots__} | {"upstream": hers.upstream})
    assert gateway.seal().id_token(hers) is not None
    assert gateway.seal().id_token(moved) is None


@pytest.mark.spec("PSC-05")
def test_nothing_of_theirs_is_in_what_an_application_gets(gateway: PscGateway, upstream: dict[str, str]) -> None:
    tokens = signed_in(gateway)
    ours = [
        claims_of(tokens["id_token"]),
        claims_of(tokens["access_token"]),
        gateway.userinfo(tokens["access_token"]).json,
    ]
    given = json.dumps([tokens, ours])
    for name, token in upstream.items():
        assert not [trace for trace in traces(token) if trace.decode() in given], name
    theirs = claims_of(upstream["id_token"])
    for name in ("sub", "nonce", "sid", "iss"):
        assert str(theirs[name]) not in given, name
    assert "eidas" not in given


@pytest.mark.spec("PSC-05")
@pytest.mark.parametrize("how", ["signed out", "expired"])
def test_the_sealed_token_goes_with_its_session(gateway: PscGateway, how: str) -> None:
    signed_in(gateway)
    session = gateway.browser.session
    assert session is not None
    sealed = (session.upstream or {})["id_token"]
    if how == "signed out":
        gateway.browser.submit(gateway.browser.get("/compte"), "/signout")
    else:
        gateway.advance(4 * 3600)
        assert gateway.browser.get("/").status == 200
        gateway.stores.ephemeral.purge(gateway.clock.now())
    assert gateway.session(session.handle) is None
    rows = living(gateway)
    assert rows
    assert not [row for row in rows if sealed in row]


# ── PSC-06 ──


@pytest.mark.spec("PSC-06")
def test_invented_key_names_make_us_ask_for_the_keys_once_a_minute(gateway: PscGateway) -> None:
    gateway.psc.lie = Lie.KID_UNKNOWN
    for _ in range(4):
        gateway.by_psc("nadia")
        assert gateway.noted().details["error"] == "id token: kid"
    assert len(gateway.psc.requests_to("certs")) == 1
    gateway.advance(60)
    gateway.by_psc("nadia")
    assert len(gateway.psc.requests_to("certs")) == 2


# ── PSC-07 ──


@pytest.mark.spec("PSC-07", "PSC-R23")
@pytest.mark.parametrize("reachable", [True, False])
def test_signing_out_here_asks_to_sign_out_there_and_waits_for_nobody(
    gateway: PscGateway, upstream: dict[str, str], reachable: bool
) -> None:
    tokens = signed_in(gateway)
    if not reachable:
        gateway.environment = gateway.declared(end_session_endpoint=f"{gateway.psc.issuer}/protocol/nowhere")
        gateway.restart()
    handle = gateway.browser.cookies["__Host-session"]
    page = gateway.browser.submit(gateway.browser.get("/compte"), "/signout")
    assert page.status == 200
    assert gateway.session(handle) is None
    assert gateway.userinfo(tokens["access_token"]).status == 401
    address = re.search(r'href="([^"]+id_token_hint[^"]+)"', page.text)
    assert address is not None
    hint = question(address[1].replace("&amp;", "&"))
    assert hint["id_token_hint"] == upstream["id_token"]
    assert told(gateway.browser.authorize(prompt="none"))["error"] == "login_required"
    assert gateway.psc.requests_to("logout") == [], "only her browser goes there"


# ── PSC-02, PSC-08 ──


@pytest.mark.spec("PSC-02", "PSC-08")
def test_only_the_pinned_addresses_are_called_and_nothing_is_followed(gateway: PscGateway) -> None:
    signed_in(gateway)
    back_channel = {"token", "userinfo", "certs", "discovery", "introspect", "revoke"}
    assert {one.place for one in gateway.psc.realm.journal.all()} & back_channel == {"token", "userinfo", "certs"}
    for lie in (Lie.TOKEN_REDIRECTED, Lie.USERINFO_REDIRECTED, Lie.JWKS_REDIRECTED, Lie.KEY_BY_URL):
        gateway.restart()
        gateway.psc.lie = lie
        gateway.by_psc("nadia", gateway.browser.authorize(prompt="login"))
    assert not [one.place for one in gateway.psc.realm.journal.all() if one.place.startswith("elsewhere")]


# ── LOA-02, LOA-01 ──


@pytest.mark.spec("LOA-02", "LOA-03", "LOA-01")
@pytest.mark.parametrize("acr", ["eidas1", "eidas3"])
def test_our_level_is_ours_and_theirs_is_kept_apart(gateway: PscGateway, acr: str) -> None:
    gateway.psc.acr = acr
    said = claims_of(signed_in(gateway)["id_token"])
    session = gateway.browser.session
    assert session is not None and session.upstream is not None
    assert (said["acr"], said["amr"]) == (PSC, ["psc"])
    assert said["auth_time"] == int(session.auth_time)
    assert (session.upstream["acr"], session.upstream["issuer"]) == (acr, gateway.psc.issuer)
    assert "eidas" not in json.dumps(said)


@pytest.mark.spec("LOA-01", "LOA-03")
def test_an_application_cannot_ask_its_way_to_another_level(gateway: PscGateway) -> None:
    wanted = {"acr_values": "eidas3 urn:passerelle:acr:card", "claims": '{"id_token":{"acr":{"value":"eidas3"}}}'}
    answer = gateway.browser.get("/authorize?" + urlencode({**parameters(), **wanted}))
    if answer.location.startswith("https:"):
        assert "error" in told(answer)
        return
    said = claims_of(gateway.tokens(told(chosen(gateway, gateway.by_psc("nadia", answer)))["code"])["id_token"])
    assert said["acr"] == PSC


# ── beside a password ──


@pytest.mark.spec("R002-10", "R002-16")
def test_whoever_comes_by_it_is_asked_no_code_and_keeps_their_password(gateway: PscGateway) -> None:
    signed_in(gateway)
    spool = gateway.stores.ephemeral.spool
    assert "one_time_code" not in [item.kind for _, item, _ in spool.take_outgoing(gateway.clock.now(), 50, 0.0)]
    assert "/code" not in "".join(answer.text for answer in gateway.browser.trail)
    gateway.browser = gateway.another_browser()
    assert told(gateway.browser.sign_in(gateway.browser.authorize(), "nadia"))["code"]
    assert gateway.browser.session is not None


@pytest.mark.spec("THR-04", "AC-004")
def test_a_password_under_delay_keeps_nobody_from_it(gateway: PscGateway) -> None:
    thief = gateway.another_browser()
    page = thief.onward(thief.get("/signin"))
    for _ in range(5):
        page = thief.submit(page, action_of(page, "password"), identifier="nadia", password="faux")
    assert thief.give_password(page, "nadia").status == 422, "not even the right one"
    assert signed_in(gateway)["access_token"]


# ── the regulated profile ──


@pytest.mark.spec("REG-06", "AC-013")
def test_in_the_regulated_profile_a_right_password_alone_opens_no_address(gateway: PscGateway) -> None:
    """Proved while another profile still let it be: here no page so much as asks for it."""
    browser = gateway.browser
    page = browser.give_password(browser.onward(browser.authorize()), "nadia")
    handle = action_of(page, "code").split("/")[2]
    gateway.restart(profile="regulated")
    assert not re.search(r'action="/signin/[^"]+/password"', browser.onward(browser.authorize()).text)
    forms: dict[str, dict[str, str]] = {}
    for rule in gateway.pages.url_map.iter_rules():
        if "GET" in (rule.methods or ()):
            one = Browser(gateway, cookies=dict(browser.cookies))
            answer = one.onward(one.get(re.sub(r"<[^>]+>", "x" * 43, rule.rule.replace("<handle>", handle))))
            for action in re.findall(r'method="post" action="([^"]+)"', answer.text):
                forms[action] = hidden_fields(answer, action)
            assert one.session is None, rule
    assert f"/signin/{handle}/cancel" in forms, "the sign-in is still under way"
    for action in sorted(forms, key=lambda one: one.endswith("/cancel")):
        one = Browser(gateway, cookies=dict(browser.cookies))
        one.onward(one.post(action, {**forms[action], "trust": "yes", "answer": "yes", "situation": "0"}))
        assert one.session is None, action
    assert told(browser.authorize(prompt="none"))["error"] == "login_required"
    assert gateway.events("session.started") == []
