"""The callback of Pro Santé Connect in the wrong hands: another's browser, twice, at once, too late, or bent on its way.

Whatever is wrong, nobody gets a session, a forged answer costs Pro Santé Connect nothing, and the person it was made for can
still use the true one.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.flows.psc_gateway import CALLBACK, PscGateway, Simulator, journey_of, question
from tests.requirements.assembled import ISSUER, Answer, Browser, action_of, claims_of, told

OURS = "/signin/psc/callback"


@pytest.fixture(scope="module")
def shared(psc_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PscGateway]:
    gateway = PscGateway(tmp_path_factory.mktemp("gateway"), psc_simulator)
    gateway.linked("elodie")
    gateway.linked("paul")
    yield gateway
    gateway.close()


@pytest.fixture
def gateway(shared: PscGateway) -> PscGateway:
    return shared.renewed()


def opened(browser: Browser, callback: str) -> Answer:
    return browser.onward(browser.get(callback))


def answered(**parameters: str) -> str:
    return f"{OURS}?{urlencode(parameters)}"


def nobody(gateway: PscGateway, browser: Browser) -> None:
    assert browser.session is None
    assert "__Host-session" not in browser.cookies
    assert gateway.psc.requests_to("token") == []


@pytest.mark.spec("PSC-01", "PSC-R3", "PSC-R4")
@pytest.mark.parametrize("under_way", [False, True])
def test_an_answer_planted_in_another_browser_signs_nobody_in(gateway: PscGateway, under_way: bool) -> None:
    """Login CSRF: the victim would work under the attacker's identity."""
    callback, victim = gateway.callback(), gateway.another_browser()
    if under_way:
        victim.onward(victim.authorize())
    assert opened(victim, callback).status == 410
    nobody(gateway, victim)
    assert gateway.noted().details["error"] == "callback: no question of this browser"
    assert told(opened(gateway.browser, callback))["code"], "it was not spent"


@pytest.mark.spec("PSC-01")
def test_the_code_of_somebody_else_in_an_answer_of_mine_is_worth_nothing(gateway: PscGateway) -> None:
    """Code injection: state and browser are the victim's, the code was given to the attacker."""
    stolen = question(gateway.callback("paul"))["code"]
    victim = gateway.another_browser()
    state = question(gateway.asked(victim.authorize(), victim))["state"]
    page = opened(victim, answered(state=state, code=stolen, iss=gateway.psc.issuer))
    assert page.status == 200
    assert victim.session is None
    assert gateway.noted().details["error"] == "token: status 400, invalid_grant"


@pytest.mark.spec("PSC-R3")
def test_an_answer_serves_once(gateway: PscGateway) -> None:
    callback = gateway.callback()
    assert told(opened(gateway.browser, callback))["code"]
    session = gateway.browser.session
    assert opened(gateway.browser, callback).status == 410
    assert gateway.browser.session == session
    assert len(gateway.psc.requests_to("token")) == 1


def test_a_refused_answer_is_spent_too(gateway: PscGateway) -> None:
    callback = gateway.callback(decision="refuse")
    opened(gateway.browser, callback)
    assert opened(gateway.browser, callback).status == 200
    assert gateway.noted().details["error"] == "callback: no question is open"
    nobody(gateway, gateway.browser)


@pytest.mark.spec("PSC-R3")
@pytest.mark.parametrize("engine", ["sqlite", "redis"])
def test_of_parallel_answers_one_goes_on(
    psc_simulator: Simulator, tmp_path: Path, request: pytest.FixtureRequest, engine: str
) -> None:
    more = {} if engine == "sqlite" else {"ephemeral": {"url": request.getfixturevalue("redis_url")}, "profile": "demo"}
    gateway = PscGateway(tmp_path, psc_simulator, **more)
    gateway.linked("elodie")
    callback, cookies = gateway.callback(), dict(gateway.browser.cookies)

    def at_once(_: int) -> Answer:
        return Browser(gateway, dict(cookies)).get(callback)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(at_once, range(8)))
    on = {one.location for one in answers if one.status == 303 and "/psc/refused" not in one.location}
    assert all(one.status in {303, 410} for one in answers)
    assert len(on) == 1
    assert len(gateway.psc.requests_to("token")) == 1
    assert told(gateway.browser.onward(gateway.browser.get(on.pop())))["code"]
    gateway.close()


def test_an_answer_after_the_journey_is_over_changes_nothing(gateway: PscGateway) -> None:
    """The person lost patience and came by password; the wallet's tab answers later, with another person."""
    camille = gateway.person("camille")
    start = gateway.browser.authorize()
    callback = gateway.callback("paul", start)
    assert told(gateway.browser.sign_in(start, "camille"))["code"]
    assert opened(gateway.browser, callback).status == 410
    assert gateway.browser.session is not None
    assert gateway.browser.session.account_id == camille.id
    assert gateway.psc.requests_to("token") == []


def test_an_answer_between_completion_and_the_application_changes_nothing(gateway: PscGateway) -> None:
    person = gateway.person("dominique")
    start = gateway.browser.authorize()
    page = gateway.browser.give_password(gateway.browser.onward(start), "dominique")
    callback = gateway.callback("paul", page)
    fields = action_of(page, "code")
    gateway.browser.submit(page, fields, code=gateway.sent_code())
    resume = gateway.browser.get(journey_of(page)).location
    assert resume.startswith("/authorize/resume/")
    opened(gateway.browser, callback)
    assert gateway.browser.session is not None
    assert gateway.browser.session.account_id == person.id
    tokens = gateway.tokens(told(gateway.browser.get(resume))["code"])
    assert claims_of(tokens["id_token"])["amr"] == ["pwd", "otp"]


def test_an_answer_after_giving_up_opens_nothing(gateway: PscGateway) -> None:
    page = gateway.browser.onward(gateway.browser.authorize())
    callback = gateway.callback("elodie", page)
    cancelled = gateway.browser.submit(page, action_of(page, "cancel"))
    assert opened(gateway.browser, callback).status in {200, 410}
    assert gateway.browser.session is None
    assert told(gateway.browser.onward(cancelled))["error"] == "access_denied"
    assert opened(gateway.browser, callback).status == 410
    assert gateway.browser.session is None


def test_nobody_is_sent_to_pro_sante_connect_after_giving_up(gateway: PscGateway) -> None:
    page = gateway.browser.onward(gateway.browser.authorize())
    gateway.browser.submit(page, action_of(page, "cancel"))
    assert gateway.browser.get(f"{journey_of(page)}/psc").location == journey_of(page)


def test_only_the_last_question_can_be_answered(gateway: PscGateway) -> None:
    page = gateway.browser.onward(gateway.browser.authorize())
    first = gateway.callback("elodie", page)
    gateway.asked(page)
    assert opened(gateway.browser, first).status == 200
    assert gateway.noted().details["error"] == "callback: state"
    nobody(gateway, gateway.browser)


def test_an_answer_too_late_is_refused(gateway: PscGateway) -> None:
    callback = gateway.callback()
    gateway.advance(600)
    assert opened(gateway.browser, callback).status in {200, 410}
    nobody(gateway, gateway.browser)


@pytest.mark.spec("PSC-R5", "LNK-11")
@pytest.mark.parametrize("iss", [None, "", "https://other.example/realms/x", "{issuer}/", "HTTP{issuer}"])
def test_another_providers_answer_is_refused(gateway: PscGateway, iss: str | None) -> None:
    told_by_psc = question(gateway.callback())
    del told_by_psc["iss"]
    issuer = gateway.psc.issuer
    written = None if iss is None else iss.replace("HTTP{issuer}", issuer.upper()).replace("{issuer}", issuer)
    more = {} if written is None else {"iss": written}
    assert opened(gateway.browser, answered(**told_by_psc, **more)).status == 200
    assert gateway.noted().details["error"] == "callback: iss"
    nobody(gateway, gateway.browser)


@pytest.mark.spec("PSC-R4")
def test_a_bent_state_is_refused_without_a_call(gateway: PscGateway) -> None:
    handle, _, secret = question(gateway.callback())["state"].partition(".")
    other = question(gateway.asked(gateway.browser.authorize()))["state"]
    bent = (
        "", ".", handle, f"{handle}.", f".{secret}", f"{handle}.{secret}x", f"{handle}.{secret[:-1]}", f"{handle}.{secret}.",
        f"{handle} .{secret}", f"{handle[:-1]}.{secret}", secret, f"{other.partition('.')[0]}.{secret}", "é" * 50, "0" * 5000,
        f"{handle}.{secret}\0", "../../x", f"{handle}/../{handle}.{secret}",
    )  # fmt: skip
    for state in bent:
        browser = Browser(gateway, dict(gateway.browser.cookies))
        page = opened(browser, answered(state=state, code="a-code", iss=gateway.psc.issuer))
        assert page.status in {200, 400, 410}, (state, page.status)
        nobody(gateway, browser)


def test_the_secret_of_one_transaction_does_not_open_another(gateway: PscGateway) -> None:
    mine = question(gateway.callback())
    start = gateway.browser.authorize()
    other = question(gateway.asked(start))["state"].partition(".")[0]
    mixed = f"{other}.{mine['state'].partition('.')[2]}"
    assert opened(gateway.browser, answered(**{**mine, "state": mixed})).status == 200
    assert gateway.noted().details["error"] == "callback: state"
    nobody(gateway, gateway.browser)


@pytest.mark.spec("PSC-R4", "PSC-R6")
def test_a_forged_error_neither_speaks_nor_spends(gateway: PscGateway) -> None:
    callback = gateway.callback()
    handle = question(callback)["state"].partition(".")[0]
    words = "Appelez le 0990 000 000 <b>tout de suite</b>"
    for state in (f"{handle}x.y", "x"):
        forged = answered(error="access_denied", error_description=words, state=state, iss=gateway.psc.issuer)
        page = opened(gateway.another_browser(), forged)
        assert page.status == 410
        assert "0990" not in page.text
    true = answered(**{**question(callback), "error_description": words})
    assert told(opened(gateway.browser, true))["code"]


@pytest.mark.parametrize(
    "query",
    ["", "state", "state=%FF.x&code=1", "state=%C3%A9.x", "&" * 30,
     "a=1&" * 25, "state=a.b&state=a.b", "code=%00", "=&=", "state=" + "%2e" * 900],
)  # fmt: skip
def test_nothing_written_in_the_address_breaks_the_door(gateway: PscGateway, query: str) -> None:
    page = opened(gateway.browser, f"{OURS}?{query}")
    assert page.status in {400, 410}
    nobody(gateway, gateway.browser)


def test_a_flood_of_answers_that_nobody_asked_leaves_a_bounded_journal(gateway: PscGateway) -> None:
    for number in range(40):
        gateway.browser.get(answered(state=f"0.{number}", code="x"))
    assert len(gateway.events("signin.psc")) == 30


@pytest.mark.parametrize("why", ["<script>alert(1)</script>", 'psc_refused"', "unknown", ""])
@pytest.mark.parametrize("incident", ["<script>", "ABCD-234", "ABCD-2345\nx", "abcd-2345", "ABCD-2345"])
def test_the_refusals_page_says_only_what_we_wrote(gateway: PscGateway, why: str, incident: str) -> None:
    page = gateway.browser.onward(gateway.browser.authorize())
    shown = gateway.browser.get(f"{journey_of(page)}/psc/refused?{urlencode({'why': why, 'incident': incident})}")
    assert shown.status == 200
    assert "<script>" not in shown.text and "alert(1)" not in shown.text
    assert "incident-number" not in shown.text


def test_the_refusals_page_is_of_its_own_browser(gateway: PscGateway) -> None:
    page = gateway.browser.onward(gateway.browser.authorize())
    assert gateway.another_browser().get(f"{journey_of(page)}/psc/refused?why=psc_refused").status == 410


def test_the_question_goes_to_the_pinned_address_with_ours_alone(gateway: PscGateway) -> None:
    """Whatever the address of our own door says, nothing of it travels."""
    start = gateway.browser.authorize()
    injected = "redirect_uri=https://evil.example&prompt=none&state=x&acr_values=eidas3&afresh"
    answer = gateway.browser.get(f"{journey_of(start)}/psc?{injected}")
    asked = question(answer.location)
    assert answer.location.startswith(f"{gateway.environment.authorization_endpoint}?")
    assert (asked["redirect_uri"], asked["prompt"], asked["acr_values"]) == (CALLBACK, "login", "eidas1")
    assert asked["redirect_uri"].startswith(ISSUER)
