"""A means that is switched off is off at every door: the callback, the pages, and what was under way (DECISIONS 4)."""

import re
from collections.abc import Iterator

import pytest

from gateway.signin.evidence import Means
from tests.flows.psc_gateway import PscGateway, Simulator, journey_of
from tests.requirements.assembled import PASSWORD, Answer, action_of, told


@pytest.fixture
def gateway(psc_simulator: Simulator, tmp_path) -> Iterator[PscGateway]:
    gateway = PscGateway(tmp_path, psc_simulator)
    gateway.linked("elodie")
    yield gateway
    gateway.close()


def without_psc(gateway: PscGateway) -> None:
    gateway.restart(means=["password"])


def without_password(gateway: PscGateway) -> None:
    gateway.restart(means=["psc"])


@pytest.mark.parametrize("under_way", [True, False])
def test_no_door_of_pro_sante_connect_is_left_open(gateway: PscGateway, under_way: bool) -> None:
    page = gateway.browser.onward(gateway.browser.authorize())
    callback = gateway.callback("elodie", page)
    if under_way:
        waiting = gateway.browser.onward(gateway.browser.get(gateway.callback("hugo")))
        doors = [journey_of(waiting), journey_of(page)]
    else:
        doors = [journey_of(page)]
    without_psc(gateway)
    ends = ["psc", "psc?afresh", "psc/refused", "link", "identity", "confirm_link", "situation"]
    for target in (
        callback,
        "/signin/psc/logged-out",
        *(f"{door}/{end}" for door in doors for end in ends),
    ):
        assert gateway.browser.get(target).status == 404, target
    for door in doors:
        for end in ("link", "link/give-up", "confirm_link", "situation"):
            assert gateway.browser.post(f"{door}/{end}", {}).status == 404
    gateway.browser.cookies["__Host-link"] = f"activation.{'A' * 43}"
    assert gateway.browser.get("/activation/psc").location == "/activation", "it is a token like another"
    assert gateway.browser.session is None
    assert gateway.psc.requests_to("token") == [] or under_way
    assert "/psc" not in gateway.browser.onward(gateway.browser.authorize()).text


def test_a_protest_that_was_mailed_before_still_has_its_page(gateway: PscGateway) -> None:
    without_psc(gateway)
    landed = gateway.browser.get(f"/not_me/{'A' * 43}")
    assert (landed.status, landed.location) == (303, "/not_me")
    assert gateway.browser.onward(landed).status == 410


def test_an_identity_that_was_proved_before_opens_no_session_after(gateway: PscGateway) -> None:
    signed = gateway.browser.get(gateway.callback("elodie"))
    assert re.fullmatch(r"/signin/[0-9a-f][\w-]{43}", signed.location)
    without_psc(gateway)
    gateway.browser.onward(gateway.browser.get(signed.location))
    assert gateway.browser.session is None


def test_a_session_that_it_opened_is_no_proof_for_another_application(gateway: PscGateway) -> None:
    told(gateway.by_psc("elodie"))
    without_psc(gateway)
    refused = told(gateway.browser.authorize("suivi", prompt="none"))
    assert refused["error"] in {"login_required", "interaction_required"}


def test_no_door_of_passwords_is_left_open(gateway: PscGateway) -> None:
    gateway.person("camille")
    first = gateway.browser.onward(gateway.browser.authorize())
    proved = gateway.browser.onward(gateway.browser.authorize())
    proved = gateway.browser.give_password(proved, "camille")
    code = gateway.sent_code()
    without_password(gateway)
    for page in (first, proved):
        door = journey_of(page)
        for end in ("password", "code", "device"):
            assert gateway.browser.get(f"{door}/{end}").status == 404, end
            fields = {"identifier": "camille", "password": PASSWORD, "code": code}
            assert gateway.browser.post(f"{door}/{end}", fields).status == 404, end
        assert gateway.browser.post(f"{door}/code/resend", {}).status == 404
    for target in ("/forgotten", "/reset", f"/reset/{'A' * 43}"):
        assert gateway.browser.get(target).status == 404, target
    assert gateway.browser.post("/activation", {}).status in {404, 405}
    page = gateway.browser.onward(gateway.browser.authorize())
    assert 'type="password"' not in page.text
    assert "/forgotten" not in page.text + gateway.browser.get("/").text


def test_what_a_password_proved_before_opens_no_session_after(gateway: PscGateway) -> None:
    gateway.person("camille")
    page = gateway.browser.give_password(gateway.browser.onward(gateway.browser.authorize()), "camille")
    signed = gateway.browser.submit(page, action_of(page, "code"), code=gateway.sent_code())
    without_password(gateway)
    gateway.browser.onward(gateway.browser.get(signed.location))
    assert gateway.browser.session is None


def test_without_passwords_linking_offers_no_credentials(gateway: PscGateway) -> None:
    without_password(gateway)
    page = gateway.browser.onward(gateway.browser.get(gateway.callback("hugo")))
    action = action_of(page, "link")
    assert 'value="existing"' not in page.text
    assert gateway.browser.submit(page, action, choice="existing").status == 422
    none = gateway.browser.submit(page, action, choice="none")
    assert none.status == 200
    assert gateway.browser.session is None


def test_an_account_chosen_before_is_not_asked_for_its_password_after(gateway: PscGateway) -> None:
    page = gateway.browser.onward(gateway.browser.get(gateway.callback("hugo")))
    form = gateway.browser.onward(gateway.browser.submit(page, action_of(page, "link"), choice="existing"))
    assert 'type="password"' in form.text
    without_password(gateway)
    again = gateway.browser.onward(gateway.browser.get(journey_of(page)))
    assert 'type="password"' not in again.text
    assert 'value="existing"' not in again.text


# ── the regulated profile: a password links, and opens nothing (REG-01, REG-02) ──


def linked_by_credentials(gateway: PscGateway, persona: str) -> Answer:
    page = gateway.browser.onward(gateway.browser.get(gateway.callback(persona)))
    page = gateway.browser.onward(gateway.browser.submit(page, action_of(page, "link"), choice="existing"))
    page = gateway.browser.give_password(page, persona)
    page = gateway.browser.give_code(page)
    return gateway.browser.onward(gateway.browser.submit(page, action_of(page, "confirm_link")))


@pytest.mark.spec("REG-01", "REG-02")
def test_under_regulation_a_password_opens_no_session(gateway: PscGateway) -> None:
    gateway.person("camille")
    before = gateway.browser.give_password(gateway.browser.onward(gateway.browser.authorize()), "camille")
    code = gateway.sent_code()
    begun = gateway.browser.onward(gateway.browser.authorize())
    gateway.restart(profile="regulated")
    page = gateway.browser.onward(gateway.browser.authorize())
    assert 'type="password"' not in page.text
    answer = gateway.browser.submit(begun, action_of(begun, "password"), identifier="camille", password=PASSWORD)
    assert 'type="password"' not in gateway.browser.onward(answer).text
    gateway.browser.onward(gateway.browser.submit(before, action_of(before, "code"), code=code))
    assert gateway.browser.session is None


@pytest.mark.spec("REG-01", "REG-02")
def test_under_regulation_a_password_and_a_code_that_were_proved_open_no_session(gateway: PscGateway) -> None:
    gateway.person("camille")
    page = gateway.browser.give_password(gateway.browser.onward(gateway.browser.authorize()), "camille")
    signed = gateway.browser.submit(page, action_of(page, "code"), code=gateway.sent_code())
    gateway.restart(profile="regulated")
    page = gateway.browser.onward(gateway.browser.get(signed.location))
    assert gateway.browser.session is None
    assert f"{journey_of(page)}/psc" in page.text, "she is shown the way on"


@pytest.mark.spec("REG-01", "REG-02")
def test_under_regulation_a_session_by_password_is_enough_for_nothing(gateway: PscGateway) -> None:
    gateway.person("camille")
    told(gateway.browser.sign_in(gateway.browser.authorize()))
    gateway.restart(profile="regulated")
    assert "error=interaction_required" in gateway.browser.authorize(prompt="none").location


@pytest.mark.spec("REG-01", "REG-02")
def test_under_regulation_a_password_still_links_and_the_session_is_of_pro_sante_connect(gateway: PscGateway) -> None:
    account = gateway.holder_of("hugo")
    gateway.restart(profile="regulated")
    linked_by_credentials(gateway, "hugo")
    session = gateway.browser.session
    assert session is not None
    assert session.account_id == account.id
    assert [item.means for item in session.evidence] == [Means.PSC]


@pytest.mark.spec("REG-03")
def test_under_regulation_a_weak_level_is_refused(gateway: PscGateway) -> None:
    gateway.environment = gateway.declared(accepted_acr=["eidas2", "eidas3"])
    gateway.restart(profile="regulated")
    gateway.psc.acr = "eidas1"
    gateway.by_psc("elodie")
    assert gateway.browser.session is None
    assert gateway.noted().details["error"] == "id token: acr"
