"""Pro Santé Connect is down, slow or fails at one of our calls: a page within bounds, and another way in (PSC-08, PSC-R25)."""

import re
import time
from collections.abc import Iterator
from html import unescape

import pytest

from gateway.signin.psc.breaker import FAILURES, PAUSE_SECONDS
from gateway.web.translations import Translations
from sandbox.psc import Lie
from tests.flows.psc_gateway import PscGateway, Simulator
from tests.requirements.assembled import Answer, told
from tests.running_demo import free_port

SLOWEST = 3.5
"""Seconds: a token call and a userinfo call, one second each in these tests, and the machine's own time."""


@pytest.fixture(scope="module")
def shared(psc_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PscGateway]:
    gateway = PscGateway(tmp_path_factory.mktemp("gateway"), psc_simulator)
    gateway.linked("elodie")
    yield gateway
    gateway.close()


@pytest.fixture
def gateway(shared: PscGateway) -> PscGateway:
    return shared.renewed()


def unavailable(page: Answer) -> bool:
    text = Translations().say("fr", "signin.psc.unavailable")
    return page.status == 200 and text in unescape(page.text)


def way_on(gateway: PscGateway, page: Answer) -> Answer:
    """The button beside "try again"."""
    others = re.search(r'class="button button-quiet" href="([^"]+)"', page.text)
    assert others is not None
    return gateway.browser.onward(gateway.browser.get(others[1]))


@pytest.mark.spec("PSC-08", "PSC-R25")
@pytest.mark.parametrize(
    "lie",
    [
        Lie.TOKEN_500,
        Lie.TOKEN_SLOW,
        Lie.TOKEN_DRIPPED,
        Lie.USERINFO_500,
        Lie.USERINFO_SLOW,
        Lie.JWKS_500,
        Lie.JWKS_SLOW,
    ],
)
def test_a_call_that_fails_or_drags_ends_in_a_page_with_the_other_ways(gateway: PscGateway, lie: Lie) -> None:
    gateway.person(lie.value)
    gateway.psc.lie = lie
    callback = gateway.callback()
    began = time.monotonic()
    page = gateway.browser.onward(gateway.browser.get(callback))
    assert time.monotonic() - began < SLOWEST
    gateway.psc.lie = None
    assert unavailable(page)
    assert told(gateway.browser.sign_in(way_on(gateway, page), lie.value))["code"], (
        "she comes in by her password, for her application"
    )


def closed(gateway: PscGateway) -> None:
    """Where nobody listens."""
    dead = f"http://127.0.0.3:{free_port('127.0.0.3')}"
    alive = gateway.psc.realm.auth_url
    realm = gateway.psc.issuer.replace(alive, dead)
    base = f"{realm}/protocol/openid-connect"
    gateway.environment = gateway.declared(
        issuer=realm,
        token_endpoint=f"{base}/token",
        userinfo_endpoint=f"{base}/userinfo",
        jwks_uri=f"{base}/certs",
        metadata_address=f"{realm}/.well-known/x",
        iss_parameter=False,
    )
    gateway.restart()


@pytest.mark.spec("PSC-08", "PSC-R25")
def test_nobody_listens(gateway: PscGateway) -> None:
    closed(gateway)
    state = re.search(r"state=([^&]+)", gateway.asked())
    assert state is not None
    began = time.monotonic()
    page = gateway.browser.onward(gateway.browser.get(f"/signin/psc/callback?state={state[1]}&code=a-code"))
    assert time.monotonic() - began < SLOWEST
    assert unavailable(page)
    assert 'type="password"' in way_on(gateway, page).text


@pytest.mark.spec("PSC-08", "PSC-R25")
def test_after_some_failures_it_is_left_in_peace_and_then_asked_again(gateway: PscGateway) -> None:
    gateway.psc.lie = Lie.TOKEN_500
    for _ in range(FAILURES):
        assert unavailable(gateway.by_psc())
    assert len(gateway.psc.requests_to("token")) == FAILURES
    gateway.psc.lie = None
    page = gateway.by_psc()
    assert unavailable(page)
    assert gateway.noted().details["error"] == "provider: not called, it failed too often"
    assert len(gateway.psc.requests_to("token")) == FAILURES
    assert 'type="password"' in way_on(gateway, page).text
    gateway.advance(PAUSE_SECONDS + 1)
    assert told(gateway.by_psc())["code"]
    assert told(gateway.by_psc(start=gateway.browser.authorize(prompt="login")))["code"]


@pytest.mark.spec("PSC-08")
def test_forged_answers_never_open_the_breaker(gateway: PscGateway) -> None:
    """Somebody invents codes: that is no failure of Pro Santé Connect, and nobody else suffers."""
    for number in range(FAILURES + 2):
        state = re.search(r"state=([^&]+)", gateway.asked())
        assert state is not None
        forged = f"/signin/psc/callback?state={state[1]}&code=invented-{number}&iss={gateway.psc.issuer}"
        gateway.browser.onward(gateway.browser.get(forged))
        assert gateway.noted().reason == "psc_refused"
    assert told(gateway.by_psc())["code"]


@pytest.mark.spec("PSC-R25")
@pytest.mark.parametrize("error", ["temporarily_unavailable", "server_error"])
def test_an_outage_that_it_tells_itself_reads_as_one(gateway: PscGateway, error: str) -> None:
    state = re.search(r"state=([^&]+)", gateway.asked())
    assert state is not None
    told_by_psc = f"/signin/psc/callback?state={state[1]}&error={error}&iss={gateway.psc.issuer}"
    assert unavailable(gateway.browser.onward(gateway.browser.get(told_by_psc)))


@pytest.mark.spec("PSC-R25")
def test_trying_again_leads_to_a_new_question_and_in(gateway: PscGateway) -> None:
    gateway.psc.lie = Lie.USERINFO_500
    page = gateway.by_psc()
    gateway.psc.lie = None
    again = re.search(r'class="button" href="([^"]+)"', page.text)
    assert again is not None
    address = gateway.browser.get(again[1]).location
    assert "prompt=login" in address
    assert told(gateway.browser.onward(gateway.browser.get(gateway.answer_of_psc(address))))["code"]


@pytest.mark.spec("PSC-06")
def test_the_keys_of_yesterday_still_do_when_it_hides_them(gateway: PscGateway) -> None:
    told(gateway.by_psc())
    gateway.psc.lie = Lie.JWKS_500
    gateway.advance(3601)
    gateway.browser = gateway.another_browser()
    assert told(gateway.by_psc())["code"]


def test_without_a_readable_secret_people_are_told_it_is_unavailable(gateway: PscGateway) -> None:
    file = gateway.simulator.secret_file
    secret = file.read_text("utf-8")
    callback = gateway.callback()
    file.write_text("two words\n", "utf-8")
    try:
        page = gateway.browser.onward(gateway.browser.get(callback))
    finally:
        file.write_text(secret, "utf-8")
    assert unavailable(page)
    assert gateway.browser.session is None
    assert gateway.noted().details["error"] == "client secret: cannot be used"
    assert "two words" not in page.text
