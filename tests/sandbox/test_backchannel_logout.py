"""Both applications end their session when the gateway says so, and believe nobody else (Back-Channel Logout 1.0 §2.6)."""

import uuid
from typing import Any

import jwt
import pytest
import requests

from tests.sandbox.lying_provider import CLIENT_ID

EVENT = "http://schemas.openid.net/event/backchannel-logout"


@pytest.fixture(params=["orientation", "suivi"])
def address(request, world):
    return getattr(world, f"{request.param}_url")


def signed_in(address):
    browser = requests.Session()
    assert "Se déconnecter" in browser.get(f"{address}/sign-in", timeout=10).text
    return browser


def is_signed_in(address, browser):
    return "Se déconnecter" in browser.get(f"{address}/", timeout=10).text


def logout_token(provider, *, typ: str | None = "logout+jwt", key: Any = None, **changes: Any) -> str:
    now = int(provider.now())
    claims = {
        "iss": provider.issuer,
        "aud": CLIENT_ID,
        "sub": "a1b2c3",
        "sid": provider.sid,
        "iat": now,
        "exp": now + 120,
        "jti": uuid.uuid4().hex,
        "events": {EVENT: {}},
        **changes,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key or provider.keys["ES256"], "ES256", {"kid": "ES256", "typ": typ})


def tell(address, *tokens):
    return requests.post(f"{address}/backchannel-logout", data={"logout_token": list(tokens)}, timeout=10)


@pytest.mark.spec("SES-07")
def test_the_session_of_that_sid_ends_and_the_home_page_says_that_it_ended_elsewhere(address, provider):
    browser = signed_in(address)
    provider.lies.claims = {"sid": uuid.uuid4().hex}
    other = signed_in(address)
    answer = tell(address, logout_token(provider))
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert "votre session a pris fin ailleurs" in browser.get(f"{address}/", timeout=10).text
    assert not is_signed_in(address, browser)
    assert is_signed_in(address, other)
    browser.get(f"{address}/sign-in", timeout=10)
    browser.post(f"{address}/sign-out", timeout=10)
    assert "a pris fin ailleurs" not in browser.get(f"{address}/", timeout=10).text


@pytest.mark.spec("SES-07")
def test_a_token_that_names_only_a_person_ends_all_their_sessions_and_nobody_elses(address, provider):
    browser = signed_in(address)
    assert tell(address, logout_token(provider, sid=None, sub="somebody-else")).status_code == 200
    assert is_signed_in(address, browser)
    assert tell(address, logout_token(provider, sid=None)).status_code == 200
    assert not is_signed_in(address, browser)


@pytest.mark.spec("SES-07")
def test_a_token_that_names_a_session_and_another_person_ends_nothing(address, provider):
    browser = signed_in(address)
    assert tell(address, logout_token(provider, sub="somebody-else")).status_code == 200
    assert is_signed_in(address, browser)


LIES = {
    "an ID token in its place": ({"typ": "JWT"}, "wrong_token_type"),
    "no type": ({"typ": None}, "wrong_token_type"),
    "another issuer": ({"iss": "https://autre.example"}, "wrong_issuer"),
    "another audience": ({"aud": "suivi-autre"}, "wrong_audience"),
    "no audience": ({"aud": None}, "wrong_audience"),
    "expired": ({"exp": 1}, "expired"),
    "no expiry": ({"exp": None}, "missing_claim"),
    "no instant": ({"iat": None}, "missing_claim"),
    "issued tomorrow": ({"iat": 99_999_999_999, "exp": 99_999_999_999 + 60}, "issued_in_the_future"),
    "lives for ever": ({"exp": 99_999_999_999}, "lives_too_long"),
    "no events": ({"events": None}, "no_logout_event"),
    "another event": ({"events": {"https://autre.example/event": {}}}, "no_logout_event"),
    "an event that is no object": ({"events": {EVENT: True}}, "no_logout_event"),
    "a nonce": ({"nonce": "n"}, "nonce_in_logout_token"),
    "an empty nonce": ({"nonce": ""}, "nonce_in_logout_token"),
    "nobody": ({"sid": None, "sub": None}, "nobody_named"),
    "a sid that is no text": ({"sid": 4}, "odd_claim"),
    "no jti": ({"jti": None}, "missing_claim"),
}


@pytest.mark.spec("SES-07", "AC-111")
@pytest.mark.parametrize("lie", LIES)
def test_a_token_that_lies_in_one_way_ends_nothing(world, provider, lie):
    changes, refusal = LIES[lie]
    browser = signed_in(world.orientation_url)
    answer = tell(world.orientation_url, logout_token(provider, **changes))
    assert (answer.status_code, answer.json()["error_description"]) == (400, refusal)
    assert is_signed_in(world.orientation_url, browser)


@pytest.mark.spec("SES-07")
def test_a_token_signed_by_somebody_else_or_by_nobody_ends_nothing(address, provider):
    browser = signed_in(address)
    forged = logout_token(provider, key=provider.forger)
    unsigned = jwt.encode({"sid": provider.sid}, None, "none", {"typ": "logout+jwt"})
    for token, refusal in ((forged, "bad_signature"), (unsigned, "refused_algorithm"), ("x", "unreadable_token")):
        assert tell(address, token).json()["error_description"] == refusal
    assert is_signed_in(address, browser)


@pytest.mark.spec("SES-07", "AC-111")
def test_a_token_is_good_once(address, provider):
    token = logout_token(provider, jti=f"once-{address}")
    assert tell(address, token).status_code == 200
    assert tell(address, token).json()["error_description"] == "already_received"


@pytest.mark.spec("SES-07")
def test_a_session_that_the_gateway_has_ended_opens_nothing_here_any_more(address, provider):
    """The call may overtake the person, whose code is being exchanged."""
    assert tell(address, logout_token(provider)).status_code == 200
    page = requests.get(f"{address}/sign-in", timeout=10)
    assert page.status_code == 400
    assert "session_already_ended" in page.text


def test_no_token_two_tokens_and_a_get_are_refused(address, provider):
    assert tell(address).status_code == 400
    assert tell(address, logout_token(provider), logout_token(provider)).status_code == 400
    assert requests.get(f"{address}/backchannel-logout", timeout=10).status_code == 405
