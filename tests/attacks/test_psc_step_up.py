"""More than a password, or a new proof: what an application demands is met by Pro Santé Connect itself, or not at all.

A proof that is there already, here or at Pro Santé Connect, never passes for a new one, and no session outlives the proof it
rests on.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.psc import Lie
from sandbox.psc.visitor import Visitor
from tests.flows.psc_gateway import PSC, PscGateway, Simulator, journey_of, question
from tests.requirements import assembled
from tests.requirements.assembled import ISSUER, OTP_MAIL, OTP_SMS, Answer, claims_of, told

MEDICAL = {
    "client_id": "medical",
    "name": {"fr": "Dossier", "en": "Record"},
    "redirect_uris": ["https://medical.example/callback"],
    "authentication_method": "none",
    "scopes": ["openid"],
    "audience": "https://medical.example/api",
    "role_application": "orientation",
    "min_acr": PSC,
}
ESSENTIAL = '{"id_token":{"acr":{"essential":true,"values":["%s"]}}}' % PSC  # noqa: UP031 -- JSON has braces of its own


@pytest.fixture
def gateway(psc_simulator: Simulator, tmp_path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PscGateway]:
    """Élodie has an account with a password, and is linked."""
    monkeypatch.setitem(assembled.CLIENTS, "medical", MEDICAL)
    gateway = PscGateway(tmp_path, psc_simulator)
    gateway.linked("elodie")
    yield gateway
    gateway.close()


@pytest.fixture
def wallet(gateway: PscGateway) -> Visitor:
    """Élodie's browser over there, which keeps its session."""
    return gateway.psc.visitor()


def by_wallet(gateway: PscGateway, wallet: Visitor, start: Answer, **more: Any) -> Answer:
    address = wallet.sign_in(gateway.asked(start, **more), "elodie")
    return gateway.browser.onward(gateway.browser.get(address.removeprefix(ISSUER)))


def claims(gateway: PscGateway, answer: Answer, client_id: str = "orientation") -> dict[str, Any]:
    return claims_of(gateway.tokens(told(answer)["code"], client_id)["id_token"])


@pytest.mark.spec("LOA-04")
def test_an_application_that_wants_it_gets_it_from_nothing(gateway: PscGateway) -> None:
    page = gateway.browser.onward(gateway.browser.authorize("medical"))
    assert 'type="password"' not in page.text
    assert claims(gateway, gateway.by_psc("elodie", page), "medical")["acr"] == PSC


@pytest.mark.spec("LOA-04", "LOA-08", "SES-02")
def test_an_application_that_wants_it_gets_it_from_a_session_by_password(gateway: PscGateway) -> None:
    before = claims(gateway, gateway.browser.sign_in(gateway.browser.authorize(), "elodie"))
    lower = gateway.browser.session
    assert before["acr"] == OTP_MAIL
    start = gateway.browser.authorize("medical")
    page = gateway.browser.onward(start)
    assert 'type="password"' not in page.text
    after = claims(gateway, gateway.by_psc("elodie", start), "medical")
    higher = gateway.browser.session
    assert (after["acr"], after["sub"], after["amr"]) == (PSC, before["sub"], ["psc"])
    assert lower is not None and higher is not None
    assert higher.handle != lower.handle
    assert gateway.session(lower.handle) is None
    assert claims(gateway, gateway.browser.authorize())["acr"] == PSC


@pytest.mark.spec("LOA-04")
def test_without_it_the_application_gets_nothing(gateway: PscGateway) -> None:
    told(gateway.browser.sign_in(gateway.browser.authorize(), "elodie"))
    assert told(gateway.browser.authorize("medical", prompt="none"))["error"] == "interaction_required"
    page = gateway.browser.onward(gateway.browser.authorize("medical"))
    for end in ("password", "code", "device"):
        assert gateway.browser.get(f"{journey_of(page)}/{end}").location == journey_of(page)


@pytest.mark.spec("SES-05", "LOA-08")
def test_somebody_else_who_steps_up_does_not_take_over_the_session(gateway: PscGateway) -> None:
    paul = gateway.linked("paul")
    told(gateway.browser.sign_in(gateway.browser.authorize(), "elodie"))
    elodies = gateway.browser.session
    answer = gateway.by_psc("paul", gateway.browser.authorize("medical"))
    assert claims(gateway, answer, "medical")["sub"] == paul.id
    assert gateway.browser.session is not None and elodies is not None
    assert gateway.browser.session.clients == ("medical",)
    assert gateway.session(elodies.handle) is None


@pytest.mark.spec("LOA-04")
def test_an_essential_level_is_met_and_a_password_does_not_do(gateway: PscGateway) -> None:
    told(gateway.browser.sign_in(gateway.browser.authorize(), "elodie"))
    start = gateway.browser.authorize(claims=ESSENTIAL)
    assert 'type="password"' not in gateway.browser.onward(start).text
    assert claims(gateway, gateway.by_psc("elodie", start))["acr"] == PSC


@pytest.mark.spec("LOA-04")
def test_a_session_by_pro_sante_connect_is_enough_for_everybody(gateway: PscGateway) -> None:
    told(gateway.by_psc("elodie"))
    assert claims(gateway, gateway.browser.authorize("exigeant"), "exigeant")["acr"] == PSC
    assert claims(gateway, gateway.browser.authorize("medical", prompt="none"), "medical")["acr"] == PSC
    assert claims(gateway, gateway.browser.authorize(acr_values=f"{OTP_SMS} {PSC}"))["acr"] == PSC


@pytest.mark.spec("LOA-01")
def test_nothing_that_an_application_writes_reaches_pro_sante_connect(gateway: PscGateway) -> None:
    start = gateway.browser.authorize(
        acr_values=PSC, login_hint="https://evil.example", ui_locales="en", display="popup"
    )
    assert set(question(gateway.asked(start))) == {
        "response_type", "client_id", "redirect_uri", "scope", "acr_values", "state", "nonce", "code_challenge",
        "code_challenge_method",
    }  # fmt: skip


@pytest.mark.spec("PSC-03", "LOA-04")
@pytest.mark.parametrize("demand", [{"prompt": "login"}, {"max_age": "0"}, {"prompt": "select_account"}])
def test_a_new_proof_is_asked_for_by_name(gateway: PscGateway, wallet: Visitor, demand: dict[str, str]) -> None:
    first = claims(gateway, by_wallet(gateway, wallet, gateway.browser.authorize()))
    gateway.advance(300)
    start = gateway.browser.authorize(**demand)
    assert question(gateway.asked(start))["prompt"] == "login"
    again = claims(gateway, by_wallet(gateway, wallet, start))
    assert again["auth_time"] == first["auth_time"] + 300


@pytest.mark.spec("PSC-03", "LOA-04")
@pytest.mark.parametrize("demand", [{"prompt": "login"}, {"max_age": "0"}, {"max_age": "120"}])
def test_an_old_proof_never_passes_for_a_new_one(gateway: PscGateway, wallet: Visitor, demand: dict[str, str]) -> None:
    told(by_wallet(gateway, wallet, gateway.browser.authorize()))
    gateway.advance(300)
    gateway.psc.lie = Lie.PROMPT_LOGIN_IGNORED
    gateway.browser.trail.clear()
    page = by_wallet(gateway, wallet, gateway.browser.authorize(**demand))
    assert page.status == 200
    assert gateway.noted().details["error"] == "id token: auth_time"
    assert not any("code=" in one.location for one in gateway.browser.trail if one.header("location"))


@pytest.mark.spec("LOA-04")
@pytest.mark.parametrize(("age", "asked"), [("119", False), ("121", True), ("130", True)])
def test_the_age_that_an_application_accepts_is_ours_to_the_second(
    gateway: PscGateway, wallet: Visitor, age: str, asked: bool
) -> None:
    """Pro Santé Connect may be half a minute off; what an application gets is not."""
    told(by_wallet(gateway, wallet, gateway.browser.authorize()))
    gateway.advance(int(age))
    answer = gateway.browser.authorize(max_age="120")
    assert answer.location.startswith("/signin/") is asked
    if asked:
        assert 60 <= int(question(gateway.asked(answer))["max_age"]) <= 120
        gateway.psc.lie = Lie.PROMPT_LOGIN_IGNORED
        assert by_wallet(gateway, wallet, answer).status == 200, "an old proof is not enough: she is asked again"


@pytest.mark.spec("PSC-R19")
def test_an_old_proof_of_single_sign_on_is_taken_for_what_it_is(gateway: PscGateway, wallet: Visitor) -> None:
    """She has been signed in over there for 25 minutes; our session ends four hours after that, not after now."""
    proved_at = gateway.clock.now()
    told(by_wallet(gateway, wallet, gateway.browser.authorize()))
    gateway.advance(1500)
    gateway.browser = gateway.another_browser()
    start = gateway.browser.authorize()
    assert "prompt" not in question(gateway.asked(start))
    said = claims(gateway, by_wallet(gateway, wallet, start))
    assert said["auth_time"] == proved_at
    session = gateway.browser.session
    assert session is not None
    assert session.absolute_end == proved_at + 4 * 3600


@pytest.mark.spec("PSC-R19")
def test_the_session_ends_four_hours_after_the_proof_whatever_its_use(gateway: PscGateway) -> None:
    proved_at = gateway.clock.now()
    told(gateway.by_psc("elodie"))
    while gateway.clock.now() < proved_at + 4 * 3600 - 600:
        gateway.advance(600)
        assert gateway.browser.get("/").location == "/compte"
    gateway.advance(599)
    assert gateway.browser.session is not None
    gateway.advance(1)
    assert gateway.browser.session is None
    assert told(gateway.browser.authorize(prompt="none"))["error"] == "login_required"


@pytest.mark.spec("PSC-R19")
def test_a_step_up_by_password_does_not_lengthen_it(gateway: PscGateway) -> None:
    told(gateway.by_psc("elodie"))
    first = gateway.browser.session
    gateway.advance(600)
    told(gateway.browser.sign_in(gateway.browser.authorize(prompt="login"), "elodie"))
    again = gateway.browser.session
    assert first is not None and again is not None
    assert gateway.session(first.handle) is None
    assert claims(gateway, gateway.browser.authorize())["acr"] == OTP_MAIL


@pytest.mark.spec("OID-12")
def test_discovery_says_the_levels_of_the_means_that_are_switched_on(gateway: PscGateway) -> None:
    def said() -> list[str]:
        document = gateway.ask("GET", "/.well-known/openid-configuration").json
        return list(document["acr_values_supported"])

    assert said()[-1] == PSC and OTP_MAIL in said()
    gateway.restart(means=["psc"])
    assert said() == [PSC]
    gateway.restart(means=["password"])
    assert PSC not in said() and OTP_MAIL in said()
    gateway.restart(means=["psc", "password"], profile="regulated")
    assert said() == [PSC]
