"""docs/connect/server.md is true: its applications, copied from the page, sign people in, follow them, and let them go."""

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import requests

from tests.connect.applications import running
from tests.connect.connected import Connected
from tests.html_only_browser import HtmlOnlyBrowser
from tests.interoperability.person import Person

pytestmark = [pytest.mark.xdist_group("connect"), pytest.mark.timeout(240)]

HERE = "https://my-server.example.org"


@pytest.fixture(params=["app.py", "server.mjs"], ids=["flask-authlib", "node-openid-client"])
def application(request: pytest.FixtureRequest, connected: Connected, tmp_path: Path) -> Iterator[str]:
    """Its address, while it runs."""
    name = str(request.param)
    if name.endswith(".mjs"):
        request.getfixturevalue("node")
    secret = {"my-server.secret": connected.folder / "my-server.secret"}
    with running("server.md", name, connected, tmp_path, HERE, files=secret) as here:
        yield here


def _shown(browser: HtmlOnlyBrowser) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(browser.html)
    return shown


def test_the_application_of_the_page_signs_somebody_in_follows_her_and_lets_her_go(
    application: str, connected: Connected
) -> None:
    somebody = Person("n.benali", connected.demo, HtmlOnlyBrowser())
    browser = somebody.browser
    browser.open(f"{application}/")
    assert "Se connecter" in browser.html
    assert somebody.signs_in(f"{application}/login") == f"{application}/", browser.html
    shown = _shown(browser)
    assert shown["name"] == "Nadia Benali"
    assert shown["acr"] == "urn:passerelle:acr:pwd-otp-mail"
    assert shown["roles"]

    other = next(item["id"] for item in shown["structures"] if item["id"] != shown["structure"]["id"])
    path = f"/structure/{other}" if _is_flask(application) else f"/structure?id={other}"
    assert browser.open(application + path) == f"{application}/", "no new proof"
    switched = _shown(browser)
    assert switched["structure"]["id"] == other
    assert switched["roles"] != shown["roles"]

    assert browser.open(f"{application}/refresh") == f"{application}/"
    assert _shown(browser)["structure"]["id"] == other, "refreshed, in the same structure"

    # Nothing stronger can be had here: a preference is no demand, and `acr` says what was obtained.
    assert browser.open(f"{application}/stronger") == f"{application}/"
    assert _shown(browser)["acr"] == "urn:passerelle:acr:pwd-otp-mail"

    assert browser.open(f"{application}/logout").startswith(f"{application}/"), browser.html
    assert "Se connecter" in browser.html
    assert browser.open(f"{application}/login").startswith(connected.issuer)
    assert browser.form("identifier", "password")


def _is_flask(application: str) -> bool:
    return "Werkzeug" in requests.get(application, timeout=5).headers.get("Server", "")


def test_a_session_that_ends_elsewhere_ends_in_the_application(application: str, connected: Connected) -> None:
    somebody = Person("k.haddad", connected.demo, HtmlOnlyBrowser())
    browser = somebody.browser
    somebody.signs_in(f"{application}/login")
    browser.open(f"{application}/")
    assert _shown(browser)["name"] == "Karim Haddad"
    browser.open(f"{connected.issuer}/logout")
    (confirm,) = [form for form in browser.forms if "logout" in form.action]
    browser.submit(confirm)
    for _ in range(200):
        browser.open(f"{application}/")
        if "Se connecter" in browser.html:
            return
        Event().wait(0.05)
    raise AssertionError("the application was never told")


def test_an_answer_of_another_issuer_and_a_strange_state_are_refused(application: str, connected: Connected) -> None:
    browser = HtmlOnlyBrowser()
    for answer in (
        "code=x&state=y&iss=https%3A%2F%2Fautre.example",
        f"code=x&state=y&iss={connected.issuer}",
        "code=x",
    ):
        browser.open(f"{application}/callback?{answer}")
        assert browser.status == 400


def test_who_gives_up_comes_back_without_being_signed_in(application: str, connected: Connected) -> None:
    browser = HtmlOnlyBrowser()
    Person("n.benali", connected.demo, browser).gives_up(f"{application}/login")
    assert browser.status == 400
    assert "access_denied" in browser.html
    browser.open(f"{application}/")
    assert "Se connecter" in browser.html
