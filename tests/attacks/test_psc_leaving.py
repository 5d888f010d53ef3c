"""Leaving through the logout of Pro Santé Connect, and what comes back from it: no open redirect, no session kept alive.

The cookie of the way back says where the person goes on; it is ours, signed, and bound to the state of this very logout.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import urlencode

import pytest

from gateway.randomness import base64url
from sandbox.psc import Lie
from tests.flows.psc_gateway import LEFT, PscGateway, Simulator, question
from tests.requirements.assembled import Answer, Browser, told

BYE = "https://orientation.example/bye"
HOME = "/?signed_out"
FAREWELL = "https://portail.example/signed-out"
"""The page that says which applications were closed."""


@pytest.fixture(scope="module")
def shared(psc_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PscGateway]:
    gateway = PscGateway(tmp_path_factory.mktemp("gateway"), psc_simulator)
    gateway.linked("elodie")
    yield gateway
    gateway.close()


@pytest.fixture
def gateway(shared: PscGateway) -> PscGateway:
    return shared.renewed()


def address_in(page: Answer) -> str:
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', page.text)
    assert found is not None, page.text
    return unescape(found[1])


def signed_out(gateway: PscGateway, browser: Browser | None = None) -> Answer:
    """The page that leads through Pro Santé Connect."""
    browser = browser or gateway.browser
    callback = gateway.answer_of_psc(gateway.asked(browser.authorize(), browser))
    told(browser.onward(browser.get(callback)))
    return browser.submit(browser.get("/compte"), "/signout")


def left_by_application(gateway: PscGateway, browser: Browser) -> Answer:
    callback = gateway.answer_of_psc(gateway.asked(browser.authorize(), browser))
    code = told(browser.onward(browser.get(callback)))["code"]
    hint = gateway.tokens(code)["id_token"]
    return browser.get("/logout?" + urlencode({"id_token_hint": hint, "post_logout_redirect_uri": BYE}))


def back(browser: Browser, state: str | None) -> str:
    query = "" if state is None else "?" + urlencode({"state": state})
    return browser.get(f"/signin/psc/logged-out{query}").location


@pytest.mark.spec("PSC-07", "PSC-R23")
def test_the_session_is_dead_before_anybody_hears_of_it(gateway: PscGateway) -> None:
    page = signed_out(gateway)
    assert gateway.browser.session is None
    assert "__Host-session" not in gateway.browser.cookies
    asked = question(address_in(page))
    assert asked["post_logout_redirect_uri"] == LEFT
    assert address_in(page).partition("?")[0] == gateway.environment.end_session_endpoint
    assert back(gateway.browser, asked["state"]) == FAREWELL
    assert "__Host-leaving" not in gateway.browser.cookies


@pytest.mark.spec("PSC-07", "PSC-R23")
@pytest.mark.parametrize("state_told", [True, False])
def test_an_applications_logout_comes_back_to_the_application(gateway: PscGateway, state_told: bool) -> None:
    asked = question(address_in(left_by_application(gateway, gateway.browser)))
    assert gateway.browser.session is None
    assert back(gateway.browser, asked["state"] if state_told else None) == BYE
    assert back(gateway.browser, asked["state"] if state_told else None) == HOME, "once"


@pytest.mark.spec("PSC-07")
def test_a_return_with_another_state_is_not_believed(gateway: PscGateway) -> None:
    left_by_application(gateway, gateway.browser)
    assert back(gateway.browser, "another") == HOME


@pytest.mark.spec("PSC-07")
def test_the_simulators_changed_state_leads_home(gateway: PscGateway) -> None:
    visitor = gateway.psc.visitor()
    callback = visitor.sign_in(gateway.asked(), "elodie").removeprefix("https://portail.example")
    gateway.browser.onward(gateway.browser.get(callback))
    page = gateway.browser.submit(gateway.browser.get("/compte"), "/signout")
    gateway.psc.lie = Lie.LOGOUT_STATE_CHANGED
    returned = visitor.follow(address_in(page))
    assert returned.startswith(f"{LEFT}?")
    assert back(gateway.browser, question(returned)["state"]) == HOME


def forged(gateway: PscGateway, state: str, way_back: str, key: bytes = b"guessed") -> str:
    remembered = f"{state}.{base64url(way_back.encode())}"
    return f"{remembered}.{base64url(hmac.digest(key, b'psc logout' + bytes(1) + remembered.encode(), hashlib.sha256))}"


@pytest.mark.parametrize(
    "way_back", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example"]
)
def test_an_invented_cookie_leads_home(gateway: PscGateway, way_back: str) -> None:
    signed_out(gateway)
    true = gateway.browser.cookies["__Host-leaving"]
    state, _, signature = (true.partition(".")[0], None, true.rpartition(".")[2])
    bent = f"{state}.{base64url(way_back.encode())}"
    for cookie in (
        forged(gateway, state, way_back),
        forged(gateway, state, way_back, b""),
        f"{bent}.{signature}",
        f"{bent}.",
        bent,
        f"{true}x",
        true[:-1],
        "",
        ".",
        "..",
        "é.é.é",
        f"{state}.{base64.b64encode(way_back.encode()).decode()}.{signature}",
    ):
        gateway.browser.cookies["__Host-leaving"] = cookie
        assert back(gateway.browser, state) == HOME
        gateway.browser.cookies["__Host-leaving"] = cookie
        assert back(gateway.browser, None) == HOME


def test_the_cookie_of_another_logout_is_not_mine(gateway: PscGateway) -> None:
    """Nor does the worst of it lead anywhere but to an address that an application registered."""
    other = gateway.another_browser()
    theirs = question(address_in(left_by_application(gateway, other)))["state"]
    mine = question(address_in(signed_out(gateway)))["state"]
    gateway.browser.cookies["__Host-leaving"] = other.cookies["__Host-leaving"]
    assert back(gateway.browser, mine) == HOME
    gateway.browser.cookies["__Host-leaving"] = other.cookies["__Host-leaving"]
    assert back(gateway.browser, theirs) == BYE


@pytest.mark.parametrize(
    "query", ["", "?state=", "?state=%C3%A9", "?state=a&state=b", "?state=%FF", "?next=https://evil.example"]
)
def test_the_door_without_a_logout_leads_home(gateway: PscGateway, query: str) -> None:
    answer = gateway.browser.get(f"/signin/psc/logged-out{query}")
    assert (answer.status, answer.header("location")) in {(303, HOME), (400, None)}


def test_an_application_s_unregistered_way_back_is_never_remembered(gateway: PscGateway) -> None:
    callback = gateway.callback()
    code = told(gateway.browser.onward(gateway.browser.get(callback)))["code"]
    hint = gateway.tokens(code)["id_token"]
    evil = urlencode({"id_token_hint": hint, "post_logout_redirect_uri": "https://evil.example/"})
    page = gateway.browser.get(f"/logout?{evil}")
    assert "evil.example" not in page.text
    if page.status == 200 and "__Host-leaving" in gateway.browser.cookies:
        assert back(gateway.browser, question(address_in(page))["state"]) == HOME


@pytest.mark.spec("PSC-07")
def test_a_session_by_password_never_goes_through_pro_sante_connect(gateway: PscGateway) -> None:
    gateway.person("camille")
    told(gateway.browser.sign_in(gateway.browser.authorize()))
    answer = gateway.browser.submit(gateway.browser.get("/compte"), "/signout")
    assert answer.location == FAREWELL
    assert "__Host-leaving" not in gateway.browser.cookies
