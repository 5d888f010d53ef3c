"""Answers by form_post (OAuth 2.0 Form Post Response Mode): a page with one button, for the application alone."""

import re
from dataclasses import replace
from html import unescape

import pytest

from gateway.applications.client import ResponseMode
from tests.protocol.provider import ISSUER, Provider, answer_of, error_of, parameters
from tests.protocol.test_authorization import journey_of, resume

CALLBACK = "https://forme.example/cb?lang=fr"


def ask(provider: Provider, **changes: str | None):
    return provider.authorize(
        **{"client_id": "forme", "redirect_uri": CALLBACK, "response_mode": "form_post", **changes}
    )


def posted(response) -> dict[str, str]:
    """The form of the page: where it goes is judged here, what it holds is given back."""
    assert response.status_code == 200
    assert response.content_type.startswith("text/html")
    assert "Location" not in response.headers
    html = response.get_data(as_text=True)
    forms = re.findall(r'<form method="post" action="([^"]*)"', html)
    assert [unescape(action) for action in forms] == [CALLBACK]
    assert "<button" in html
    hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', html)
    return {name: unescape(value) for name, value in hidden}


@pytest.mark.spec("OID-07", "OID-15")
def test_the_answer_is_a_form_with_code_state_and_issuer(provider):
    provider.sign_in()
    answer = posted(ask(provider))
    assert set(answer) == {"code", "state", "iss"}
    assert (answer["state"], answer["iss"]) == (parameters()["state"], ISSUER)
    assert provider.ephemeral.codes[answer["code"]][0].redirect_uri == CALLBACK


@pytest.mark.spec("WEB-01")
def test_its_page_may_post_to_the_application_alone_and_is_never_kept(provider):
    provider.sign_in()
    response = ask(provider)
    policy = dict(part.split(" ", 1) for part in response.headers["Content-Security-Policy"].split("; "))
    assert policy["form-action"] == "'self' https://forme.example"
    assert (policy["default-src"], policy["frame-ancestors"]) == ("'none'", "'none'")
    assert "unsafe" not in str(policy)
    assert response.headers["Cache-Control"] == "no-store"
    html = response.get_data(as_text=True)
    script = re.search(r'<script type="module" src="(/assets/form_post\.[0-9a-f]+\.js)" nonce="[^"]+">', html)
    assert script is not None
    assert provider.browser.get(script[1]).status_code == 200
    assert "ui_locales" not in html


@pytest.mark.spec("OID-15")
def test_what_the_application_sent_is_text_in_the_page(provider):
    provider.sign_in()
    state = "\"><script>alert(1)</script>'&amp;é"
    response = ask(provider, state=state)
    assert posted(response)["state"] == state
    assert "<script>alert" not in response.get_data(as_text=True)


def test_refusals_travel_the_same_way(provider):
    assert posted(ask(provider, prompt="none"))["error"] == "login_required"
    provider.sign_in()
    refused = posted(ask(provider, scope="openid stranger"))
    assert (refused["error"], refused["iss"]) == ("invalid_scope", ISSUER)
    assert "code" not in refused


def test_after_the_journey_the_answer_is_posted_too(provider):
    handle = journey_of(provider, ask(provider))
    provider.sign_in()
    assert "code" in posted(resume(provider, handle))


@pytest.mark.spec("OID-10")
def test_a_client_answers_only_in_the_modes_of_its_file(provider):
    provider.sign_in()
    assert error_of(provider.authorize(response_mode="form_post")) == "invalid_request"
    assert "code" in answer_of(ask(provider, response_mode=None))
    clients = provider.clients.clients
    clients["forme"] = replace(clients["forme"], response_modes=(ResponseMode.FORM_POST,))
    for mode in (None, "query", "fragment", "web_message", "jwt"):
        assert posted(ask(provider, response_mode=mode))["error"] == "invalid_request"
    assert "code" in posted(ask(provider))


@pytest.mark.spec("OID-02", "OID-15")
def test_before_the_address_is_known_good_nothing_is_posted(provider):
    provider.sign_in()
    response = ask(provider, redirect_uri="https://evil.example/cb")
    assert response.status_code == 400
    assert "evil.example" not in response.get_data(as_text=True)
