"""LOA rows on the assembled gateway: what the tokens say of a sign-in, and what they never say."""

import itertools
import json
import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.journal.effects import NO_EFFECTS
from gateway.randomness import base64url
from gateway.signin.assurance import AssuranceScale, NothingProvedError
from gateway.signin.evidence import Evidence, Means
from gateway.tenant import read_ranking
from tests.requirements.assembled import (
    DAY,
    ISSUER,
    OTP_MAIL,
    OTP_SMS,
    PWD,
    ROOT,
    Answer,
    Browser,
    Gateway,
    action_of,
    claims_of,
    hidden_fields,
    opened,
    told,
)
from tests.unit.signin.world import Device

MAIL, SMS = ("pwd", "otp"), ("pwd", "sms", "mfa")
LEVELS = [acr for equals in read_ranking(ROOT / "idp_config" / "assurance.yaml") for acr in equals]
odd = st.sampled_from([*LEVELS, "eidas2", "eidas3", "mfa", "0", "1", "{}", "", "card", "true"]) | st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=30
)


def essential(*values: str) -> str:
    return json.dumps({"id_token": {"acr": {"essential": True, "values": list(values)}}})


def said(gateway: Gateway, code: str, client_id: str = "orientation") -> tuple[str, tuple[str, ...], int]:
    """acr, amr and auth_time, the same in both tokens."""
    tokens = gateway.tokens(code, client_id)
    found = {
        (claims["acr"], tuple(claims["amr"]), claims["auth_time"])
        for claims in (claims_of(tokens["id_token"]), claims_of(tokens["access_token"]))
    }
    assert len(found) == 1
    return found.pop()


# ── LOA-01 ──


@pytest.mark.spec("LOA-01")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    asked=st.dictionaries(
        st.sampled_from(["acr", "amr", "auth_time", "acr_values", "login_hint", "evidence", "level", "mfa", "claims"]),
        odd,
    ),
    wished=st.none() | st.lists(st.sampled_from(LEVELS), min_size=1, max_size=3),
    redeemed=st.dictionaries(st.sampled_from(["acr", "amr", "auth_time", "acr_values", "scope"]), odd),
)
def test_nothing_a_request_says_moves_what_the_tokens_say(gateway, asked, wished, redeemed):
    if gateway.browser.session is None:
        gateway.person()
        gateway.browser.sign_in()
        gateway.clock.advance(1)
    session = gateway.browser.session
    if wished is not None:
        asked = {**asked, "claims": json.dumps({"id_token": {"acr": {"values": wished}, "amr": None}})}
    answer = gateway.browser.authorize(**asked)
    assert answer.status in {303, 400}
    if answer.status == 303 and answer.location.startswith("https:") and "code" in told(answer):
        tokens = gateway.token(told(answer)["code"], **redeemed)
        assert tokens.status == 200
        for token in (tokens.json["id_token"], tokens.json["access_token"]):
            claims = claims_of(token)
            assert (claims["acr"], tuple(claims["amr"])) == (OTP_MAIL, MAIL)
            assert claims["auth_time"] == int(session.auth_time) < gateway.clock.now()


@pytest.mark.spec("LOA-01")
def test_fields_that_a_form_does_not_have_add_no_proof(gateway):
    gateway.registered()
    extra = {
        "acr": OTP_SMS, "amr": "mfa", "evidence": "sms_code", "means": "sms_code", "auth_time": "0", "account_id": "x",
        "channel": "sms", "code_channel": "sms", "device_skipped": "1",
    }  # fmt: skip
    page = gateway.browser.onward(gateway.browser.authorize())
    action = action_of(page, "password")
    page = gateway.browser.onward(
        gateway.browser.submit(page, action, identifier="camille", password="le martinet dort en volant", **extra)
    )
    action = action_of(page, "code")
    answer = gateway.browser.onward(gateway.browser.submit(page, action, code=gateway.sent_code(), **extra))
    assert said(gateway, told(answer)["code"])[:2] == (OTP_MAIL, MAIL)


# ── LOA-02, LOA-03, LOA-05 ──

_EVERYDAY = (Means.PASSWORD, Means.TRUSTED_DEVICE, Means.EMAIL_CODE, Means.SMS_CODE)
TABLE = {
    frozenset({Means.PASSWORD}): (PWD, ("pwd",)),
    frozenset({Means.PASSWORD, Means.TRUSTED_DEVICE}): ("urn:passerelle:acr:pwd-device", ("pwd", "swk")),
    frozenset({Means.PASSWORD, Means.EMAIL_CODE}): (OTP_MAIL, MAIL),
    frozenset({Means.PASSWORD, Means.SMS_CODE}): (OTP_SMS, SMS),
    frozenset({Means.PASSWORD, Means.TRUSTED_DEVICE, Means.EMAIL_CODE}): (OTP_MAIL, MAIL),
    frozenset({Means.PASSWORD, Means.TRUSTED_DEVICE, Means.SMS_CODE}): (OTP_SMS, SMS),
    frozenset({Means.PASSWORD, Means.EMAIL_CODE, Means.SMS_CODE}): (OTP_SMS, SMS),
    frozenset(_EVERYDAY): (OTP_SMS, SMS),
}
TABLE |= {
    means | {Means.RECOVERY_CODE}: (OTP_MAIL, MAIL) if level[0] not in {OTP_MAIL, OTP_SMS} else level
    for means, level in TABLE.items()
}
TABLE |= {means | {Means.TOTP}: ("urn:passerelle:acr:pwd-totp", ("pwd", "otp", "mfa")) for means in TABLE}
CARD_LEVEL = ("urn:passerelle:acr:card", ("sc", "hwk", "pin", "mfa"))
PSC_LEVEL = ("urn:passerelle:acr:psc", ("psc",))
PASSKEY_LEVEL = ("urn:passerelle:acr:passkey", ("hwk", "user", "mfa"))
"""One of these three is the level whatever else is proved beside it, the card first, the passkey last."""


@pytest.mark.spec("LOA-02", "LOA-03", "LOA-05")
def test_every_set_of_proofs_is_in_the_table_and_those_without_a_password_prove_nobody():
    """A new means makes this table incomplete, and this test fail."""
    scale = AssuranceScale(read_ranking(ROOT / "idp_config" / "assurance.yaml"))
    for size in range(len(Means) + 1):
        for means in itertools.combinations(Means, size):
            proofs = [Evidence(item, 1.0) for item in means]
            expected = TABLE.get(frozenset(means))
            if Means.CARD in means or Means.PSC in means:
                expected = CARD_LEVEL if Means.CARD in means else PSC_LEVEL
            elif Means.PASSKEY in means:
                expected = PASSKEY_LEVEL
            if expected is None:
                assert Means.PASSWORD not in means
                with pytest.raises(NothingProvedError):
                    scale.level_of(proofs)
            else:
                level = scale.level_of(proofs)
                assert (level.acr, level.amr) == expected
                assert level.acr.startswith("urn:passerelle:acr:")


@pytest.mark.spec("LOA-02", "LOA-05", "AC-033")
def test_a_mailed_code_never_says_mfa_and_an_sms_does(gateway):
    gateway.registered()
    now = int(gateway.clock.now())
    assert said(gateway, gateway.browser.code()) == (OTP_MAIL, MAIL, now)
    other = Browser(gateway)
    assert said(gateway, other.code(channel="sms")) == (OTP_SMS, SMS, now)


@pytest.mark.spec("LOA-02", "LOA-05")
def test_a_password_alone_ends_in_no_session_and_no_token(gateway):
    gateway.person()
    page = gateway.browser.give_password(gateway.browser.onward(gateway.browser.authorize()))
    handle = action_of(page, "code").split("/")[2]
    assert gateway.browser.session is None
    for path in (f"/signin/{handle}", f"/authorize/resume/{handle}", f"/signin/{handle}/structure"):
        answer = gateway.browser.get(path)
        assert "__Host-session" not in gateway.browser.cookies
        assert not (answer.header("location") or "").startswith("https:")
    assert told(gateway.browser.authorize(prompt="none"))["error"] == "login_required"


@pytest.mark.spec("LOA-03")
def test_an_eidas_level_is_never_said_even_where_a_ranking_names_it(tmp_path):
    strong = "urn:passerelle:acr:card, urn:passerelle:acr:psc"
    everyday = f"[{PWD}], [urn:passerelle:acr:pwd-device], [eidas1, {OTP_MAIL}], [{OTP_SMS}, eidas2, eidas3]"
    everyday += ", [urn:passerelle:acr:pwd-totp], [urn:passerelle:acr:passkey]"
    ranking = f"ranking: [{everyday}, [{strong}]]"
    for gateway in opened(tmp_path, ranking=ranking):
        gateway.registered()
        mail = [{"acr_values": "eidas1"}, {"claims": essential("eidas1")}]
        sms = [{"acr_values": "eidas2"}, {"claims": essential("eidas2", "eidas3")}]
        for changes in mail:
            assert said(gateway, Browser(gateway).code(**changes))[:2] == (OTP_MAIL, MAIL)
        for changes in sms:
            assert said(gateway, Browser(gateway).code(**changes, channel="sms"))[:2] == (OTP_SMS, SMS)


# ── LOA-04 ──


@pytest.mark.spec("LOA-04", "AC-034")
@pytest.mark.parametrize("asked", [[OTP_SMS], ["urn:passerelle:acr:card", "eidas2"], ["urn:passerelle:acr:passkey"]])
def test_an_essential_level_out_of_reach_never_ends_in_a_code(gateway, asked):
    gateway.person()
    for _ in range(2):  # without, then with a session
        answer = gateway.browser.authorize(claims=essential(*asked))
        if answer.location.startswith("/"):
            answer = gateway.browser.sign_in(answer)
        assert told(answer)["error"] == "unmet_authentication_requirements"
        gateway.browser.sign_in()
        assert gateway.browser.session is not None
    assert told(gateway.browser.authorize(claims=essential(*asked), prompt="none"))["error"] in {
        "interaction_required",
        "unmet_authentication_requirements",
    }
    assert not gateway.events("authorization.granted")


@pytest.mark.spec("LOA-04")
def test_a_single_essential_value_is_as_demanding_as_a_list(gateway):
    gateway.person()
    gateway.browser.sign_in()
    one = json.dumps({"id_token": {"acr": {"essential": True, "value": OTP_SMS}}})
    assert told(gateway.browser.authorize(claims=one, prompt="none"))["error"] == "interaction_required"


@pytest.mark.spec("LOA-04")
@pytest.mark.parametrize("demand", [{"acr_values": OTP_SMS}, {"claims": essential(OTP_SMS)}])
def test_a_level_within_reach_is_asked_of_the_person_and_then_said(gateway, demand):
    gateway.registered()
    assert said(gateway, gateway.browser.code())[0] == OTP_MAIL
    assert told(gateway.browser.authorize(**demand, prompt="none"))["error"] == "interaction_required"
    assert said(gateway, gateway.browser.code(**demand, channel="sms"))[:2] == (OTP_SMS, SMS)


@pytest.mark.spec("LOA-04")
def test_a_wish_out_of_reach_gives_the_true_level(gateway):
    gateway.person()
    assert said(gateway, gateway.browser.code(acr_values=f"{OTP_SMS} urn:unknown"))[:2] == (OTP_MAIL, MAIL)


@pytest.mark.spec("LOA-04")
def test_the_lowest_level_of_an_applications_file_holds_for_every_request(gateway):
    gateway.registered()
    gateway.browser.sign_in()
    assert told(gateway.browser.authorize("exigeant", prompt="none"))["error"] == "interaction_required"
    low = {"acr_values": OTP_MAIL, "claims": essential(OTP_MAIL)}
    assert told(gateway.browser.authorize("exigeant", prompt="none", **low))["error"] == "interaction_required"
    code = gateway.browser.code("exigeant", **low, channel="sms")
    assert said(gateway, code, "exigeant")[:2] == (OTP_SMS, SMS)
    gateway.person("sans-telephone")
    other = Browser(gateway)
    ended = other.sign_in(other.authorize("exigeant"), "sans-telephone")
    assert told(ended)["error"] == "unmet_authentication_requirements"


@pytest.mark.spec("LOA-04")
def test_an_age_is_judged_at_its_edge_and_a_new_proof_says_its_own_time(gateway):
    gateway.person()
    first = said(gateway, gateway.browser.code())[2]
    gateway.clock.advance(600)
    assert said(gateway, gateway.browser.code(max_age="600"))[2] == first
    gateway.clock.advance(1)
    assert told(gateway.browser.authorize(max_age="600", prompt="none"))["error"] == "login_required"
    page = gateway.browser.onward(gateway.browser.authorize(max_age="600"))
    assert "/password" in page.text
    again = said(gateway, told(gateway.browser.sign_in(gateway.browser.authorize(max_age="600")))["code"])[2]
    assert again == first + 601


# ── LOA-06, and what LOA-07 makes of it ──


def trusting(gateway: Gateway, device: Device) -> Browser:
    """A browser that signed in and asked to be trusted."""
    browser = Browser(gateway)
    page = browser.give_password(browser.onward(browser.get("/signin")))
    action = action_of(page, "code")
    trust = {"trust": "yes", "device_public_key": base64url(device.public_key)}
    browser.onward(browser.post(action, {**hidden_fields(page, action), "code": gateway.sent_code(), **trust}))
    assert browser.session is not None
    return browser


def sign_out(browser: Browser) -> None:
    home = browser.get("/compte")
    assert browser.submit(home, "/signout").status == 303
    assert browser.session is None


def by_device(browser: Browser, device: Device, page: Answer) -> Answer:
    challenge = re.search(r'data-challenge="([^"]+)"', page.text)
    assert challenge is not None
    signature = base64url(device.sign(challenge[1], ISSUER))
    return browser.onward(browser.submit(page, action_of(page, "device"), signature=signature))


@pytest.mark.spec("LOA-06", "LOA-07")
def test_a_code_is_spared_on_the_trusted_device_within_the_interval_alone_and_amr_says_so(gateway):
    gateway.person()
    device = Device()
    browser = trusting(gateway, device)
    sign_out(browser)
    gateway.clock.advance(30 * DAY - 1)
    page = browser.give_password(browser.onward(browser.authorize()))
    code = told(by_device(browser, device, page))["code"]
    assert said(gateway, code) == ("urn:passerelle:acr:pwd-device", ("pwd", "swk"), int(gateway.clock.now()))
    sign_out(browser)
    gateway.clock.advance(1)  # the use of the device did not make its trust younger
    page = browser.give_password(browser.onward(browser.authorize()))
    assert "/code" in page.text and "data-challenge" not in page.text


@pytest.mark.spec("LOA-06", "LOA-07", "AC-035")
def test_elsewhere_and_without_the_key_a_code_is_asked_every_time(gateway):
    gateway.person()
    device = Device()
    browser = trusting(gateway, device)
    elsewhere = Browser(gateway, {"__Host-device": browser.cookies["__Host-device"]})
    page = elsewhere.give_password(elsewhere.onward(elsewhere.authorize()))
    after = by_device(elsewhere, Device(), page)
    assert 'autocomplete="one-time-code"' in after.text
    assert elsewhere.session is None
    plain = Browser(gateway)
    assert "one-time-code" in plain.give_password(plain.onward(plain.authorize())).text


@pytest.mark.spec("LOA-06")
def test_where_no_interval_is_declared_no_device_spares_the_code(gateway):
    """Nor one that was trusted before the setting changed."""
    gateway.person()
    trusted = trusting(gateway, Device())
    gateway.restart(parameters={"key.sign.rsa_bits": 2048, "otp.interval": "session"})
    for browser in (trusted, trusting(gateway, Device())):
        sign_out(browser)
        page = browser.give_password(browser.onward(browser.authorize()))
        assert "one-time-code" in page.text and "data-challenge" not in page.text
    assert "__Host-device" not in browser.cookies


@pytest.mark.spec("LOA-06")
@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "0"}])
def test_a_sign_in_asked_again_within_a_session_asks_both_factors(gateway, changes):
    gateway.person()
    gateway.browser.code()
    page = gateway.browser.onward(gateway.browser.authorize(**changes))
    assert "/password" in page.text
    assert "one-time-code" in gateway.browser.give_password(page).text


# ── LOA-08 ──


@pytest.mark.spec("LOA-08", "SES-02")
def test_a_step_up_is_a_new_session_and_both_events_are_written(gateway):
    gateway.registered()
    gateway.browser.sign_in()
    low = gateway.browser.session
    assert low is not None
    gateway.clock.advance(60)
    assert said(gateway, gateway.browser.code("exigeant", channel="sms"), "exigeant")[0] == OTP_SMS
    high = gateway.browser.session
    assert high is not None
    assert high.handle != low.handle
    assert gateway.session(low.handle) is None
    assert (high.auth_time, high.absolute_end) == (low.auth_time, low.absolute_end)
    completed = [(event.acr, event.client) for event in gateway.events("signin.completed")]
    assert completed == [(OTP_MAIL, None), (OTP_SMS, "exigeant")]
    started = [event.session for event in gateway.events("session.started")]
    assert len(set(started)) == 2
    assert [(event.reason, event.session) for event in gateway.events("session.ended")] == [("renewed", started[0])]


@pytest.mark.spec("LOA-08")
def test_a_session_is_worth_no_more_by_what_happens_around_it(gateway):
    """A higher sign-in of the same person elsewhere, a verified phone, another application: the session stays what it was."""
    camille = gateway.registered()
    code = gateway.browser.code()
    elsewhere = Browser(gateway)
    assert said(gateway, elsewhere.code(channel="sms"))[0] == OTP_SMS
    gateway.browser.code("suivi")
    gateway.stores.database.accounts.update(replace(camille, phone="+33639980002"), NO_EFFECTS)
    assert said(gateway, code)[0] == OTP_MAIL
    assert said(gateway, gateway.browser.code())[0] == OTP_MAIL
    assert told(gateway.browser.authorize("exigeant", prompt="none"))["error"] == "interaction_required"
