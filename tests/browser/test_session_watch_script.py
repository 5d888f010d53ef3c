"""The script of applications on a page with a strict policy, before a server that answers, refuses, or is away (SES-04)."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sandbox.relying_party.session_activity import INTEGRITY
from tests.browser.driver import Browser
from tests.browser.test_session_watch import DIALOG, come_back, dialog, until, until_closed

SCRIPT = Path(__file__).parents[2] / "gateway" / "oidc" / "static" / "session-watch-1.js"
POLICY = (
    "default-src 'none'; script-src ORIGIN/session-watch-1.js; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'"
)
PAGE = f"""<!doctype html><html lang="LANGUAGE"><meta charset="utf-8"><title>Application</title>
<script defer src="/session-watch-1.js" integrity="{INTEGRITY}" crossorigin="anonymous" data-activity="/activity"
  data-signin="/sign-in"></script><h1>Application</h1><p><label for="field">Champ</label> <input id="field"></p></html>"""
AWAY: dict[str, int] = {}


class Server:
    """`life` is what the next answers say: seconds left until the idle and the absolute end; AWAY: the connection is cut."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.life: dict[str, int] | int = {"idle": 1800, "last": 14400}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/activity":
                    self._activity()
                elif self.path == "/session-watch-1.js":
                    self._give(200, "text/javascript", SCRIPT.read_bytes())
                else:
                    language = "en" if self.path == "/en" else "fr"
                    self._give(200, "text/html", PAGE.replace("LANGUAGE", language).encode())

            def do_POST(self) -> None:
                self._activity()

            def _activity(self) -> None:
                outer.asked.append(self.command)
                life = outer.life
                if life is AWAY:
                    self.close_connection = True
                elif isinstance(life, int):
                    self._give(life, "application/json", b"{}")
                else:
                    now = 5_000_000_000  # no clock of this machine says so
                    said = {"session_idle_at": now + life["idle"], "session_expires_at": now + life["last"], "now": now}
                    self._give(200, "application/json", json.dumps(said).encode())

            def _give(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", f"{kind}; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Content-Security-Policy", POLICY.replace("ORIGIN", outer.url))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def browser(one_of_each: Callable[[str], Browser], browser_name: str) -> Iterator[Browser]:
    yield one_of_each(browser_name)
    one_of_each(browser_name)


@pytest.fixture
def server() -> Iterator[Server]:
    started = Server()
    yield started
    started.stop()


def opened(browser: Browser, server: Server, page: str = "/") -> None:
    """Once the first look was answered."""
    browser.open(server.url + page)
    until(browser, "return performance.getEntriesByName(location.origin + '/activity').length > 0 || null;")


def settled(browser: Browser) -> None:
    """Longer than any answer of this machine takes."""
    browser.evaluate(
        "delete document.body.dataset.settled; setTimeout(() => { document.body.dataset.settled = 'yes'; }, 700);"
    )
    until(browser, "return document.body.dataset.settled || null;")


def test_an_open_page_asks_once_and_says_nothing(browser: Browser, server: Server) -> None:
    opened(browser, server)
    settled(browser)
    assert server.asked == ["GET"]
    assert browser.evaluate(f"{DIALOG} return !dialog;")


@pytest.mark.spec("SES-04")
def test_the_warning_comes_by_itself_when_the_time_has_come(browser: Browser, server: Server) -> None:
    server.life = {"idle": 124, "last": 14400}
    opened(browser, server)
    assert browser.evaluate(f"{DIALOG} return !dialog;")
    server.life = {"idle": 120, "last": 14400}
    assert dialog(browser)["focus"] == "Rester connecté"
    assert server.asked == ["GET", "GET"], "it looks before it warns"


@pytest.mark.spec("SES-04")
def test_who_works_in_another_window_is_not_disturbed(browser: Browser, server: Server) -> None:
    server.life = {"idle": 124, "last": 14400}
    opened(browser, server)
    server.life = {"idle": 1800, "last": 14400}
    until(browser, "return performance.getEntriesByName(location.origin + '/activity').length > 1 || null;")
    settled(browser)
    assert browser.evaluate(f"{DIALOG} return !dialog;")


@pytest.mark.spec("SES-04")
def test_the_page_speaks_the_language_of_the_application(browser: Browser, server: Server) -> None:
    server.life = {"idle": 100, "last": 14400}
    opened(browser, server, "/en")
    said = dialog(browser)
    assert (said["lang"], said["title"], said["focus"]) == ("en", "Your session is about to end", "Stay signed in")


@pytest.mark.spec("SES-04", "SES-03")
def test_what_cannot_be_extended_is_said_so(browser: Browser, server: Server) -> None:
    server.life = {"idle": 100, "last": 100}
    opened(browser, server)
    said = dialog(browser)
    assert "ne peut plus être prolongée" in said["text"]
    assert said["focus"] == "J’ai compris"
    browser.press("Enter")
    until_closed(browser)
    come_back(browser)
    settled(browser)
    assert browser.evaluate(f"{DIALOG} return !dialog;"), "said once"
    assert "POST" not in server.asked


@pytest.mark.spec("SES-04")
def test_when_the_network_is_away_the_warning_says_it_and_nothing_is_asked_again_by_itself(
    browser: Browser, server: Server
) -> None:
    server.life = {"idle": 100, "last": 14400}
    opened(browser, server)
    dialog(browser)
    for life in (AWAY, 503, 429):
        server.life = life
        browser.press("Enter")
        until(browser, f"{DIALOG} return dialog && dialog.querySelector('[role=alert]').textContent || null;")
        settled(browser)
        assert browser.evaluate(f"{DIALOG} return root.activeElement.textContent;") == "Rester connecté"
    # A browser may itself repeat, once, a request whose connection was cut; the script never does.
    assert server.asked.count("POST") <= 4, server.asked
    server.life = {"idle": 1800, "last": 14400}
    browser.press("Enter")
    until_closed(browser)


@pytest.mark.spec("SES-04")
def test_the_end_comes_even_when_nobody_answers_and_a_new_sign_in_elsewhere_takes_it_back(
    browser: Browser, server: Server
) -> None:
    server.life = {"idle": 2, "last": 14400}
    opened(browser, server)
    server.life = AWAY
    until(browser, f"{DIALOG} return dialog && dialog.querySelector('a') ? true : null;")
    assert dialog(browser)["title"] == "Votre session est terminée"
    number = len(server.asked)
    settled(browser)
    assert len(server.asked) <= number + 1, "the browser's own second try at most"
    server.life = {"idle": 1800, "last": 14400}
    come_back(browser)
    until_closed(browser)


@pytest.mark.spec("SES-04", "SES-03")
def test_gestures_are_told_once_a_minute_and_scripts_are_nobody(browser: Browser, server: Server) -> None:
    opened(browser, server)
    browser.evaluate(
        "for (let i = 0; i < 9; i++) document.body.dispatchEvent(new KeyboardEvent('keydown', {bubbles: true}));"
    )
    browser.press("Tab")
    settled(browser)
    assert server.asked == ["GET"], "the page was opened less than a minute ago"
    browser.open(server.url)
    until(browser, "return performance.getEntriesByName(location.origin + '/activity').length > 0 || null;")
    browser.set_clock_forward(61)
    browser.evaluate("document.body.dispatchEvent(new KeyboardEvent('keydown', {bubbles: true}));")
    settled(browser)
    assert server.asked == ["GET", "GET"]
    for _ in range(9):
        browser.press("Escape")
    settled(browser)
    assert server.asked == ["GET", "GET", "POST"]
