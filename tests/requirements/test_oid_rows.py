"""OID rows on the assembled gateway: what the provider takes, what it answers, and how."""

import json
import re
from html import unescape
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.accounts.account import AccountStatus
from gateway.accounts.one_time_link import LinkPurpose, link_token, new_link
from gateway.journal.effects import NO_EFFECTS
from gateway.keys.purposes import Purpose
from gateway.randomness import system_randomness
from tests.faults.good_account_requests import GOOD as GOOD_OF_ACCOUNT
from tests.faults.good_team_requests import GOOD as GOOD_OF_TEAM
from tests.requirements.assembled import (
    CLIENTS,
    ISSUER,
    OTP_MAIL,
    OTP_SMS,
    PASSWORD,
    STATISTICS,
    TOTP,
    Browser,
    Gateway,
    action_of,
    claims_of,
    header_of,
    opened,
    parameters,
    told,
)

CANARY = "<b>canari-7c1e</b>"
DISCOVERY = "/.well-known/openid-configuration"


def document(gateway: Gateway) -> dict:
    return gateway.ask("GET", DISCOVERY).json


def link(gateway: Gateway, account, purpose: LinkPurpose) -> str:
    """The token of a link on its way to this account."""
    key = gateway.stores.database.purpose_keys.get(Purpose.LINK)
    made = new_link(
        key,
        purpose,
        account_id=account.id,
        contact_version=account.contact_version,
        now=gateway.clock.now(),
        ttl_seconds=3600,
        randomness=system_randomness,
    )
    gateway.stores.database.links.issue(made, NO_EFFECTS)
    return link_token(key, purpose, made.id)


# ── OID-01, OID-10 ──


@pytest.mark.spec("OID-01")
@pytest.mark.parametrize(
    "grant_type",
    [
        "password", "implicit", "authorization_code ", "AUTHORIZATION_CODE", "urn:openid:params:grant-type:ciba",
        "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
    ],
)  # fmt: skip
def test_no_other_grant_gives_a_token(gateway, grant_type):
    gateway.person()
    fields = {"username": "camille", "password": PASSWORD, "scope": "openid", "refresh_token": "x"}
    answer = gateway.token(gateway.browser.code(), grant_type=grant_type, **fields)
    assert (answer.status, answer.json["error"]) == (400, "unsupported_grant_type")


@pytest.mark.spec("OID-10")
@pytest.mark.parametrize(
    "grant_type", ["client_credentials", "refresh_token", "urn:ietf:params:oauth:grant-type:token-exchange"]
)
@pytest.mark.parametrize("client_id", ["exigeant", "suivi"])
def test_a_grant_that_an_applications_file_does_not_give_gives_it_nothing(gateway, grant_type, client_id):
    fields = {"grant_type": grant_type, "scope": "openid", "refresh_token": "x", "subject_token": "x"}
    answer = gateway.form("/token", client_id, fields)
    assert (answer.status, answer.json["error"]) == (400, "unauthorized_client")


@pytest.mark.spec("OID-01")
@pytest.mark.parametrize(
    "response_type",
    ["token", "id_token", "id_token token", "code token", "code id_token", "none", "code code", " code"],
)
def test_no_other_response_type_gives_anything(gateway, response_type):
    gateway.person()
    gateway.browser.sign_in()
    answer = told(gateway.browser.authorize(response_type=response_type))
    assert answer["error"] == "unsupported_response_type"
    assert not {"code", "access_token", "id_token"} & set(answer)
    assert document(gateway)["response_types_supported"] == ["code"]


@pytest.mark.spec("OID-10")
def test_scopes_modes_and_claims_stop_at_what_the_clients_file_says(gateway):
    gateway.registered()
    gateway.browser.sign_in()
    for scope in ("openid rpps", "openid email", "openid unknown", "openid offline_access"):
        assert told(gateway.browser.authorize("suivi", scope=scope))["error"] == "invalid_scope"
    for mode in ("fragment", "form_post", "query.jwt", "web_message"):
        assert told(gateway.browser.authorize("suivi", response_mode=mode))["error"] == "invalid_request"
    asked = json.dumps(
        {"id_token": {"rpps": {"essential": True}, "email": None, "name": None}, "userinfo": {"rpps": None}}
    )
    code = told(gateway.browser.authorize("suivi", scope="openid", claims=asked))["code"]
    tokens = gateway.tokens(code, "suivi")
    claims = claims_of(tokens["id_token"])
    assert claims["name"] == "Camille Exemple"  # of a scope that its file has
    assert not {"rpps", "nat_id", "email"} & set(claims)
    assert not {"rpps", "email"} & set(gateway.userinfo(tokens["access_token"]).json)


# ── OID-05, OID-07 ──


@pytest.mark.spec("OID-05")
@pytest.mark.parametrize(
    ("client_id", "proof"),
    [
        ("orientation", {}),
        ("orientation", {"client_secret": "orientation-" + "k" * 43}),
        ("exigeant", {}),
        ("exigeant", {"client_secret": "wrong"}),
        ("suivi", {"client_secret": "anything"}),
    ],
)
def test_a_client_that_does_not_use_its_own_method_gets_nothing(gateway, client_id, proof):
    gateway.registered()
    code = gateway.browser.code(client_id, channel="sms")
    fields = {
        "grant_type": "authorization_code", "code": code, "client_id": client_id, "code_verifier": "v" * 43,
        "redirect_uri": CLIENTS[client_id]["redirect_uris"][0], **proof,
    }  # fmt: skip
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = gateway.ask("POST", "/token", body=urlencode(fields).encode(), headers=headers)
    assert (answer.status, answer.json["error"]) == (401, "invalid_client")
    assert gateway.token(code, client_id).status == 200  # the code was not spent by a stranger


# ── OID-12 ──


@pytest.mark.spec("OID-12")
def test_every_endpoint_the_document_names_is_a_route_and_answers(gateway):
    found = document(gateway)
    paths = {rule.rule for rule in gateway.pages.url_map.iter_rules()} | set(gateway.machine)
    for name, address in found.items():
        if name.endswith("_endpoint") or name == "jwks_uri":
            assert address.startswith(f"{ISSUER}/")
            assert address.removeprefix(ISSUER) in paths
            assert gateway.ask("GET", address.removeprefix(ISSUER)).status < 500
    assert found["issuer"] == ISSUER


@pytest.mark.spec("OID-12", "LOA-04")
def test_the_levels_it_names_are_those_a_person_can_reach_here(tmp_path):
    sms = {"url": "https://sms.portail.example/send", "budget": {"daily": 100}}
    for number, (settings_, expected) in enumerate(
        [
            ({"sms": None}, ["urn:passerelle:acr:pwd-device", OTP_MAIL, TOTP]),
            ({"sms": sms}, ["urn:passerelle:acr:pwd-device", OTP_MAIL, OTP_SMS, TOTP]),
        ]
    ):
        (tmp_path / str(number)).mkdir()
        for gateway in opened(tmp_path / str(number), **settings_):
            assert document(gateway)["acr_values_supported"] == expected


@pytest.mark.spec("OID-12")
def test_each_thing_it_names_works(gateway):
    gateway.registered()
    structure = gateway.structure(1)
    gateway.habilitation(gateway.stores.database.accounts.find_by_username("camille"), structure)
    found = document(gateway)
    keys = gateway.ask("GET", "/jwks").json["keys"]
    assert {key["alg"] for key in keys} == set(found["id_token_signing_alg_values_supported"])
    methods = {str(one.get("authentication_method", "client_secret_basic")) for one in CLIENTS.values()}
    assert set(found["token_endpoint_auth_methods_supported"]) == methods
    seen = set()
    for client_id in CLIENTS:
        tokens = gateway.tokens(gateway.browser.code(client_id, channel="sms"), client_id)
        seen.add(header_of(tokens["id_token"])["alg"])
        said = set(claims_of(tokens["id_token"])) | set(gateway.userinfo(tokens["access_token"]).json)
        assert said <= set(found["claims_supported"])
    assert seen == set(found["id_token_signing_alg_values_supported"])
    for prompt in found["prompt_values_supported"]:
        answer = gateway.browser.authorize(prompt=prompt)
        assert "error" not in answer.location
    for language in found["ui_locales_supported"]:
        page = Browser(gateway).get("/forgotten?ui_locales=" + language)
        assert f'<html lang="{language}">' in page.text


# ── OID-13 ──


@pytest.mark.spec("OID-13", "AC-105")
def test_every_form_of_ours_leads_on_by_303_and_the_list_of_posts_is_whole(gateway):
    """Walks through each POST route of the application, until it redirects; a route left out makes this fail."""
    camille = gateway.registered()
    for number in (1, 2):
        gateway.habilitation(camille, gateway.structure(number))
    browser = gateway.browser
    page = browser.onward(browser.authorize())
    browser.submit(page, action_of(page, "cancel"))
    page = browser.give_password(browser.onward(browser.authorize()))
    gateway.clock.advance(61)
    browser.submit(page, action_of(page, "code") + "/resend")
    page = browser.give_code(page)
    browser.choose(page, "fineg:990000002")
    browser.submit(browser.get("/compte"), "/signout")
    browser.sign_in()
    browser.submit(
        browser.get(
            "/logout?"
            + urlencode({"client_id": "orientation", "post_logout_redirect_uri": "https://orientation.example/bye"})
        ),
        "/logout",
    )
    browser.submit(browser.get("/forgotten"), "/forgotten", identifier="camille")
    invited = gateway.person("invitee", status=AccountStatus.INVITED, password_hash=None, email_verified_at=None)
    for path, account, purpose in (
        ("/activation", invited, LinkPurpose.ACTIVATION),
        ("/reset", camille, LinkPurpose.RESET),
    ):
        page = browser.onward(browser.get(f"{path}/{link(gateway, account, purpose)}"))
        browser.submit(page, path, new_password="la huppe fascie le vent", again="la huppe fascie le vent")
    browser.post("/authorize", parameters())
    browser.submit(browser.get("/post"), "/post")
    page = browser.onward(browser.authorize())
    here = action_of(page, "password").replace("/password", "/post")
    browser.submit(browser.get(here), here, shared="yes")
    page = browser.give_code(browser.give_password(page, password="la huppe fascie le vent"))
    browser.choose(page, "fineg:990000002")
    page = browser.onward(browser.authorize())
    browser.submit(page, action_of(page, "same_person"), answer="me")
    page = browser.onward(browser.authorize(prompt="consent"))
    page = browser.onward(browser.submit(page, action_of(page, "same_person"), answer="me"))
    page = browser.onward(browser.submit(page, action_of(page, "structure"), structure="fineg:990000002"))
    browser.submit(page, action_of(page, "consent"))
    redirects = [(answer.status, answer.location) for answer in browser.trail if answer.header("location")]
    assert {status for status, _ in redirects} == {303}
    posted = {rule.rule for rule in gateway.pages.url_map.iter_rules() if "POST" in (rule.methods or ())}
    walked = {
        "/signin/<handle>/password", "/signin/<handle>/code", "/signin/<handle>/code/resend", "/signin/<handle>/structure",
        "/signin/<handle>/cancel", "/signout", "/logout", "/forgotten", "/activation", "/reset", "/authorize",
        "/post", "/signin/<handle>/post", "/signin/<handle>/same_person", "/signin/<handle>/consent",
    }  # fmt: skip
    # The others are walked by the tests of linking, of their factor and of the account; `onward` knows 303 alone.
    elsewhere = {
        "/signin/<handle>/device", "/not_me", "/undo_contact", "/signin/<handle>/factor", "/signin/<handle>/totp",
        "/signin/<handle>/recovery_code", "/signin/<handle>/new_password",
    }  # fmt: skip
    account = {route for route in GOOD_OF_ACCOUNT if route.startswith("/compte")}
    assert posted == walked | elsewhere | (posted & (account | set(GOOD_OF_TEAM)))


@pytest.mark.spec("OID-13")
def test_a_nearly_right_address_is_never_redirected_with_its_form(gateway):
    for path in ("/authorize/", "/signout/", "/logout/", "/forgotten/", "/signin/", "/signin//x/password"):
        answer = gateway.browser.post(path, {"password": PASSWORD})
        assert answer.status in {404, 405}
        assert answer.header("location") is None


# ── OID-14 ──


@pytest.mark.spec("OID-14", "SES-03", "AC-103")
def test_silent_requests_show_nothing_and_do_not_keep_a_session_alive(gateway):
    gateway.person()
    gateway.browser.sign_in()
    for _ in range(29):
        gateway.clock.advance(60)
        assert "code" in told(gateway.browser.authorize(prompt="none"))
    gateway.clock.advance(59.9)
    assert "code" in told(gateway.browser.authorize(prompt="none"))
    gateway.clock.advance(0.1)
    answer = gateway.browser.authorize(prompt="none")
    assert told(answer)["error"] == "login_required"
    assert answer.body == b""


@pytest.mark.spec("OID-14")
@pytest.mark.parametrize(
    "changes",
    [{}, {"acr_values": OTP_SMS}, {"max_age": "0"}, {"structure": "fineg:990000001"}, {"login_hint": "x"}, {"scope": "x"}],
)  # fmt: skip
def test_whatever_a_silent_request_asks_without_a_session_it_is_an_answer_to_the_application(gateway, changes):
    answer = gateway.browser.authorize(prompt="none", **changes)
    assert "error" in told(answer)
    assert not [name for name, _ in answer.headers if name == "set-cookie"]


@pytest.mark.spec("OID-14", "OID-15")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hint=st.text(st.characters(codec="utf-8"), max_size=60) | st.sampled_from(['"><script>x', "{{7*7}}", "camille"]))
def test_a_login_hint_is_text_in_a_field_and_nothing_more(gateway, hint):
    page = Browser(gateway)
    shown = page.onward(page.authorize(login_hint=hint))
    assert shown.status == 200
    value = re.search(r'name="identifier" value="([^"]*)"', shown.text)
    assert value is not None
    assert unescape(value[1]) == (hint if hint.isprintable() else "")
    assert "<" not in value[1]
    assert page.session is None


# ── OID-15 ──


@pytest.mark.spec("OID-15", "OID-07")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(state=st.text(st.characters(codec="utf-8"), min_size=1, max_size=80), silent=st.booleans(), broken=st.booleans())
def test_state_comes_back_as_it_was_sent_with_the_issuer_in_codes_and_errors_alike(gateway, state, silent, broken):
    if not gateway.stores.database.accounts.find_by_username("camille"):
        gateway.person()
    if gateway.browser.session is None and not silent:
        gateway.browser.sign_in()
    changes = {"prompt": "none" if silent else None, "response_type": "token" if broken else "code"}
    answer = told(gateway.browser.authorize(state=state, **changes))
    assert answer["state"] == state
    assert answer["iss"] == ISSUER
    assert ("error" in answer) is (broken or (silent and gateway.browser.session is None))


@pytest.mark.spec("OID-15", "WEB-04", "AC-104")
def test_no_error_page_of_any_route_shows_what_was_sent(gateway):
    gateway.person()
    sent = quote(CANARY)
    paths = {re.sub(r"<[^>]+>", sent, rule.rule) for rule in gateway.pages.url_map.iter_rules()} | set(gateway.machine)
    names = [
        "client_id",
        "redirect_uri",
        "state",
        "error",
        "error_description",
        "next",
        "ui_locales",
        "wait",
        "sent",
        "id_token_hint",
    ]
    query = urlencode(dict.fromkeys(names, CANARY))
    form = urlencode({"form_token": CANARY, "identifier": CANARY, "state": CANARY}).encode()
    for path in sorted(paths):
        for method in ("GET", "POST"):
            answer = gateway.ask(
                method,
                f"{path}?{query}",
                body=form if method == "POST" else b"",
                headers={
                    "content-type": "application/x-www-form-urlencoded", "referer": CANARY, "user-agent": CANARY,
                    "accept-language": CANARY, "cookie": f"__Host-browser={sent}; __Host-link=reset.{sent}", "origin": ISSUER,
                },
            )  # fmt: skip
            assert CANARY not in answer.text, (method, path)
            assert answer.status < 500, (method, path)
            location = answer.header("location") or "/"
            assert location.startswith("/") and not location.startswith("//"), (method, path, location)


# ── OID-17 ──


@pytest.mark.spec("OID-17")
def test_each_page_of_a_sign_in_names_the_application_that_asks(gateway):
    camille = gateway.registered()
    for number in (1, 2):
        gateway.habilitation(camille, gateway.structure(number), STATISTICS)
    for client_id, french, english in (
        ("orientation", "Orientation handicap", "Orientation"),
        ("suivi", "Suivi", "Follow-up"),
    ):
        browser = Browser(gateway)
        page = browser.onward(browser.authorize(client_id))
        pages = [page, browser.give_password(page)]
        pages.append(browser.give_code(pages[-1]))
        assert "radio" in pages[-1].text
        for shown in pages:
            assert f"<strong>{french}</strong>" in shown.text
        plain = Browser(gateway)
        assert f"<strong>{english}</strong>" in plain.onward(plain.authorize(client_id, ui_locales="en")).text
    alone = Browser(gateway)
    assert "application" not in re.findall(r'class="([a-z]+)"', alone.onward(alone.get("/signin")).text)


@pytest.mark.parametrize("asked", ["en", "fr"])
def test_pages_speak_the_language_that_was_asked_last_in_a_pushed_request_too(gateway, asked):
    """OpenID Connect Core §3.1.2.1, RFC 9126: what is pushed means what it would mean in the address."""
    browser = Browser(gateway)
    browser.get(f"/forgotten?ui_locales={'fr' if asked == 'en' else 'en'}")
    pushed = gateway.form("/par", "orientation", parameters(ui_locales=asked)).json
    query = urlencode({"client_id": "orientation", "request_uri": pushed["request_uri"]})
    page = browser.onward(browser.get(f"/authorize?{query}"))
    assert f'<html lang="{asked}">' in page.text
    assert f'<html lang="{asked}">' in browser.get("/forgotten").text


@pytest.mark.spec("OID-17")
def test_an_application_nobody_approved_cannot_ask(gateway):
    gateway.person()
    gateway.browser.sign_in()
    query = {**parameters(), "client_id": "inconnue"}
    answer = gateway.browser.get("/authorize?" + urlencode(query))
    assert answer.status == 400
    assert answer.header("location") is None
