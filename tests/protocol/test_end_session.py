"""GET and POST /logout."""

import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.keys.rotation import new_key
from gateway.keys.signing_key import Algorithm, KeyState
from gateway.randomness import system_randomness
from tests.protocol.provider import ACCOUNT, AFTER_LOGOUT, ISSUER, Provider, claims_of


def logout(provider: Provider, **parameters: str):
    return provider.browser.get("/logout", query_string=parameters)


def confirm(provider: Provider, page):
    """Presses the button of the confirmation page."""
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.get_data(as_text=True)))
    return provider.browser.post("/logout", data=fields)


def assert_asks(provider: Provider, response) -> None:
    assert response.status_code == 200
    assert "form_token" in response.get_data(as_text=True)
    assert provider.ephemeral.sessions


@pytest.mark.spec("SES-06")
def test_a_hint_of_this_session_ends_it_at_once_and_leads_back(provider):
    hint = provider.tokens()["id_token"]
    response = logout(provider, id_token_hint=hint, post_logout_redirect_uri=AFTER_LOGOUT, state="s&t=é")
    assert response.status_code == 303
    assert response.headers["Location"] == AFTER_LOGOUT + "?state=s%26t%3D%C3%A9"
    assert not provider.ephemeral.sessions
    assert "__Host-session=;" in response.headers["Set-Cookie"]
    assert "logout.requested" in provider.event_names()


@pytest.mark.spec("SES-06")
def test_an_expired_hint_is_as_good(provider):
    hint = provider.tokens()["id_token"]
    provider.clock.advance(1000)
    assert logout(provider, id_token_hint=hint).status_code == 200
    assert not provider.ephemeral.sessions


def test_a_hint_signed_with_a_key_that_another_node_brought_is_known_within_seconds(provider):
    provider.sign_in()
    other = Provider()
    key = new_key(Algorithm.ES256, KeyState.ACTIVE, now=0.0, randomness=system_randomness)
    other.keys.keys = {key.kid: key}
    session = next(iter(provider.ephemeral.sessions.values()))
    claims = {"iss": ISSUER, "aud": "orientation", "sub": ACCOUNT, "sid": session.sid, "iat": 1, "exp": 2}
    hint = other.signer.sign(claims, typ="JWT", algorithm=Algorithm.ES256)
    assert_asks(provider, logout(provider, id_token_hint=hint))
    provider.keys.keys[key.kid] = replace(key, state=KeyState.STAGED)
    provider.keys.moved += 1
    provider.clock.advance(5)
    assert logout(provider, id_token_hint=hint).status_code == 200
    assert not provider.ephemeral.sessions


@pytest.mark.spec("SES-06")
def test_without_a_hint_the_person_is_asked_and_nothing_ends(provider):
    provider.sign_in()
    assert_asks(provider, logout(provider))
    assert_asks(provider, logout(provider, client_id="orientation"))


@pytest.mark.spec("SES-06")
def test_after_the_confirmation_the_session_ends_and_the_way_back_is_kept(provider):
    provider.sign_in()
    page = logout(provider, client_id="orientation", post_logout_redirect_uri=AFTER_LOGOUT, state="x")
    assert_asks(provider, page)
    response = confirm(provider, page)
    assert response.status_code == 303
    assert response.headers["Location"] == AFTER_LOGOUT + "?state=x"
    assert not provider.ephemeral.sessions


@pytest.mark.spec("SES-06")
@pytest.mark.parametrize("token", ["", "x" * 43, "é"])
def test_a_confirmation_without_our_form_token_ends_nothing(provider, token):
    provider.sign_in()
    logout(provider)
    assert provider.browser.post("/logout", data={"form_token": token}).status_code == 403
    assert provider.ephemeral.sessions


@pytest.mark.spec("SES-06")
def test_a_confirmation_from_another_site_ends_nothing(provider):
    provider.sign_in()
    page = logout(provider).get_data(as_text=True)
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page))
    response = provider.browser.post("/logout", data=fields, headers={"Origin": "https://evil.example"})
    assert response.status_code == 403
    assert provider.ephemeral.sessions


@pytest.mark.spec("SES-06")
def test_a_hint_of_another_session_of_the_same_person_asks(provider):
    hint = provider.tokens()["id_token"]
    provider.sign_in()
    assert_asks(provider, logout(provider, id_token_hint=hint, post_logout_redirect_uri=AFTER_LOGOUT))
    assert len(provider.ephemeral.sessions) == 2


@pytest.mark.spec("SES-06")
def test_what_is_not_an_id_token_of_ours_is_as_good_as_nothing(provider):
    answer = provider.tokens()
    body, _, signature = answer["id_token"].rpartition(".")
    tampered = f"{body}.{signature[:-8]}AAAAAAAA"
    elsewhere = provider.signer.sign(
        claims_of(answer["id_token"]) | {"iss": "https://evil.example"}, typ="JWT", algorithm=Algorithm.ES256
    )
    for hint in ("x", "a.b.c", tampered, elsewhere, answer["access_token"], "x" * 20_000):
        assert_asks(provider, logout(provider, id_token_hint=hint))


@pytest.mark.spec("SES-06", "WEB-04")
@pytest.mark.parametrize(
    "uri",
    [
        AFTER_LOGOUT + "/",
        AFTER_LOGOUT + "?x=y",
        AFTER_LOGOUT.upper(),
        "https://evil.example",
        "https://orientation.example/callback",
        "javascript:alert(1)",
        "//evil.example",
        "/local",
    ],
)
def test_an_unregistered_way_back_is_a_page_and_ends_nothing(provider, uri):
    hint = provider.tokens()["id_token"]
    for parameters in ({"id_token_hint": hint}, {"client_id": "orientation"}):
        response = logout(provider, **parameters, post_logout_redirect_uri=uri)
        assert response.status_code == 400
        assert "Location" not in response.headers
    assert provider.ephemeral.sessions


@pytest.mark.spec("WEB-04")
def test_without_an_identified_client_there_is_no_way_back(provider):
    provider.sign_in()
    page = logout(provider, post_logout_redirect_uri=AFTER_LOGOUT)
    assert_asks(provider, page)
    assert confirm(provider, page).status_code == 200


@pytest.mark.parametrize("client_id", ["autre", "unknown"])
def test_a_client_id_that_is_not_the_hints_audience_is_refused(provider, client_id):
    hint = provider.tokens()["id_token"]
    assert logout(provider, id_token_hint=hint, client_id=client_id).status_code == 400
    assert provider.ephemeral.sessions


@pytest.mark.parametrize("parameters", ["state=a&state=b", "client_id=%ff", "state=" + "x" * 3000])
def test_malformed_requests_are_a_page(provider, parameters):
    provider.sign_in()
    assert provider.browser.get(f"/logout?{parameters}").status_code == 400
    assert provider.ephemeral.sessions


def test_without_a_session_only_a_valid_hint_leads_back(provider):
    hint = provider.tokens()["id_token"]
    provider.ephemeral.sessions.clear()
    back = {"post_logout_redirect_uri": AFTER_LOGOUT}
    assert logout(provider, id_token_hint=hint, **back).headers["Location"] == AFTER_LOGOUT
    assert logout(provider, client_id="orientation", **back).status_code == 200


def test_a_flood_without_a_session_does_not_fill_the_journal(provider):
    for _ in range(310):
        logout(provider, client_id="orientation")
    assert provider.event_names().count("logout.requested") == 301
    provider.sign_in()
    logout(provider, client_id="orientation")
    assert provider.event_names().count("logout.requested") == 302, "of somebody who is here"


def test_a_request_posted_by_an_application_becomes_the_same_by_get(provider):
    hint = provider.tokens()["id_token"]
    posted = provider.browser.post("/logout", data={"id_token_hint": hint}, headers={"Origin": "https://o.example"})
    assert posted.status_code == 303
    assert posted.headers["Location"].startswith("/logout?id_token_hint=")
    assert provider.ephemeral.sessions
    assert provider.browser.get(posted.headers["Location"]).status_code == 200
    assert not provider.ephemeral.sessions


def test_what_a_posted_request_holds_beside_its_parameters_does_not_go_into_an_address(provider):
    """Applications written for Keycloak post their secret and their refresh token there: addresses are in logs."""
    provider.sign_in()
    posted = provider.browser.post(
        "/logout",
        data={"client_id": "orientation", "state": "s", "client_secret": "of-theirs", "refresh_token": "of-hers"},
    )
    assert posted.headers["Location"] == "/logout?client_id=orientation&state=s"
    assert_asks(provider, provider.browser.get(posted.headers["Location"]))


def test_codes_and_tokens_die_with_the_session(provider):
    answer = provider.tokens()
    code = provider.code()
    logout(provider, id_token_hint=answer["id_token"])
    assert provider.userinfo(answer["access_token"]).status == 401
    assert provider.token(code=code).status == 400


NAMES = ["id_token_hint", "client_id", "post_logout_redirect_uri", "state", "form_token", "x"]


@pytest.mark.spec("WEB-04")
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fields=st.dictionaries(
        st.sampled_from(NAMES),
        st.text(st.characters(codec="utf-8"), max_size=30)
        | st.sampled_from(["orientation", AFTER_LOGOUT, "https://evil.example"]),
    )
)
def test_no_logout_request_leads_to_a_server_error_or_to_an_unknown_place(provider, fields):
    for response in (
        provider.browser.get("/logout", query_string=fields),
        provider.browser.post("/logout", data=fields),
    ):
        assert response.status_code in {200, 303, 400, 403}
        assert response.headers.get("Location", "/logout").startswith(("/logout", AFTER_LOGOUT))
