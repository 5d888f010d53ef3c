"""First access and lost password: the token leaves the address bar, a dead link has a way out, answers look alike."""

import re

import pytest

from gateway.accounts.one_time_link import LinkPurpose
from gateway.signin.enrolment.access_link import PasswordTooWeak
from tests.unit.web.test_password_page import Fields
from tests.unit.web.world import LINK, Door

NEW = {"new_password": "une phrase assez longue", "again": "une phrase assez longue"}


class KnownPassword(PasswordTooWeak):
    text = "password.known"


@pytest.mark.spec("RST-05", "AC-046")
@pytest.mark.parametrize("purpose", ["activation", "reset"])
def test_the_token_moves_to_a_cookie_and_the_address_is_clean(door: Door, purpose: str) -> None:
    landing = door.client.get(f"/{purpose}/{LINK}")
    assert (landing.status_code, landing.headers["Location"]) == (303, f"/{purpose}")
    (cookie,) = landing.headers.getlist("Set-Cookie")
    assert cookie.startswith(f"__Host-link={purpose}.{LINK};")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert LINK not in landing.get_data(as_text=True)
    page = door.client.get(f"/{purpose}")
    html = page.get_data(as_text=True)
    assert page.status_code == 200 and LINK not in html
    for response in (landing, page):
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["Cache-Control"] == "no-store"
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', html)


@pytest.mark.spec("RST-03")
def test_looking_consumes_nothing(door: Door) -> None:
    for _ in range(3):
        door.client.get(f"/reset/{LINK}")
        door.client.get("/reset")
    assert door.send("/reset", **NEW).headers["Location"] == "/reset?done"
    assert door.links.passwords == [NEW["new_password"]]


def test_a_link_of_one_purpose_does_not_serve_the_other(door: Door) -> None:
    door.client.get(f"/activation/{LINK}")
    assert door.client.get("/reset").status_code == 410


@pytest.mark.spec("RST-09")
@pytest.mark.parametrize("purpose", [LinkPurpose.ACTIVATION, LinkPurpose.RESET])
def test_malformed_unknown_and_used_links_give_one_page_with_a_way_out(door: Door, purpose: LinkPurpose) -> None:
    pages = []
    for token in ("x", "A" * 43, "é" * 43, "B" * 99, LINK):
        door.links.live.discard((LINK, purpose))
        landing = door.client.get(f"/{purpose.value}/{token}")
        assert (landing.status_code, landing.headers["Location"]) == (303, f"/{purpose.value}")
        response = door.client.get(f"/{purpose.value}")
        pages.append((response.status_code, re.sub(r'nonce="[^"]+"', "", response.get_data(as_text=True))))
    assert len(set(pages)) == 1
    status, html = pages[0]
    assert status == 410
    assert ('href="/forgotten"' if purpose is LinkPurpose.RESET else 'href="/activation/demande"') in html


@pytest.mark.spec("RST-07")
def test_a_new_password_opens_no_session(door: Door) -> None:
    door.client.get(f"/reset/{LINK}")
    response = door.send("/reset", **NEW)
    assert not any("__Host-session" in line for line in response.headers.getlist("Set-Cookie"))
    assert "__Host-link=;" in response.headers["Set-Cookie"]
    html = door.client.get(response.headers["Location"]).get_data(as_text=True)
    assert "Votre mot de passe est changé" in html and 'href="/signin"' in html


@pytest.mark.spec("A11Y-04")
def test_the_new_password_is_labelled_for_password_managers(door: Door) -> None:
    door.client.get(f"/activation/{LINK}")
    fields = Fields(door.client.get("/activation").get_data(as_text=True))
    assert {name: field["autocomplete"] for name, field in fields.inputs.items()} == {
        "username": "username",
        "new_password": "new-password",
        "again": "new-password",
    }
    assert fields.inputs.keys() <= fields.labels
    described = {name for field in fields.inputs.values() for name in (field.get("aria-describedby") or "").split()}
    assert described <= fields.ids


def test_a_weak_password_says_why_and_may_be_tried_again(door: Door) -> None:
    door.client.get(f"/activation/{LINK}")
    for refusal, said in (
        (PasswordTooWeak(min_length=12, missing_length=5), "trop court de 5"),
        (KnownPassword(), "trop connu"),
    ):
        door.links.refusal = refusal
        response = door.send("/activation", **NEW)
        assert response.status_code == 422 and said in response.get_data(as_text=True)
        assert NEW["new_password"] not in response.get_data(as_text=True)
    door.links.refusal = None
    assert door.send("/activation", **NEW).status_code == 303


def test_two_different_entries_change_nothing(door: Door) -> None:
    door.client.get(f"/reset/{LINK}")
    assert door.send("/reset", new_password="une phrase", again="une autre").status_code == 422
    assert door.links.passwords == []


def test_asking_for_a_link_answers_the_same_for_everyone(door: Door) -> None:
    answers = set()
    for identifier in ("camille.duval", "personne", "x" * 5000):
        response = door.send("/forgotten", identifier=identifier)
        answers.add((response.status_code, response.headers["Location"], response.data))
    assert answers == {(303, "/forgotten?sent", b"")}
    assert door.links.asked[:2] == ["camille.duval", "personne"]
    assert len(door.links.asked[2]) == 320


def test_asking_without_an_identifier_says_so(door: Door) -> None:
    assert door.send("/forgotten", identifier="  ").status_code == 422
    assert door.links.asked == []
