"""Applications installed on people's own devices (RFC 8252): answered on whatever port their system gave them, no more."""

import re
from dataclasses import replace
from html import escape, unescape
from urllib.parse import parse_qsl, urlsplit

import pytest

from gateway.applications.client import ClientAuthenticationMethod, ResponseMode
from tests.protocol import signed_requests
from tests.protocol.provider import (
    ACCOUNT,
    VERIFIER,
    Provider,
    answer_of,
    client,
    error_of,
    json_of,
    parameters,
    public_key,
)
from tests.protocol.test_authorization import journey_of, resume

FOUR, SIX, CLAIMED = "http://127.0.0.1/callback", "http://[::1]/callback?lang=fr", "https://bureau.example/callback"
ON_A_PORT = ("http://127.0.0.1:49152/callback", "http://[::1]:49153/callback?lang=fr")
DESKTOP = client(
    "bureau",
    redirect_uris=(FOUR, SIX, CLAIMED),
    authentication_method=ClientAuthenticationMethod.NONE,
    native=True,
    refresh_tokens=True,
    response_modes=(ResponseMode.QUERY, ResponseMode.FORM_POST),
    keys=(public_key("ES256"),),
)
ASKS = {"client_id": "bureau", "scope": "openid"}
ALTERED = (
    "http://localhost:49152/callback", "http://localhost/callback", "https://127.0.0.1:49152/callback", "http://127.0.0.2:49152/callback",
    "http://127.1:49152/callback", "http://2130706433:49152/callback", "http://0.0.0.0:49152/callback", "http://127.0.0.1.:49152/callback",
    "http://127.0.0.1:49152/Callback", "http://127.0.0.1:49152/callback/", "http://127.0.0.1:49152//callback",
    "http://127.0.0.1:49152/callback?", "http://127.0.0.1:49152/callback?lang=fr", "http://127.0.0.1:49152/callback#",
    "http://127.0.0.1:49152", "http://127.0.0.1:49152/", "http://127.0.0.1:49152/x/../callback", "http://127.0.0.1:/callback",
    "http://127.0.0.1:0/callback", "http://127.0.0.1:049152/callback", "http://127.0.0.1:65536/callback",
    "http://127.0.0.1:999999/callback", "http://127.0.0.1:-1/callback", "http://127.0.0.1:+80/callback", "http://127.0.0.1:*/callback",
    "http://127.0.0.1:٨٠/callback", "http://127.0.0.1:80:80/callback", "http://127.0.0.1:80 /callback", "http://127.0.0.1:80\\/callback",
    "http://127.0.0.1:80@evil.example/callback", "http://me@127.0.0.1:80/callback", "http://127.0.0.1:80#@evil.example/callback",
    "http://127.0.0.1:80?/callback", "http://127.0.0.1:80/callback\n", " http://127.0.0.1:80/callback", "HTTP://127.0.0.1:80/callback",
    "http://evil.example:80/callback", "http://[::1]:49153/callback", "http://[0:0:0:0:0:0:0:1]:49153/callback?lang=fr",
    "http://[::ffff:127.0.0.1]:49153/callback", "http://::1:49153/callback?lang=fr", "https://bureau.example:443/callback",
    "https://bureau.example:8443/callback", "fr.example.bureau:/callback", "ws://127.0.0.1:80/callback",
)  # fmt: skip


@pytest.fixture
def provider() -> Provider:
    made = Provider()
    made.clients.clients["bureau"] = DESKTOP
    return made


def agreed(provider: Provider, response) -> object:
    """The person is asked, and says that it is her program."""
    handle = journey_of(provider, response)
    provider.journey.amend(handle, agreed_by=ACCOUNT)
    if not provider.ephemeral.sessions:
        provider.sign_in()
    (session,) = provider.ephemeral.sessions.values()
    provider.ephemeral.sessions[session.handle] = replace(session, agreed=("bureau openid",))
    return resume(provider, handle)


def address_of(answer) -> str:
    """Where the browser goes: by a redirect, or by the page that leads to an address in brackets."""
    if answer.status_code == 303:
        return answer.headers["Location"]
    (refresh,) = re.findall(r'http-equiv="refresh" content="0; url=([^"]+)"', answer.get_data(as_text=True))
    return unescape(refresh)


def told(answer) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address_of(answer)).query, keep_blank_values=True))


def code_for(provider: Provider, redirect_uri: str) -> str:
    answered = agreed(provider, provider.authorize(**ASKS, redirect_uri=redirect_uri))
    assert address_of(answered).startswith(redirect_uri)
    return told(answered)["code"]


@pytest.mark.spec("OID-02", "RFC 8252 §7.3")
@pytest.mark.parametrize(
    "redirect_uri", [*ON_A_PORT, FOUR, SIX, "http://127.0.0.1:1/callback", "http://127.0.0.1:65535/callback"]
)
def test_the_answer_comes_to_the_port_that_was_asked_and_is_redeemed_with_it(provider, redirect_uri):
    code = code_for(provider, redirect_uri)
    answer = json_of(provider.token(code=code, client_id="bureau", redirect_uri=redirect_uri))
    assert {"access_token", "refresh_token"} <= set(answer)


@pytest.mark.spec("OID-02", "OID-04", "RFC 8252 §7.3")
@pytest.mark.parametrize("redirect_uri", ["http://127.0.0.1:49153/callback", FOUR, CLAIMED])
def test_a_code_is_for_the_very_port_that_it_was_sent_to(provider, redirect_uri):
    code = code_for(provider, ON_A_PORT[0])
    refused = provider.token(code=code, client_id="bureau", redirect_uri=redirect_uri)
    assert json_of(refused)["error"] == "invalid_grant"
    assert json_of(provider.token(code=code, client_id="bureau", redirect_uri=ON_A_PORT[0]))["error"] == "invalid_grant"


def pushed(provider: Provider, **changes: str | None):
    """By an application that proves nothing but its name."""
    return provider.push(**{**ASKS, **changes})


def signed(provider: Provider, **changes: str) -> dict[str, str | None]:
    held = signed_requests.members(provider, **{**ASKS, "iss": "bureau", **changes})
    return {**signed_requests.sent(signed_requests.signed(held)), "client_id": "bureau"}


@pytest.mark.spec("OID-02", "OID-06", "RFC 8252 §7.3")
def test_a_pushed_or_signed_request_may_name_any_port_too(provider):
    request_uri = json_of(pushed(provider, redirect_uri=ON_A_PORT[0]))["request_uri"]
    beside = {**dict.fromkeys(parameters()), "client_id": "bureau", "request_uri": request_uri}
    assert agreed(provider, provider.authorize(**beside)).headers["Location"].startswith(f"{ON_A_PORT[0]}?")
    by_value = signed(provider, redirect_uri=ON_A_PORT[1])
    assert address_of(agreed(provider, provider.authorize(**by_value))).startswith(f"{ON_A_PORT[1]}&")
    assert "request_uri" in json_of(provider.push(**by_value))


@pytest.mark.spec("OID-02", "AC-091", "RFC 8252 §7.3")
@pytest.mark.parametrize("redirect_uri", ALTERED, ids=repr)
def test_nothing_but_the_port_may_be_another(provider, redirect_uri):
    provider.sign_in()
    for request in (
        {**ASKS, "redirect_uri": redirect_uri},
        {**ASKS, "redirect_uri": redirect_uri, "prompt": "none"},
        signed(provider, redirect_uri=redirect_uri),
    ):
        response = provider.authorize(**request)
        assert response.status_code == 400
        assert "Location" not in response.headers
        assert json_of(provider.push(**request))["error"] == "invalid_request"
    assert provider.journey.transactions == {}
    assert provider.ephemeral.pushed == {}


@pytest.mark.spec("OID-02", "RFC 8252 §7.3")
@pytest.mark.parametrize("method", ClientAuthenticationMethod)
def test_the_port_is_compared_for_every_application_that_is_not_declared_native(provider, method):
    made = client("bureau", redirect_uris=(FOUR, SIX), authentication_method=method)
    provider.clients.clients["bureau"] = made
    for redirect_uri in ON_A_PORT:
        assert provider.authorize(**ASKS, redirect_uri=redirect_uri).status_code == 400
    assert provider.authorize(**ASKS, redirect_uri=FOUR).status_code == 303


def test_a_file_that_is_no_longer_native_ends_a_journey_on_a_page(provider):
    handle = journey_of(provider, provider.authorize(**ASKS, redirect_uri=ON_A_PORT[0]))
    provider.clients.clients["bureau"] = client("bureau", redirect_uris=(FOUR,))
    provider.sign_in()
    response = resume(provider, handle)
    assert (response.status_code, "Location" in response.headers) == (400, False)


@pytest.mark.spec("OID-17", "OID-14", "RFC 8252 §8.6")
def test_whoever_listens_on_a_port_gets_nothing_silently(provider):
    """Another program of the same computer may say that it is this one: a session alone is not enough."""
    provider.sign_in()
    for redirect_uri in (*ON_A_PORT, FOUR):
        assert told(provider.authorize(**ASKS, redirect_uri=redirect_uri, prompt="none"))["error"] == "consent_required"
        handle = journey_of(provider, provider.authorize(**ASKS, redirect_uri=redirect_uri))
        assert told(resume(provider, handle))["error"] == "consent_required"
        code_for(provider, redirect_uri)
        journey_of(provider, provider.authorize(**ASKS, redirect_uri=redirect_uri))  # asked again
    assert "code" in answer_of(provider.authorize(**ASKS, redirect_uri=CLAIMED, prompt="none"))


@pytest.mark.spec("WEB-05")
def test_no_page_on_a_loopback_port_reads_our_answers(provider):
    for origin in ("http://127.0.0.1", "http://127.0.0.1:49152", "http://[::1]", "https://bureau.example"):
        answer = provider.machine("POST", "/token", origin=origin, content_type="text/plain")
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.spec("WEB-01", "RFC 8252 §7.3")
def test_an_answer_by_form_post_goes_to_that_port(provider):
    asked = provider.authorize(**ASKS, redirect_uri=ON_A_PORT[0], response_mode="form_post")
    page = agreed(provider, asked)
    assert page.status_code == 200
    (action,) = re.findall(r'<form method="post" action="([^"]*)"', page.get_data(as_text=True))
    assert unescape(action) == ON_A_PORT[0]
    policy = dict(part.split(" ", 1) for part in page.headers["Content-Security-Policy"].split("; "))
    assert policy["form-action"].split() == ["'self'", "http://127.0.0.1:*", "https://bureau.example"]


@pytest.mark.spec("WEB-01", "RFC 8252 §7.3")
@pytest.mark.parametrize("prompt", [None, "none"])
def test_to_an_address_in_brackets_a_page_leads_since_no_policy_can_name_it(provider, prompt):
    """A redirect after the form of a sign-in would be blocked by Chromium."""
    provider.sign_in()
    asked = provider.authorize(**ASKS, redirect_uri=ON_A_PORT[1], prompt=prompt)
    page = asked if prompt else agreed(provider, asked)
    assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-store")
    html = page.get_data(as_text=True)
    assert f'<a class="button" href="{escape(address_of(page))}">' in html
    assert address_of(page).startswith(f"{ON_A_PORT[1]}&")
    answer = told(page)
    assert answer["state"] == parameters()["state"]
    assert answer.get("error") == ("consent_required" if prompt else None)
    assert ("code" in answer) is (prompt is None)


@pytest.mark.spec("OID-03", "RFC 8252 §8.1")
def test_it_never_does_without_pkce(provider):
    provider.sign_in()
    for changes in ({"code_challenge": None, "code_challenge_method": None}, {"code_challenge_method": "plain"}):
        assert error_of(provider.authorize(**{**ASKS, "redirect_uri": ON_A_PORT[0], **changes})) == "invalid_request"
    code = code_for(provider, ON_A_PORT[0])
    fields = {"code": code, "client_id": "bureau", "redirect_uri": ON_A_PORT[0]}
    assert json_of(provider.token(**fields, code_verifier=VERIFIER[:-1] + "w"))["error"] == "invalid_grant"
