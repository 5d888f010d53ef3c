"""The password form: plain labels for password managers, one answer for every refusal."""

import re
from html.parser import HTMLParser

import pytest

from tests.unit.web.world import HANDLE, Door

PAGE = f"/signin/{HANDLE}/password"


class Fields(HTMLParser):
    """The inputs of a page by id, its labels by the id they are for, the ids that exist."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.inputs: dict[str, dict[str, str | None]] = {}
        self.labels: set[str | None] = set()
        self.ids: set[str | None] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = dict(attributes)
        self.ids.add(named.get("id"))
        if tag == "label":
            self.labels.add(named.get("for"))
        if tag == "input" and named.get("type") != "hidden":
            self.inputs[named["id"] or ""] = named


@pytest.mark.spec("A11Y-04")
def test_fields_have_labels_and_say_what_they_are(door: Door) -> None:
    fields = Fields(door.client.get(PAGE).get_data(as_text=True))
    assert {name: field["autocomplete"] for name, field in fields.inputs.items()} == {
        "identifier": "username",
        "password": "current-password",
    }
    assert fields.inputs.keys() <= fields.labels
    assert all("placeholder" not in field for field in fields.inputs.values())


@pytest.mark.spec("A11Y-04")
def test_an_error_is_told_in_text_and_tied_to_the_fields(door: Door) -> None:
    html = door.send(PAGE, identifier="camille.duval", password="faux").get_data(as_text=True)
    fields = Fields(html)
    for field in fields.inputs.values():
        assert field["aria-invalid"] == "true"
        described = (field["aria-describedby"] or "").split()
        assert "error" in described and set(described) <= fields.ids
    assert re.search(
        r'id="error" role="alert"[^>]*>.*?<p>L&#39;identifiant ou le mot de passe est incorrect', html, re.DOTALL
    )
    assert "<title>Erreur" in html


@pytest.mark.spec("THR-06")
def test_every_refusal_looks_the_same(door: Door) -> None:
    def refused(identifier: str) -> tuple[int, list[str], str]:
        response = door.send(PAGE, identifier=identifier, password="faux")
        html = re.sub(r'nonce="[^"]+"|value="[^"]*"', "", response.get_data(as_text=True))
        return response.status_code, sorted(response.headers.keys()), html

    assert refused("camille.duval") == refused("personne") == refused("99900000003")
    assert refused("camille.duval")[0] == 422


def test_a_wait_is_told(door: Door) -> None:
    door.password.wait = 45
    response = door.send(PAGE, identifier="camille.duval", password="faux")
    assert response.status_code == 422
    assert "patientez 45\u00a0secondes" in response.get_data(as_text=True)


@pytest.mark.spec("A11Y-06")
def test_the_identifier_is_given_back_and_the_password_never(door: Door) -> None:
    html = door.send(PAGE, identifier='"><script>x', password="canary-password").get_data(as_text=True)
    assert Fields(html).inputs["identifier"]["value"] == '"><script>x'
    assert "canary-password" not in html and "<script>x" not in html
    assert "private detail" not in html


@pytest.mark.parametrize("password", ["un bon mot de passe", " avec espaces ", "é\u0301𝒳"])
def test_a_password_arrives_as_it_was_typed(door: Door, password: str) -> None:
    door.password.right = ("camille.duval", password)
    response = door.send(PAGE, identifier=" camille.duval ", password=password)
    assert (response.status_code, response.headers["Location"]) == (303, f"/signin/{HANDLE}")


def test_no_contact_is_shown_before_the_first_factor(door: Door) -> None:
    assert door.codes.contact not in door.client.get(PAGE).get_data(as_text=True)
