"""docs/connect/spa.md is true: its page, copied, signs somebody in in Chromium, calls the API of api.md, and lets her go."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.driver import Chromium, chromium
from tests.connect.applications import running
from tests.connect.connected import Connected
from tests.connect.judges import HELPERS
from tests.connect.page_blocks import write_blocks
from tests.interoperability.person import ADDRESSES, PASSWORDS

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("connect"), pytest.mark.timeout(300)]

SPA, API = "https://my-spa.example.org", "https://api.example.org"


class _Files(http.server.SimpleHTTPRequestHandler):
    """What a team's web server would do: the page at / and at /callback, and the files beside."""

    def translate_path(self, path: str) -> str:
        return super().translate_path("/index.html" if urlsplit(path).path in {"/", "/callback"} else path)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def page(connected: Connected, node: Path, tmp_path: Path) -> Iterator[str]:
    write_blocks("spa.md", ["index.html", "my-spa.js"], tmp_path, connected.places)
    (tmp_path / "node_modules").symlink_to(node)
    place = connected.places[SPA]
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", int(place.rpartition(":")[2])), lambda *given: _Files(*given, directory=str(tmp_path))
    )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield place
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def api(connected: Connected, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    helper = "verify_access_token.py"
    folder = tmp_path_factory.mktemp("api-of-the-page")
    with running("api.md", "api.py", connected, folder, API, files={helper: HELPERS / helper}) as place:
        yield place


def _sign_in(browser: Chromium, connected: Connected, username: str) -> None:
    known = connected.demo.codes(ADDRESSES[username])
    browser.click("Se connecter")
    browser.wait_for("pour accéder à Mon application")
    browser.fill("Identifiant", username)
    browser.fill("Mot de passe", PASSWORDS[username])
    browser.click("Se connecter")
    browser.wait_for("Code de vérification")
    code = connected.demo.wait_for_mail(ADDRESSES[username], "code", known=known)["codes"][0]
    browser.fill("Code reçu", str(code))
    browser.click("Vérifier")


def test_the_page_signs_somebody_in_calls_the_api_renews_switches_and_lets_her_go(
    page: str, api: str, connected: Connected
) -> None:
    with chromium() as browser:
        assert isinstance(browser, Chromium)
        visited: list[str] = []
        asked: list[str] = []
        browser._page.on("framenavigated", lambda frame: visited.append(frame.url))
        browser._page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
        browser.open(f"{page}/")
        _sign_in(browser, connected, "n.benali")
        browser.wait_for("Foyer de vie La Garrigue")
        browser.tick("Foyer de vie La Garrigue")
        browser.click("Continuer")
        browser.wait_for("Nadia Benali, pour Foyer de vie La Garrigue")
        assert browser.url() == f"{page}/", "the code has left the address bar"
        stored = browser.evaluate("return JSON.stringify([Object.values(localStorage), Object.values(sessionStorage)])")
        assert "eyJ" not in stored, "no token lies in the page's storage"

        browser.click("Lire les dossiers")
        browser.wait_for("Réponse : {")
        assert '"structure":"' in browser.text()
        browser.click("Renouveler")
        browser.wait_for("Réponse : ")
        assert f"GET {connected.issuer}/v1/session/activity" in asked, "the watch knows what is left"

        browser.click("Agir pour ESAT Les Oliviers")
        browser.wait_for("Nadia Benali, pour ESAT Les Oliviers")

        visited.clear()
        asked.clear()
        browser.click("Supprimer un dossier")
        browser.wait_for("Nadia Benali")
        _until(browser, lambda: any("acr_values=" in address for address in asked))
        (sent,) = [address for address in asked if "/authorize?" in address]
        assert "urn:passerelle:acr:psc" in parse_qs(urlsplit(sent.partition(" ")[2]).query)["acr_values"][0]
        browser.wait_for("Lire les dossiers")

        browser.click("Se déconnecter")
        browser.wait_for("Se connecter")
        assert browser.url().startswith(f"{page}/")
        browser.click("Se connecter")
        browser.wait_for("pour accéder à Mon application")
        assert browser.has_field("Mot de passe"), "the gateway's session is closed too"


def test_an_answer_of_another_issuer_is_refused(page: str, connected: Connected) -> None:
    with chromium() as browser:
        browser.open(f"{page}/callback?code=x&state=y&iss=https%3A%2F%2Fautre.example")
        browser.wait_for("Connexion impossible : an answer of another issuer")
        assert browser.url() == f"{page}/"


def _until(browser: Chromium, so: Any) -> None:
    """Playwright tells of requests only while it is asked something."""
    for _ in range(200):
        if so():
            return
        browser._page.wait_for_timeout(50)
    raise AssertionError("it did not happen")
