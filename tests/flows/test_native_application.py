"""A desktop application from the first page to its tokens, on the gateway as it is deployed: answered on a port of hers."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.requirements import assembled
from tests.requirements.assembled import Answer, Gateway, action_of, hidden_fields, opened

DESKTOP = {
    "client_id": "bureau",
    "name": {"fr": "Bureau", "en": "Desktop"},
    "application_type": "native",
    "redirect_uris": ["http://127.0.0.1/callback", "http://[::1]/callback"],
    "authentication_method": "none",
    "scopes": ["openid", "profile"],
    "audience": "https://bureau.example/api",
    "role_application": "orientation",
    "refresh_tokens": True,
}
FOUR, SIX = "http://127.0.0.1:49152/callback", "http://[::1]:49153/callback"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(assembled.CLIENTS, "bureau", DESKTOP)
        folder: Path = tmp_path_factory.mktemp("native")
        for made in opened(folder):
            made.person()
            yield made


def address_of(answer: Answer) -> str:
    if answer.status == 303:
        return answer.location
    (refresh,) = re.findall(r'http-equiv="refresh" content="0; url=([^"]+)"', answer.text)
    return unescape(refresh)


def told(answer: Answer, redirect_uri: str) -> dict[str, str]:
    assert address_of(answer).startswith(f"{redirect_uri}?"), answer.text[:500]
    return dict(parse_qsl(urlsplit(address_of(answer)).query))


@pytest.mark.spec("OID-02", "OID-17", "RFC 8252 §7.3", "RFC 8252 §8.6")
def test_a_person_signs_in_agrees_and_the_application_redeems_the_code_it_got_on_its_port(gateway):
    for number, redirect_uri in enumerate((FOUR, SIX)):
        browser = gateway.browser
        answer = browser.authorize("bureau", redirect_uri=redirect_uri)
        page = browser.sign_in(answer) if number == 0 else browser.onward(answer)
        action = action_of(page, "consent")  # though she is signed in
        assert "Bureau" in page.text
        assert "http://127.0.0.1:*" in (page.header("content-security-policy") or "")
        answered = browser.onward(browser.submit(page, action))
        code = told(answered, redirect_uri)["code"]
        silent = browser.authorize("bureau", redirect_uri=redirect_uri, prompt="none")
        assert told(silent, redirect_uri)["error"] == "consent_required"
        assert gateway.token(code, "bureau", redirect_uri=f"{redirect_uri}/").json["error"] == "invalid_grant"
        burnt = gateway.token(code, "bureau", redirect_uri=redirect_uri)
        assert burnt.json["error"] == "invalid_grant", "shown wrongly once, it is worth nothing"
        page = browser.onward(browser.authorize("bureau", redirect_uri=redirect_uri))
        answered = browser.onward(browser.submit(page, action_of(page, "consent")))
        tokens = gateway.token(told(answered, redirect_uri)["code"], "bureau", redirect_uri=redirect_uri).json
        assert gateway.userinfo(tokens["access_token"]).json["name"] == "Camille Exemple"
        assert gateway.refreshed(tokens["refresh_token"], "bureau").status == 200


@pytest.mark.spec("OID-02", "AC-091")
@pytest.mark.parametrize(
    "redirect_uri", ["http://localhost:49152/callback", "http://127.0.0.1:49152/", "http://127.0.0.2:49152/callback"]
)
def test_any_other_address_is_a_page_at_each_door(gateway, redirect_uri):
    answer = gateway.browser.authorize("bureau", redirect_uri=redirect_uri)
    assert (answer.status, answer.header("location")) == (400, None)
    pushed = gateway.form("/par", "bureau", {**assembled.parameters("orientation"), "redirect_uri": redirect_uri})
    assert (pushed.status, pushed.json["error"]) == (400, "invalid_request")


@pytest.mark.spec("OID-06", "OID-17")
def test_who_gives_up_says_so_to_the_port_and_what_was_pushed_is_asked_like_the_rest(gateway):
    browser = assembled.Browser(gateway)
    asked = {**assembled.parameters("orientation"), "scope": "openid", "redirect_uri": FOUR}
    request_uri = gateway.form("/par", "bureau", asked).json["request_uri"]
    page = browser.sign_in(browser.get("/authorize?" + urlencode({"client_id": "bureau", "request_uri": request_uri})))
    cancel = re.search(r'action="(/signin/[^"/]+/cancel)"', page.text)
    assert cancel is not None
    answered = browser.onward(browser.post(cancel[1], hidden_fields(page, cancel[1])))
    assert told(answered, FOUR)["error"] == "access_denied"
