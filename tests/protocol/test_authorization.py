"""GET and POST /authorize."""

import string
from dataclasses import replace
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.signin.evidence import Means
from tests.protocol.provider import (
    CALLBACK,
    CHALLENGE,
    ISSUER,
    OTP_MAIL,
    OTP_SMS,
    PWD,
    Provider,
    answer_of,
    claims_of,
    error_of,
    json_of,
    parameters,
    structure,
)


def journey_of(provider: Provider, response) -> str:
    assert response.status_code == 303
    assert response.headers["Location"].startswith("/signin/")
    return response.headers["Location"].removeprefix("/signin/")


def assert_local_page(response) -> None:
    assert response.status_code == 400
    assert "Location" not in response.headers
    assert response.content_type.startswith("text/html")


# ── before client and redirect URI are known good ──


@pytest.mark.spec("OID-02", "OID-15", "WEB-04")
@pytest.mark.parametrize(
    "redirect_uri",
    [
        None,
        "",
        CALLBACK + "/",
        CALLBACK + "/more",
        CALLBACK + "?a=b",
        CALLBACK + "#f",
        CALLBACK.upper(),
        CALLBACK.replace("https", "http"),
        CALLBACK.replace("orientation.example", "orientation.example:443"),
        CALLBACK.replace("orientation.example", "orientation.example."),
        CALLBACK.replace("orientation.example", "orientation.example@evil.example"),
        CALLBACK.replace("/callback", "%2Fcallback"),
        CALLBACK.replace("/callback", "/./callback"),
        CALLBACK + "\n",
        "https://evil.example/callback",
        "javascript:alert(1)",
        "https://autre.example/callback",
        "x" * 5000,
    ],
)
def test_a_redirect_uri_that_is_not_registered_to_the_letter_gets_a_page_and_no_redirect(provider, redirect_uri):
    provider.sign_in()
    assert_local_page(provider.authorize(redirect_uri=redirect_uri))


@pytest.mark.spec("OID-02", "OID-11")
@pytest.mark.parametrize("client_id", [None, "", "unknown", "orientation ", "ORIENTATION", "x" * 5000, "\0"])
def test_an_unknown_client_gets_a_page_and_no_redirect(provider, client_id):
    provider.sign_in()
    assert_local_page(provider.authorize(client_id=client_id))


@pytest.mark.spec("OID-02", "OID-15")
@pytest.mark.parametrize("repeated", [("client_id", "orientation"), ("redirect_uri", CALLBACK)])
def test_a_repeated_client_or_redirect_uri_gets_a_page(provider, repeated):
    provider.sign_in()
    assert_local_page(provider.authorize(repeated))


@pytest.mark.spec("OID-15")
@pytest.mark.parametrize("query", [b"client_id=%ff", b"client_id=orientation&state=%c3%28", b"a=1&" * 100])
def test_bytes_that_are_not_utf8_and_floods_of_parameters_get_a_page(provider, query):
    assert_local_page(provider.browser.get("/authorize", environ_overrides={"QUERY_STRING": query.decode()}))


@pytest.mark.spec("OID-15")
def test_an_error_page_holds_nothing_of_what_was_sent(provider):
    marker = "<script>alert('zz-marker')</script>"
    page = provider.authorize(redirect_uri=marker, state=marker, client_id=marker).get_data(as_text=True)
    assert "zz-marker" not in page


# ── the checks, told to the application ──


@pytest.mark.spec("OID-01", "OID-03", "OID-10", "OID-15")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": ""}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": "CODE"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "query.jwt"}, "invalid_request"),
        ({"response_mode": "x" * 5000}, "invalid_request"),
        ({"display": "wap"}, "invalid_request"),
        ({"display": "x" * 5000}, "invalid_request"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"request": "x" * 20000}, "request_not_supported"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:unknown"}, "invalid_request_uri"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:" + "0" * 5000}, "invalid_request_uri"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x", "request": "x"}, "invalid_request"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
        ({"request_uri": "https://evil.example/r"}, "request_uri_not_supported"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": "openid offline_access"}, "invalid_scope"),
        ({"scope": "openid\tprofile"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": CHALLENGE + "="}, "invalid_request"),
        ({"code_challenge": CHALLENGE[:-1] + "é"}, "invalid_request"),
        ({"nonce": "n" * 513}, "invalid_request"),
        ({"state": "s" * 2049}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"max_age": "1" * 30}, "invalid_request"),
        ({"max_age": "٣"}, "invalid_request"),
        ({"claims": "{"}, "invalid_request"),
        ({"claims": "[]"}, "invalid_request"),
        ({"claims": '{"userinfo": []}'}, "invalid_request"),
        ({"claims": '{"userinfo": {"email": true}}'}, "invalid_request"),
        ({"claims": '{"userinfo": {"sub": {"value": "a"}}, "id_token": {"sub": {"value": "b"}}}'}, "invalid_request"),
        ({"claims": '{"id_token": {"sub": {"values": ["a", "b"]}}}'}, "invalid_request"),
        ({"claims": '{"id_token": []}'}, "invalid_request"),
        ({"claims": '{"id_token": {"acr": "x"}}'}, "invalid_request"),
        ({"claims": '{"id_token": {"acr": {"essential": "yes"}}}'}, "invalid_request"),
        ({"claims": '{"id_token": {"acr": {"values": [1]}}}'}, "invalid_request"),
        ({"claims": '{"id_token": {}, "id_token": {}}'}, "invalid_request"),
        ({"claims": '{"a":' * 1000}, "invalid_request"),
        ({"claims": "{" + " " * 5000 + "}"}, "invalid_request"),
        ({"login_hint": "x" * 300}, "invalid_request"),
        ({"id_token_hint": "not.a.token"}, "invalid_request"),
        ({"structure": "../../etc"}, "invalid_request"),
        ({"structure": "fineg:" + "9" * 300}, "invalid_request"),
        ({"resource": "https://autre.example/api"}, "invalid_target"),
        ({"resource": "https://orientation.example/api#f"}, "invalid_target"),
        ({"resource": "https://orientation.example/api/"}, "invalid_target"),
    ],
)
def test_a_request_that_breaks_a_rule_is_told_to_the_application(provider, changes, error):
    provider.sign_in()
    response = provider.authorize(**changes)
    assert error_of(response) == error
    assert response.headers["Location"].startswith(CALLBACK + "?")
    assert "code" not in answer_of(response)
    assert answer_of(response)["iss"] == ISSUER
    assert provider.event_names() == ["authorization.refused"]


@pytest.mark.spec("OID-15")
@pytest.mark.parametrize("name", ["scope", "state", "nonce", "unknown_parameter"])
def test_a_parameter_twice_is_refused_even_when_it_says_the_same_or_means_nothing_to_us(provider, name):
    provider.sign_in()
    once = (name, "x") if name == "unknown_parameter" else (name, parameters()[name])
    response = provider.authorize(once, once)
    assert error_of(response) == "invalid_request"


@pytest.mark.spec("OID-10")
def test_a_scope_that_another_client_may_ask_is_refused_to_this_one(provider):
    provider.sign_in()
    answer = provider.authorize(client_id="postant", redirect_uri="https://postant.example/cb", scope="openid rpps")
    assert error_of(answer) == "invalid_scope"


@pytest.mark.spec("OID-07", "OID-15")
def test_the_answer_carries_code_issuer_and_the_state_exactly_as_it_came(provider):
    provider.sign_in()
    answer = answer_of(provider.authorize())
    assert set(answer) == {"code", "state", "iss"}
    assert answer["state"] == parameters()["state"]
    assert answer["iss"] == ISSUER


@pytest.mark.spec("OID-07")
def test_an_answer_without_state_has_none(provider):
    provider.sign_in()
    assert set(answer_of(provider.authorize(state=None))) == {"code", "iss"}


@pytest.mark.spec("OID-02")
def test_the_query_of_a_registered_uri_stays_in_front_of_the_answer(provider):
    provider.sign_in()
    uri = "https://ancien.example/cb?lang=fr"
    response = provider.authorize(client_id="ancien", redirect_uri=uri)
    assert response.headers["Location"].startswith(uri + "&code=")


@pytest.mark.spec("OID-03")
def test_only_a_confidential_client_with_a_written_reason_may_omit_pkce(provider):
    provider.sign_in()
    without = {"code_challenge": None, "code_challenge_method": None}
    legacy = {"client_id": "ancien", "redirect_uri": "https://ancien.example/cb?lang=fr"}
    assert "code" in answer_of(provider.authorize(**legacy, **without))
    public = {"client_id": "suivi", "redirect_uri": "https://suivi.example/app/callback"}
    assert error_of(provider.authorize(**public, **without)) == "invalid_request"


@pytest.mark.spec("OID-03")
def test_a_public_client_may_not_omit_pkce_even_with_a_written_reason(provider):
    clients = provider.clients.clients
    clients["suivi"] = replace(clients["suivi"], legacy_no_pkce_reason="a mistake")
    provider.sign_in()
    public = {"client_id": "suivi", "redirect_uri": "https://suivi.example/app/callback"}
    answer = provider.authorize(**public, code_challenge=None, code_challenge_method=None)
    assert error_of(answer) == "invalid_request"


@pytest.mark.spec("OID-13")
def test_every_answer_is_a_303(provider):
    assert provider.authorize().status_code == 303
    provider.sign_in()
    assert provider.authorize().status_code == 303
    assert provider.authorize(response_type="token").status_code == 303
    assert provider.browser.post("/authorize", data=parameters()).status_code == 303


@pytest.mark.spec("WEB-05")
def test_the_authorization_endpoint_never_answers_another_origin(provider):
    provider.sign_in()
    origin = {"Origin": "https://suivi.example"}
    for response in (
        provider.browser.get("/authorize", query_string=parameters(), headers=origin),
        provider.browser.options("/authorize", headers={**origin, "Access-Control-Request-Method": "GET"}),
        provider.browser.get("/logout", headers=origin),
    ):
        assert not [name for name, _ in response.headers if name.lower().startswith("access-control")]


def test_a_posted_request_becomes_the_same_request_by_get_so_that_our_cookies_come_along(provider):
    provider.sign_in()
    posted = provider.browser.post("/authorize", data=parameters())
    location = urlsplit(posted.headers["Location"])
    assert (location.scheme, location.netloc, location.path) == ("", "", "/authorize")
    assert dict(parse_qsl(location.query)) == parameters()
    assert "code" in answer_of(provider.browser.get(posted.headers["Location"]))


@pytest.mark.spec("OID-15")
def test_a_posted_request_with_line_breaks_stays_one_header(provider):
    posted = provider.browser.post("/authorize", data="state=a\r\nSet-Cookie:+x=y", content_type="text/plain")
    assert posted.status_code in {303, 400}
    assert "x=y" not in str(posted.headers.get("Set-Cookie"))


# ── sessions, prompts, ages ──


def test_without_a_session_the_person_is_sent_to_sign_in_with_the_demand_of_the_application(provider):
    response = provider.authorize(acr_values=f"{OTP_MAIL} unknown", login_hint="camille", ui_locales="de en-GB fr")
    txn = provider.journey.transactions[journey_of(provider, response)]
    assert txn.demand.client_id == "orientation"
    assert txn.demand.acr_values == (OTP_MAIL,)
    assert txn.demand.login_hint == "camille"
    assert txn.demand.ui_locale == "en"
    assert txn.continuation["resume"] == "/authorize/resume/"


@pytest.mark.spec("OID-14")
def test_prompt_none_never_shows_a_page_nor_makes_a_cookie(provider):
    response = provider.authorize(prompt="none")
    assert error_of(response) == "login_required"
    assert "Set-Cookie" not in response.headers
    assert not provider.journey.transactions


@pytest.mark.spec("OID-14")
def test_prompt_none_answers_from_a_good_session_without_extending_it(provider):
    session = provider.sign_in()
    provider.clock.advance(60)
    assert "code" in answer_of(provider.authorize(prompt="none"))
    assert provider.ephemeral.sessions[session.handle].last_used_at == session.last_used_at
    assert "code" in answer_of(provider.authorize())
    assert provider.ephemeral.sessions[session.handle].last_used_at == provider.clock.now()


@pytest.mark.spec("OID-14", "AC-103")
def test_prompt_none_on_an_idle_expired_session_says_login_required(provider):
    provider.sign_in()
    provider.clock.advance(1801)
    assert error_of(provider.authorize(prompt="none")) == "login_required"


@pytest.mark.spec("OID-14", "LOA-04")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"max_age": "0"}, "login_required"),
        ({"max_age": "10"}, "login_required"),
        ({"claims": f'{{"id_token":{{"acr":{{"essential":true,"values":["{OTP_SMS}"]}}}}}}'}, "interaction_required"),
        ({"claims": '{"id_token":{"sub":{"value":"someone-else"}}}'}, "login_required"),
    ],
)
def test_prompt_none_says_what_is_missing(provider, changes, error):
    provider.sign_in()
    provider.clock.advance(60)
    assert error_of(provider.authorize(prompt="none", **changes)) == error


@pytest.mark.spec("OID-14", "LOA-04")
@pytest.mark.parametrize("changes", [{"max_age": "0"}, {"prompt": "login"}, {"prompt": "select_account"}])
def test_a_forced_sign_in_happens_even_when_the_session_is_brand_new_and_counts_no_older_proof(provider, changes):
    provider.sign_in()
    response = provider.authorize(**changes)
    txn = provider.journey.transactions[journey_of(provider, response)]
    assert txn.demand.fresh_since == provider.clock.now()
    assert provider.journey.lent is None or not provider.journey.lent.evidence


@pytest.mark.spec("LOA-04")
def test_max_age_accepts_a_proof_of_exactly_that_age_and_none_older(provider):
    provider.sign_in()
    provider.clock.advance(600)
    assert "code" in answer_of(provider.authorize(max_age="600"))
    provider.clock.advance(1)
    journey_of(provider, provider.authorize(max_age="600"))


@pytest.mark.spec("OID-14")
def test_another_account_starts_from_nothing_that_this_one_proved(provider):
    provider.sign_in()
    journey_of(provider, provider.authorize(prompt="select_account"))
    assert provider.journey.lent is None


@pytest.mark.parametrize("display", ["page", "popup", "touch"])
def test_every_display_is_served_by_the_same_page(provider, display):
    journey_of(provider, provider.authorize(display=display))


@pytest.mark.spec("OID-14")
@pytest.mark.parametrize("later", [0, 1])
def test_silently_asked_again_is_a_sign_in_that_is_missing_even_in_the_instant_of_the_last_one(provider, later):
    provider.sign_in()
    provider.clock.advance(later)
    assert error_of(provider.authorize(max_age="0", prompt="none")) == "login_required"


@pytest.mark.spec("TOK-04")
def test_a_resource_may_come_twice_when_it_is_the_clients_own(provider):
    provider.sign_in()
    own = ("resource", "https://orientation.example/api")
    assert "code" in answer_of(provider.authorize(own, own))
    assert error_of(provider.authorize(own, ("resource", "https://autre.example/api"))) == "invalid_target"


@pytest.mark.spec("OID-10", "TOK-07")
def test_a_claim_asked_by_name_for_userinfo_is_given_there_alone_and_only_within_the_clients_scopes(provider):
    claims = '{"userinfo": {"email": {"essential": true}, "rpps": null, "roles": null, "nothing": null}}'
    tokens = provider.tokens(scope="openid", claims=claims)
    assert "email" not in claims_of(tokens["id_token"])
    said = json_of(provider.userinfo(tokens["access_token"]))
    assert (said["email"], said["rpps"]) == ("camille@exemple.example", "99900000003")
    assert not {"name", "roles", "nothing"} & set(said)
    clients = provider.clients.clients
    clients["orientation"] = replace(clients["orientation"], scopes=frozenset({"openid"}))
    assert set(json_of(provider.userinfo(tokens["access_token"]))) == {"sub"}


def test_a_person_named_by_the_claims_for_userinfo_is_the_only_one_the_answer_may_be_about(provider):
    session = provider.sign_in()
    asked = f'{{"userinfo": {{"sub": {{"value": "{session.account_id}"}}}}}}'
    assert "code" in answer_of(provider.authorize(prompt="none", claims=asked))
    other = asked.replace(session.account_id, "someone-else")
    assert error_of(provider.authorize(prompt="none", claims=other)) == "login_required"


@pytest.mark.spec("OID-14")
def test_a_login_hint_with_control_characters_is_dropped(provider):
    response = provider.authorize(login_hint="a\r\nb")
    assert provider.journey.transactions[journey_of(provider, response)].demand.login_hint is None


# ── levels ──


@pytest.mark.spec("LOA-04")
def test_an_essential_level_that_nobody_can_reach_is_an_error_at_once(provider):
    provider.sign_in()
    claims = '{"id_token":{"acr":{"essential":true,"values":["urn:example:unknown"]}}}'
    assert error_of(provider.authorize(claims=claims)) == "unmet_authentication_requirements"


@pytest.mark.spec("LOA-04")
def test_an_essential_level_above_the_session_asks_the_person_for_more(provider):
    session = provider.sign_in(Means.PASSWORD)
    claims = f'{{"id_token":{{"acr":{{"essential":true,"values":["{OTP_MAIL}"]}}}}}}'
    response = provider.authorize(claims=claims)
    demand = provider.journey.transactions[journey_of(provider, response)].demand
    assert (demand.acr_values, demand.acr_essential) == ((OTP_MAIL,), True)
    assert provider.journey.lent is not None
    assert provider.journey.lent.sid == session.sid


@pytest.mark.spec("LOA-04")
def test_the_clients_own_minimum_holds_whatever_the_gate_says(provider):
    clients = provider.clients.clients
    clients["orientation"] = replace(clients["orientation"], min_acr=OTP_SMS)
    provider.sign_in()
    provider.gate.says_enough = True
    response = provider.authorize()
    assert provider.journey.transactions[journey_of(provider, response)].demand.min_acr == OTP_SMS


@pytest.mark.spec("LOA-01")
def test_what_a_request_asks_never_raises_what_the_tokens_say(provider):
    provider.sign_in(Means.PASSWORD)
    provider.gate.says_enough = True
    tokens = provider.tokens(acr_values=OTP_SMS, claims=f'{{"id_token":{{"acr":{{"value":"{OTP_SMS}"}}}}}}')
    for token in (tokens["id_token"], tokens["access_token"]):
        assert claims_of(token)["acr"] == PWD
        assert claims_of(token)["amr"] == ["pwd"]


# ── who, and where ──


def test_an_id_token_hint_of_someone_else_does_not_accept_this_session(provider):
    provider.sign_in()
    hint = provider.tokens()["id_token"]
    provider.sign_in(account_id="another-account")
    assert error_of(provider.authorize(prompt="none", id_token_hint=hint)) == "login_required"
    journey_of(provider, provider.authorize(id_token_hint=hint))
    assert provider.journey.lent is None


@pytest.mark.spec("TOK-03")
def test_an_access_token_or_another_clients_id_token_is_no_hint(provider):
    provider.sign_in()
    tokens = provider.tokens()
    assert error_of(provider.authorize(id_token_hint=tokens["access_token"])) == "invalid_request"
    other = {"client_id": "autre", "redirect_uri": "https://autre.example/callback"}
    assert error_of(provider.authorize(**other, id_token_hint=tokens["id_token"])) == "invalid_request"


def test_an_expired_hint_still_names_its_person(provider):
    provider.sign_in()
    hint = provider.tokens()["id_token"]
    provider.clock.advance(1000)
    assert "code" in answer_of(provider.authorize(id_token_hint=hint))


def test_a_structure_that_the_person_does_not_hold_is_refused(provider):
    provider.sign_in()
    assert error_of(provider.authorize(structure="fineg:999999999")) == "access_denied"


def test_the_requested_structure_is_the_active_one(provider):
    provider.people.structures = [structure(1), structure(2, roles=("msph.stats",))]
    provider.sign_in()
    tokens = provider.tokens(structure="fineg:990000002")
    assert claims_of(tokens["access_token"])["structure"] == {"id": "fineg:990000002"}
    assert claims_of(tokens["access_token"])["roles"] == ["msph.stats"]


def test_several_structures_and_no_wish_ask_the_person_and_prompt_none_says_so(provider):
    provider.people.structures = [structure(1), structure(2)]
    provider.sign_in()
    assert error_of(provider.authorize(prompt="none")) == "interaction_required"
    journey_of(provider, provider.authorize())


def test_the_structure_of_the_session_is_kept_for_the_next_application(provider):
    provider.people.structures = [structure(1), structure(2)]
    provider.sign_in()
    provider.code(structure="fineg:990000002")
    claims = claims_of(provider.tokens()["access_token"])
    assert claims["structure"] == {"id": "fineg:990000002"}


@pytest.mark.spec("OID-04")
def test_a_session_that_ends_at_that_very_moment_gets_no_code(provider):
    session = provider.sign_in()
    remembered = provider.gate.is_enough

    def ends(*arguments) -> bool:
        provider.ephemeral.sessions.pop(session.handle, None)
        return remembered(*arguments)

    provider.gate.is_enough = ends
    assert error_of(provider.authorize()) == "login_required"
    assert not provider.ephemeral.codes


# ── the way back from the sign-in pages ──


def resume(provider, handle):
    return provider.browser.get(f"/authorize/resume/{handle}")


def test_after_the_journey_the_code_is_issued_for_the_new_session(provider):
    handle = journey_of(provider, provider.authorize())
    session = provider.sign_in()
    answer = answer_of(resume(provider, handle))
    assert answer["state"] == parameters()["state"]
    assert provider.ephemeral.codes[answer["code"]][0].sid == session.sid


def test_a_journey_is_resumed_once(provider):
    handle = journey_of(provider, provider.authorize())
    provider.sign_in()
    assert "code" in answer_of(resume(provider, handle))
    assert_local_page(resume(provider, handle))


@pytest.mark.parametrize("handle", ["unknown", "0" * 500, "%00", "..%2f", "é"])
def test_an_unknown_journey_gets_a_page(provider, handle):
    provider.sign_in()
    response = resume(provider, handle)
    assert response.status_code in {400, 404}
    assert "Location" not in response.headers


def test_a_journey_of_another_browser_gets_a_page(provider):
    handle = journey_of(provider, provider.authorize())
    provider.browser.delete_cookie("__Host-browser")
    provider.sign_in()
    assert_local_page(resume(provider, handle))


@pytest.mark.spec("LOA-04")
def test_the_journeys_word_is_not_taken_the_session_is_judged_again(provider):
    claims = f'{{"id_token":{{"acr":{{"essential":true,"values":["{OTP_SMS}"]}}}}}}'
    handle = journey_of(provider, provider.authorize(claims=claims))
    provider.sign_in()
    provider.gate.says_enough = True
    assert error_of(resume(provider, handle)) == "unmet_authentication_requirements"


@pytest.mark.spec("OID-14", "LOA-04")
def test_after_a_forced_journey_an_older_proof_is_not_enough(provider):
    provider.sign_in()
    provider.clock.advance(5)
    handle = journey_of(provider, provider.authorize(max_age="0"))
    assert error_of(resume(provider, handle)) == "login_required"


def test_after_the_journey_a_fresh_proof_is_enough(provider):
    handle = journey_of(provider, provider.authorize(max_age="0"))
    provider.clock.advance(20)
    provider.sign_in()
    assert "code" in answer_of(resume(provider, handle))


@pytest.mark.parametrize("refusal", ["access_denied", "unmet_authentication_requirements"])
def test_a_refused_journey_tells_the_application(provider, refusal):
    handle = journey_of(provider, provider.authorize())
    provider.journey.amend(handle, refusal=refusal)
    response = resume(provider, handle)
    assert error_of(response) == refusal
    assert answer_of(response)["state"] == parameters()["state"]


@pytest.mark.spec("WEB-04", "OID-15")
def test_a_redirect_uri_withdrawn_during_the_journey_is_not_followed(provider):
    handle = journey_of(provider, provider.authorize())
    clients = provider.clients.clients
    clients["orientation"] = replace(clients["orientation"], redirect_uris=("https://orientation.example/new",))
    provider.sign_in()
    assert_local_page(resume(provider, handle))


def test_a_journey_that_no_application_opened_gets_a_page(provider):
    handle = journey_of(provider, provider.authorize())
    provider.journey.amend(handle, continuation={"resume": "/"})
    provider.sign_in()
    assert_local_page(resume(provider, handle))


def test_a_journey_that_ends_as_another_person_than_the_hint_is_an_error(provider):
    provider.sign_in()
    hint = provider.tokens()["id_token"]
    provider.ephemeral.sessions.clear()
    handle = journey_of(provider, provider.authorize(id_token_hint=hint))
    provider.sign_in(account_id="another-account")
    assert error_of(resume(provider, handle)) == "login_required"


def test_the_structure_chosen_in_the_journey_is_the_active_one(provider):
    provider.people.structures = [structure(1), structure(2)]
    handle = journey_of(provider, provider.authorize())
    provider.journey.amend(handle, chosen_structure="fineg:990000002")
    provider.sign_in()
    code = answer_of(resume(provider, handle))["code"]
    assert provider.ephemeral.codes[code][0].structure == "fineg:990000002"


# ── anything at all ──

NAMES = [
    *parameters(), "prompt", "max_age", "claims", "acr_values", "structure", "login_hint", "request", "resource",
    "request_uri", "response_mode", "display", "registration",
]  # fmt: skip
odd_text = st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from(
    ["none", "login", "0", "code", "S256", CALLBACK, "orientation", "{}", "null", "\r\nLocation: https://evil.example"]
)


@pytest.mark.spec("OID-02", "OID-15", "WEB-04")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changed=st.lists(st.tuples(st.sampled_from(NAMES), odd_text), max_size=4), keep=st.booleans())
def test_no_request_leads_to_a_server_error_or_to_an_unknown_place(provider, changed, keep):
    provider.ephemeral.sessions.clear()
    provider.sign_in()
    kept = [] if not keep else [pair for pair in parameters().items() if pair[0] not in dict(changed)]
    response = provider.browser.get(f"/authorize?{urlencode([*kept, *changed])}")
    assert response.status_code in {303, 400}
    if response.status_code == 303:
        location = response.headers["Location"]
        assert location.startswith((CALLBACK + "?", "/signin/"))
        assert len(response.headers.getlist("Location")) == 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.binary(max_size=40).map(quote) | st.text(string.printable, max_size=80))
def test_no_query_string_leads_to_a_server_error(provider, query):
    response = provider.browser.get("/authorize", environ_overrides={"QUERY_STRING": query})
    assert response.status_code in {303, 400}


@pytest.mark.spec("SES-07")
def test_an_application_is_in_the_session_before_it_has_a_code_of_it(provider, monkeypatch):
    """A sign-in in another tab may take the session over as soon as the code is there: what it takes over must name everybody
    who is to be told of the end."""
    issue = provider.ephemeral.issue
    joined = []

    def watched(code, effects):
        (session,) = provider.ephemeral.sessions.values()
        joined.append(session.clients)
        return issue(code, effects)

    provider.sign_in()
    monkeypatch.setattr(provider.ephemeral, "issue", watched)
    assert answer_of(provider.authorize())["code"]
    assert joined == [("orientation",)]
