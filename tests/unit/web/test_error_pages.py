"""Errors say one sentence, an incident number and whom to call; never how the gateway is made."""

import logging
import re

import pytest

from tests.unit.web.world import HANDLE, Door

BROKEN = [("/nowhere", 404), (f"/signin/{HANDLE}/cancel", 405), ("/breaks", 500), ("/store-down", 503)]


@pytest.mark.parametrize(("path", "status"), BROKEN)
def test_an_error_page_gives_a_number_and_the_contact(door: Door, path: str, status: int) -> None:
    response = door.client.get(path)
    html = response.get_data(as_text=True)
    assert response.status_code == status
    assert re.search(r'incident-number">[A-Z2-7]{4}-[A-Z2-7]{4}<', html)
    assert "appui@demo.passerelle.test" in html and "04 65 71 00 01" in html
    assert '<html lang="fr">' in html


@pytest.mark.parametrize(("path", "status"), BROKEN)
def test_an_error_page_speaks_english_too(door: Door, path: str, status: int) -> None:
    html = door.client.get(path, headers={"Accept-Language": "en-GB,en;q=0.9,fr;q=0.5"}).get_data(as_text=True)
    assert '<html lang="en">' in html and "Incident number" in html


@pytest.mark.spec("WEB-07")
def test_a_failure_shows_no_trace_and_is_found_in_the_log_by_its_number(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    door.app.debug = False
    with caplog.at_level(logging.ERROR, logger="gateway.web"):
        response = door.client.get("/breaks")
    html = response.get_data(as_text=True)
    assert response.status_code == 500
    for private in ("secret detail", "Traceback", "RuntimeError", "werkzeug", "Flask", "Python", ".py"):
        assert private not in html
    number = re.search(r"[A-Z2-7]{4}-[A-Z2-7]{4}", html)
    assert number is not None and number[0] in caplog.text


@pytest.mark.spec("WEB-07")
def test_a_store_that_is_down_is_not_named(door: Door) -> None:
    response = door.client.get("/store-down")
    assert response.headers["Retry-After"] == "5"
    assert "redis" not in response.get_data(as_text=True)


@pytest.mark.spec("WEB-07")
def test_trace_is_refused_and_echoes_nothing(door: Door) -> None:
    response = door.client.open("/", method="TRACE", headers={"X-Canary": "canary-value"})
    assert response.status_code == 405
    assert "canary-value" not in response.get_data(as_text=True)


def test_head_has_the_headers_and_no_body(door: Door) -> None:
    response = door.client.head("/nowhere")
    assert (response.status_code, response.data) == (404, b"")


def test_a_wrong_method_says_which_are_right(door: Door) -> None:
    assert "POST" in door.client.get("/signout").headers["Allow"]


def test_what_was_asked_is_never_shown_back(door: Door) -> None:
    html = door.client.get("/<script>alert(1)</script>?ui_locales=<b>").get_data(as_text=True)
    assert "alert(1)" not in html


@pytest.mark.parametrize("path", ["/", "/nowhere", "/forgotten"])
def test_a_query_that_is_not_text_is_a_page_like_another(door: Door, path: str) -> None:
    response = door.client.get(path, environ_overrides={"QUERY_STRING": "ui_locales=\xff&sent"})
    assert response.status_code in {400, 404}
    assert "incident-number" in response.get_data(as_text=True)


def test_a_refusal_says_the_status_of_its_page(door: Door) -> None:
    response = door.client.get("/too-many")
    assert response.status_code == 429
    assert "Patientez" in response.get_data(as_text=True)
