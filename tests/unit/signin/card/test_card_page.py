"""The card's page and its two calls, over HTTP: who may call, with what, and what is answered."""

import json
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.unit.signin.card.cards import NONCE, Rig, message
from tests.unit.signin.card.door import BROWSER, CardDoor
from tests.unit.signin.card.tab import HANDLE

HERE = f"/signin/{HANDLE}/card"
LOGIN = {"purpose": "login"}


@pytest.fixture
def door(rig: Rig) -> CardDoor:
    return CardDoor(rig)


def token_of(client: FlaskClient) -> str:
    found = re.search(r'data-token="([^"]+)"', client.get(HERE).get_data(as_text=True))
    assert found is not None
    return found[1]


def call(door: CardDoor, what: str, body: object, *, token: str | None = None, **options: Any) -> TestResponse:
    client: FlaskClient = options.pop("client", door.client)
    headers = {"X-Form-Token": token if token is not None else token_of(door.client)} | options.pop("headers", {})
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(f"{HERE}/{what}", data=data, content_type="application/json", headers=headers, **options)


def challenged(door: CardDoor) -> str:
    answer = call(door, "challenge", LOGIN)
    assert answer.status_code == 200
    return str(answer.get_json()["nonce"])


def verify(door: CardDoor, assertion: object) -> TestResponse:
    return call(door, "verify", {"transaction": HANDLE, "assertion": assertion})


@pytest.mark.spec("WEB-01", "BRG-04")
def test_this_page_alone_may_call_the_bridges_ports(door: CardDoor) -> None:
    page = door.client.get(HERE)
    policy = page.headers["Content-Security-Policy"]
    assert "connect-src 'self' http://127.0.0.1:17583 http://127.0.0.1:27583 http://127.0.0.1:37583;" in policy
    assert "connect-src 'self';" in door.client.get("/nowhere").headers["Content-Security-Policy"]
    assert "connect-src 'self';" in call(door, "challenge", LOGIN).headers["Content-Security-Policy"]


@pytest.mark.spec("BRG-04")
def test_the_page_explains_before_it_asks_and_keeps_the_other_means_beside(door: CardDoor) -> None:
    text = door.client.get(HERE).get_data(as_text=True)
    assert "votre navigateur demande" in text
    assert f'href="/signin/{HANDLE}/psc"' in text
    assert text.count('class="tile tile-') == 1
    assert "<noscript>" in text
    for browser in ("chromium", "firefox", "safari", "other"):
        assert f'data-help="{browser}"' in text
    assert 'aria-live="polite"' in text


@pytest.mark.spec("BRG-10")
def test_no_page_of_ours_has_a_field_for_the_code(door: CardDoor) -> None:
    text = door.client.get(HERE).get_data(as_text=True)
    assert [kind for kind in re.findall(r'<input type="(\w+)"', text) if kind != "hidden"] == []
    assert "<textarea" not in text


def test_both_languages_have_every_message(door: CardDoor) -> None:
    for language in ("fr", "en"):
        page = door.client.get(f"{HERE}?ui_locales={language}")
        assert page.status_code == 200
        assert f'data-language="{language}"' in page.get_data(as_text=True)


@pytest.mark.spec("SV-02", "SV-10")
def test_an_honest_answer_leads_onward_under_a_new_handle(door: CardDoor, rig: Rig) -> None:
    answer = call(door, "challenge", LOGIN)
    issued = answer.get_json()
    assert issued | {"nonce": ""} == {"nonce": "", "purpose": "login", "expires_in": 120, "transaction": HANDLE}
    assert answer.headers["Cache-Control"] == "no-store"
    verified = verify(door, message(rig.igc.professional(), nonce=issued["nonce"]))
    assert (verified.status_code, verified.get_json()) == (200, {"next": f"/signin/8{'n' * 43}"})


@pytest.mark.spec("SV-02", "BRG-07")
def test_the_same_answer_again_is_refused(door: CardDoor, rig: Rig) -> None:
    assertion = message(rig.igc.professional(), nonce=challenged(door))
    assert verify(door, assertion).status_code == 200
    again = verify(door, assertion)
    assert (again.status_code, again.get_json()["error"]) == (422, "card_refused")


@pytest.mark.spec("BRG-07")
def test_a_nonce_is_renewed_by_the_page_that_holds_it(door: CardDoor) -> None:
    nonce = challenged(door)
    door.tab.clock.advance(100)
    renewed = call(door, "challenge", LOGIN | {"nonce": nonce})
    assert renewed.get_json()["nonce"] == nonce
    assert renewed.get_json()["expires_in"] == 120
    assert call(door, "challenge", LOGIN | {"nonce": NONCE}).get_json()["error"] == "card_refused"


@pytest.mark.spec("BRG-09", "AC-080")
def test_every_broken_rule_gets_the_same_answer(door: CardDoor, rig: Rig) -> None:
    igc, answers = rig.igc, set()
    nonce = challenged(door)
    for assertion in (
        None,
        message(igc.professional(usage="signature"), nonce=nonce),
        message(igc.professional(authority=igc.elementaire_personnes), nonce=challenged(door)),
        message(igc.professional(), nonce=NONCE),
        message(igc.professional(not_after=igc.now), nonce=challenged(door)) | {"algorithm": "PS256"},
    ):
        refused = verify(door, assertion)
        answers.add((refused.status_code, refused.get_data()))
    ((status, body),) = answers
    assert (status, json.loads(body)["error"]) == (422, "card_refused")
    assert "Pro Santé Connect" in json.loads(body)["text"]


@pytest.mark.spec("SV-04")
def test_the_holder_of_another_card_is_told_the_way_out(door: CardDoor, rig: Rig) -> None:
    employee = rig.igc.professional(authority=rig.igc.standard_personnes, card_type=2)
    told = verify(door, message(employee, nonce=challenged(door))).get_json()
    assert told["error"] == "card_other_type"
    assert "RPPS" in told["text"]


@pytest.mark.spec("WEB-03", "BRG-07", "AC-068")
def test_another_browser_or_another_site_gets_nothing(door: CardDoor, rig: Rig) -> None:
    assertion = message(rig.igc.professional(), nonce=challenged(door))
    body = {"transaction": HANDLE, "assertion": assertion}
    token = token_of(door.client)
    stranger = door.browser("c" * 43)
    assert call(door, "verify", body, client=stranger, token=token).status_code == 403
    own = door.app.test_client()
    own.set_cookie("__Host-browser", "c" * 43, domain="localhost")
    with door.app.test_request_context("/", headers={"Cookie": f"__Host-browser={'c' * 43}"}):
        its_token = door.shell.form_token(f"card:{HANDLE}")
    gone = call(door, "verify", body, client=own, token=its_token)
    assert (gone.status_code, gone.get_json()["error"]) == (410, "signin_gone")
    for headers in (
        {"Origin": "https://attaquant.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"X-Form-Token": ""},
        {"X-Form-Token": token[:-1]},
    ):
        assert call(door, "verify", body, headers=headers).status_code == 403
    assert call(door, "verify", body).status_code == 200


@pytest.mark.spec("WEB-03")
def test_a_form_or_a_simple_request_is_no_call(door: CardDoor) -> None:
    token = token_of(door.client)
    for content_type in ("application/x-www-form-urlencoded", "text/plain", ""):
        answer = door.client.post(
            f"{HERE}/challenge", data=b'{"purpose":"login"}', content_type=content_type, headers={"X-Form-Token": token}
        )
        assert answer.status_code == 400
    assert door.client.get(f"{HERE}/challenge").status_code == 405


@pytest.mark.spec("SV-01")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"purpose":"login","purpose":"login"}',
        b'{"purpose":"link"}',
        b'{"purpose":null}',
        b'{"purpose":"login","origin":"https://connexion.exemple.fr"}',
        b'{"purpose":"login","nonce":null,"x":1}',
        b'{"purpose":"login","nonce":7}',
        b'{"purpose":"login","nonce":"' + b"x" * 200 + b'"}',
        b"[" * 5000,
        b" " * 20000 + b'{"purpose":"login"}',
    ],
)
def test_a_body_of_another_shape_is_refused_like_the_rest(door: CardDoor, body: bytes) -> None:
    answer = call(door, "challenge", body)
    assert (answer.status_code, answer.get_json()["error"]) == (422, "card_refused")


def test_an_answer_for_another_transaction_is_refused(door: CardDoor, rig: Rig) -> None:
    assertion = message(rig.igc.professional(), nonce=challenged(door))
    other = call(door, "verify", {"transaction": "8" + HANDLE[1:], "assertion": assertion})
    assert other.status_code == 422
    assert verify(door, assertion).status_code == 200


def test_a_journey_that_is_over_sends_the_browser_where_it_stands(door: CardDoor) -> None:
    door.belongs_to(BROWSER, refusal="access_denied")
    page = door.client.get(HERE)
    assert (page.status_code, page.headers["Location"]) == (303, f"/signin/{HANDLE}")


def test_an_activation_by_card_begins_with_the_link_that_landed(door: CardDoor) -> None:
    assert door.client.get("/activation/card").headers["Location"] == "/activation"
    door.client.set_cookie("__Host-link", "activation." + "L" * 43, domain="localhost")
    assert door.client.get("/activation/card").headers["Location"] == HERE
    assert door.journey.opened == [{"resume": "/", "activation": True}]
    door.belongs_to(BROWSER, continuation={"resume": "/", "activation": True})
    text = door.client.get(HERE).get_data(as_text=True)
    assert 'href="/activation/psc"' in text
    assert 'href="/activation"' in text
