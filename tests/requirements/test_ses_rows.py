"""SES rows on the assembled gateway: how a session begins, stays and ends, as a browser and a stolen disk see it."""

import re
from pathlib import Path
from urllib.parse import urlencode

import pytest

from gateway.accounts.archive_account import archive_account
from gateway.randomness import handle, partition_of, system_randomness
from tests.requirements.assembled import OTP_SMS, Browser, Gateway, action_of, told

HOUR = 3600


def everything_kept(folder: Path) -> bytes:
    """Both stores, their logs included, and whatever else the gateway wrote."""
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


def cookie_lines(browser: Browser) -> list[str]:
    return [value for answer in browser.trail for name, value in answer.headers if name == "set-cookie"]


# ── SES-01 ──


@pytest.mark.spec("SES-01")
def test_no_cookie_of_a_whole_sign_in_says_anything_and_no_store_holds_one(gateway, tmp_path):
    camille = gateway.registered()
    gateway.browser.get("/?ui_locales=fr")
    gateway.browser.code()
    session = gateway.browser.session
    assert session is not None
    value = gateway.browser.cookies["__Host-session"]
    assert re.fullmatch(r"[0-9a-f][A-Za-z0-9_-]{43}", value)  # 256 random bits after the partition
    for line in cookie_lines(gateway.browser):
        name, _, rest = line.partition("=")
        assert name.startswith("__Host-")
        attributes = set(rest.split("; ")[1:])
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= attributes
        assert not [item for item in attributes if item.lower().startswith("domain")]
        for personal in (camille.id, camille.username, camille.email, "99900000003", session.sid):
            assert personal not in line
    kept = everything_kept(tmp_path)
    assert session.sid.encode() in kept  # the right files are read
    for name in ("__Host-session", "__Host-browser"):
        assert gateway.browser.cookies[name].encode() not in kept, name


@pytest.mark.spec("SES-01")
def test_two_sessions_of_one_person_have_nothing_in_common(gateway):
    gateway.person()
    values = []
    for _ in range(3):
        browser = Browser(gateway)
        browser.sign_in()
        values.append(browser.cookies["__Host-session"])
    assert len({value[1:12] for value in values}) == 3


# ── SES-02 ──


@pytest.mark.spec("SES-02", "AC-107")
@pytest.mark.parametrize("proposed", ["x" * 43, "", "shaped"])
def test_an_identifier_that_the_browser_proposes_never_becomes_a_session(gateway, proposed):
    camille = gateway.person()
    chosen = handle(system_randomness, partition_of(camille.id)) if proposed == "shaped" else proposed
    gateway.browser.cookies["__Host-session"] = chosen
    gateway.browser.sign_in()
    assert gateway.browser.session is not None
    assert gateway.browser.cookies["__Host-session"] != chosen
    assert gateway.session(chosen) is None


@pytest.mark.spec("SES-02")
@pytest.mark.parametrize(
    "again", [{"prompt": "login"}, {"max_age": "0"}, {"prompt": "select_account"}, {"acr_values": OTP_SMS}]
)
def test_each_new_proof_is_a_new_identifier_and_the_old_one_is_dead_at_once(gateway, again):
    gateway.registered()
    gateway.browser.sign_in()
    old = gateway.browser.cookies["__Host-session"]
    channel = "sms" if "acr_values" in again else None
    code = gateway.browser.code(channel=channel, **again)
    new = gateway.browser.cookies["__Host-session"]
    assert new != old
    thief = Browser(gateway, {"__Host-session": old})
    assert thief.session is None
    assert told(thief.authorize(prompt="none"))["error"] == "login_required"
    assert gateway.token(code).status == 200


@pytest.mark.spec("SES-02")
def test_choosing_a_structure_in_a_journey_is_a_new_identifier(gateway):
    camille = gateway.person()
    gateway.browser.sign_in()
    for number in (1, 2):
        gateway.habilitation(camille, gateway.structure(number))
    old = gateway.browser.cookies["__Host-session"]
    page = gateway.browser.onward(gateway.browser.authorize())
    assert "code" in told(gateway.browser.choose(page, "fineg:990000002"))
    assert gateway.browser.cookies["__Host-session"] != old
    assert gateway.session(old) is None


# ── SES-03 ──


@pytest.mark.spec("SES-03", "AC-108")
def test_a_page_that_polls_does_not_keep_a_session_alive(gateway):
    """Thirty-one minutes of silence, while an application asks every ten seconds."""
    gateway.person()
    token = gateway.tokens(gateway.browser.code())["access_token"]
    began = gateway.clock.now()
    while gateway.clock.now() < began + 30 * 60 - 10:
        gateway.clock.advance(10)
        assert "code" in told(gateway.browser.authorize(prompt="none"))
        gateway.userinfo(token)
        gateway.browser.get("/forgotten")
        gateway.browser.get("/signin")
        assert gateway.browser.session is not None
    gateway.clock.at = began + 30 * 60
    assert gateway.browser.session is None
    assert gateway.browser.authorize().location.startswith("/signin/")


@pytest.mark.spec("SES-03", "AC-109")
def test_four_hours_of_work_end_the_session_whatever_the_person_does(gateway):
    gateway.person()
    gateway.browser.sign_in()
    began = gateway.clock.now()
    while gateway.clock.now() < began + 4 * HOUR - 20 * 60:
        gateway.clock.advance(20 * 60)
        assert "Camille Exemple" in gateway.browser.get("/compte").text
    gateway.clock.at = began + 4 * HOUR - 0.001
    assert "Camille Exemple" in gateway.browser.get("/compte").text
    gateway.clock.at = began + 4 * HOUR
    assert "Camille Exemple" not in gateway.browser.get("/compte").text
    assert told(gateway.browser.authorize(prompt="none"))["error"] == "login_required"


@pytest.mark.spec("SES-03")
def test_a_step_up_at_the_last_minute_does_not_give_four_more_hours(gateway):
    gateway.registered()
    gateway.browser.sign_in()
    began = gateway.clock.now()
    for _ in range(9):
        gateway.clock.advance(25 * 60)
        gateway.browser.get("/")
    gateway.browser.code(acr_values=OTP_SMS, channel="sms")
    assert gateway.browser.session is not None
    gateway.clock.at = began + 4 * HOUR
    assert gateway.browser.session is None


# ── SES-05 ──


def by_button(gateway: Gateway, _: dict[str, str]):
    return gateway.browser.submit(gateway.browser.get("/compte"), "/signout")


def by_hint(gateway: Gateway, tokens: dict[str, str]):
    return gateway.browser.get("/logout?" + urlencode({"id_token_hint": tokens["id_token"]}))


def by_confirmation(gateway: Gateway, _: dict[str, str]):
    return gateway.browser.submit(gateway.browser.get("/logout"), "/logout")


@pytest.mark.spec("SES-05", "AC-113")
@pytest.mark.parametrize("way", [by_button, by_hint, by_confirmation])
def test_whatever_way_out_everything_of_the_session_is_dead_and_the_browser_is_cleaned(gateway, way):
    gateway.person()
    tokens = gateway.tokens(gateway.browser.code())
    unspent = gateway.browser.code()
    shown = gateway.browser.get("/compte")
    assert "Camille Exemple" in shown.text
    assert shown.header("cache-control") == "no-store"  # Back asks again
    old = gateway.browser.cookies["__Host-session"]
    answer = way(gateway, tokens)
    assert answer.header("clear-site-data") == '"cache"'
    assert answer.header("cache-control") == "no-store"
    assert "__Host-session" not in gateway.browser.cookies
    assert gateway.session(old) is None
    assert gateway.token(unspent).status == 400
    assert gateway.userinfo(tokens["access_token"]).status == 401
    gateway.browser.cookies["__Host-session"] = old  # a browser that kept it all the same
    assert "Camille" not in gateway.browser.get("/compte").text
    assert told(gateway.browser.authorize(prompt="none"))["error"] == "login_required"


@pytest.mark.spec("SES-05", "AC-113")
def test_no_page_that_a_session_shows_may_be_stored(gateway):
    camille = gateway.registered()
    for number in (1, 2):
        gateway.habilitation(camille, gateway.structure(number))
    page = gateway.browser.give_password(gateway.browser.onward(gateway.browser.authorize()))
    page = gateway.browser.give_code(page)
    action_of(page, "structure")
    gateway.browser.choose(page, "fineg:990000001")
    gateway.browser.get("/")
    gateway.browser.get("/logout")
    assert {answer.header("cache-control") for answer in gateway.browser.trail} == {"no-store"}


# ── SES-06, SES-12 ──


@pytest.mark.spec("SES-06", "AC-110")
@pytest.mark.parametrize(
    "query",
    [
        {},
        {"client_id": "orientation"},
        {"client_id": "orientation", "post_logout_redirect_uri": "https://orientation.example/bye"},
        {"id_token_hint": "eyJhbGciOiJub25lIn0.e30."},
        {"id_token_hint": "x", "client_id": "orientation"},
    ],
)
def test_an_image_at_the_logout_address_ends_nothing(gateway, query):
    gateway.person()
    gateway.browser.sign_in()
    answer = gateway.browser.get("/logout?" + urlencode(query), sec_fetch_site="cross-site", sec_fetch_dest="image")
    assert "form_token" in answer.text
    assert gateway.browser.session is not None
    posted = gateway.browser.post("/logout", query, origin="https://evil.example", sec_fetch_site="cross-site")
    assert posted.status == 303  # the same question, by GET
    assert "form_token" in gateway.browser.onward(posted).text
    assert gateway.browser.session is not None


@pytest.mark.spec("SES-06", "WEB-04")
def test_the_way_back_is_the_registered_address_to_the_letter(gateway):
    gateway.person()
    hint = gateway.tokens(gateway.browser.code())["id_token"]
    for wrong in (
        "https://orientation.example/bye/",
        "https://orientation.example/callback",
        "https://evil.example",
        "/x",
    ):
        answer = gateway.browser.get("/logout?" + urlencode({"id_token_hint": hint, "post_logout_redirect_uri": wrong}))
        assert (answer.status, answer.header("location")) == (400, None)
    assert gateway.browser.session is not None
    gateway.clock.advance(1000)  # the hint is expired, its signature is still good
    right = {"id_token_hint": hint, "post_logout_redirect_uri": "https://orientation.example/bye", "state": "é"}
    assert gateway.browser.get("/logout?" + urlencode(right)).location == "https://orientation.example/bye?state=%C3%A9"
    assert gateway.browser.session is None


@pytest.mark.spec("SES-12")
def test_a_journey_begun_in_another_browser_signs_nobody_in_here(gateway):
    """The attacker proves themself, and sends the victim the address where the session is given."""
    gateway.person("attaquant")
    attacker, victim = Browser(gateway), Browser(gateway)
    page = attacker.give_password(attacker.onward(attacker.authorize()), "attaquant")
    action = action_of(page, "code")
    last = attacker.submit(page, action, code=gateway.sent_code())  # not followed
    victim.onward(victim.get("/signin"))
    for path in (last.location, f"{last.location}/code", last.location.replace("/signin/", "/authorize/resume/")):
        answer = victim.get(path)
        assert answer.status in {400, 410}
    assert victim.session is None
    assert "__Host-session" not in victim.cookies


# ── SES-08 ──


@pytest.mark.spec("SES-08", "AC-112")
def test_whoever_is_archived_is_out_of_every_application_at_once(gateway):
    camille = gateway.registered()
    tokens = gateway.tokens(gateway.browser.code())
    unspent = gateway.browser.code()
    archive_account(
        camille.id,
        accounts=gateway.stores.database.accounts,
        devices=gateway.stores.database.devices,
        sessions=gateway.stores.ephemeral.sessions,
        operator="referent",
        now=gateway.clock.now(),
    )
    for seconds in (0, 60):
        gateway.clock.advance(seconds)
        assert gateway.browser.session is None
        assert told(gateway.browser.authorize(prompt="none"))["error"] == "login_required"
        assert gateway.userinfo(tokens["access_token"]).status == 401
        assert gateway.introspected(tokens["access_token"]) == {"active": False}
        assert gateway.token(unspent).status == 400
    signed_in_again = gateway.browser.sign_in()
    assert gateway.browser.session is None
    assert "Camille" not in signed_in_again.text
