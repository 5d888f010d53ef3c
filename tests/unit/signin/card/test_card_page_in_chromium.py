"""The card's page in a real browser: the ports in order, the permission, help at once, one click one try, the other means."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from werkzeug.serving import make_server

from tests.browser.driver import launched_chromium
from tests.unit.signin.card.cards import Rig, environment
from tests.unit.signin.card.door import CardDoor
from tests.unit.signin.card.loopback_bridge import LoopbackBridge
from tests.unit.signin.card.tab import HANDLE

pytestmark = pytest.mark.browser

HERE = f"/signin/{HANDLE}/card"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with launched_chromium() as browser:
        yield browser


@pytest.fixture
def bridge(rig: Rig) -> Iterator[LoopbackBridge]:
    with LoopbackBridge(rig.igc.professional()).running() as running:
        yield running


@pytest.fixture
def closed_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Desk:
    """The page on a real port, in a browser; `ports` is where it may look for the bridge."""

    def __init__(self, chromium: Any, rig: Rig, *ports: int, vendor: str | None = None) -> None:
        self.complaints: list[str] = []
        self.door = CardDoor(rig, environment=environment(rig.igc, bridge_ports=ports))
        self.door.app.add_url_rule("/begin", "begin", self.door.shell.browser)
        self.server = make_server("localhost", 0, self.door.app, threaded=True)
        origin = f"http://localhost:{self.server.port}"
        self.door.moved_to(origin)
        self._thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self._thread.start()
        self.context = chromium.new_context(locale="fr-FR", viewport={"width": 320, "height": 800})
        if vendor is not None:
            self.context.add_init_script(f"Object.defineProperty(navigator, 'vendor', {{get: () => '{vendor}'}})")
        self.page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: self.complaints.append(said.text) if "Policy" in said.text else None)
        self.page.goto(f"{origin}/begin")
        self.door.belongs_to(self.page.inner_text("body"))
        self.page.goto(f"{origin}{HERE}")

    def close(self) -> None:
        self.context.close()
        self.server.shutdown()
        self._thread.join()

    def click(self) -> None:
        self.page.locator("[data-start]").focus()
        self.page.keyboard.press("Enter")

    def failure(self) -> str:
        shown = self.page.locator("[data-failure]")
        shown.wait_for(state="visible")
        assert self.page.evaluate("document.activeElement.hasAttribute('data-failure')")
        assert self.page.locator("[data-start]").is_enabled()
        return str(shown.inner_text()).strip()

    def helps(self) -> list[str]:
        found: list[str] = self.page.evaluate(
            "[...document.querySelectorAll('[data-help]')].filter(one => one.checkVisibility())"
            ".map(one => one.dataset.help)"
        )
        return found


@pytest.fixture
def desk(chromium: Any, rig: Rig) -> Iterator[Any]:
    opened: list[Desk] = []

    def open_desk(*ports: int, **options: Any) -> Desk:
        opened.append(Desk(chromium, rig, *ports, **options))
        return opened[-1]

    yield open_desk
    for one in opened:
        one.close()
    assert [complaint for one in opened for complaint in one.complaints] == []


@pytest.mark.spec("SV-10", "BRG-04")
def test_a_click_and_a_signature_lead_onward_from_the_second_port(
    desk: Any, bridge: LoopbackBridge, closed_port: int
) -> None:
    open_desk: Desk = desk(closed_port, bridge.port)
    assert bridge.seen == []
    open_desk.click()
    open_desk.page.wait_for_url(f"**/signin/8{'n' * 43}")
    assert bridge.seen == ["GET /v1/status", "POST /v1/authenticate"]
    (asked,) = bridge.bodies
    assert set(asked) == {"protocol", "nonce", "purpose", "lang"}
    assert (asked["protocol"], asked["purpose"], asked["lang"]) == ("cps-bridge:1", "login", "fr")


@pytest.mark.spec("BRG-04", "AC-084")
def test_without_a_bridge_this_browsers_help_and_the_other_means_are_shown_and_nothing_is_tried_again(
    desk: Any, closed_port: int
) -> None:
    open_desk: Desk = desk(closed_port)
    asked: list[str] = []
    open_desk.page.on("request", lambda request: asked.append(request.url))
    open_desk.click()
    assert "ne répond pas" in open_desk.failure()
    assert open_desk.helps() == ["chromium"]
    assert open_desk.page.locator(".tile-psc").is_visible()
    assert open_desk.page.evaluate("document.documentElement.scrollWidth") <= 320
    open_desk.page.wait_for_load_state("networkidle")
    beyond_our_own_pages = [url for url in asked if not url.startswith(open_desk.page.url.rpartition("/signin/")[0])]
    assert beyond_our_own_pages == [f"http://127.0.0.1:{closed_port}/v1/status"]
    assert open_desk.page.locator("[data-start]").inner_text() == "Réessayer avec la carte"


@pytest.mark.spec("BRG-04", "AC-084")
def test_after_two_seconds_without_an_answer_the_permission_is_explained_while_we_wait(
    desk: Any, bridge: LoopbackBridge
) -> None:
    bridge.cleared.clear()
    open_desk: Desk = desk(bridge.port)
    open_desk.click()
    waiting = open_desk.page.locator("[data-status]", has_text="Votre navigateur attend peut-être votre accord")
    waiting.wait_for(state="visible", timeout=6000)
    assert open_desk.helps() == ["chromium"]
    bridge.cleared.set()
    open_desk.page.wait_for_url(f"**/signin/8{'n' * 43}")


@pytest.mark.spec("BRG-18")
def test_something_else_on_the_port_is_given_nothing(desk: Any, bridge: LoopbackBridge) -> None:
    bridge.protocol = "another program"
    open_desk: Desk = desk(bridge.port)
    open_desk.click()
    open_desk.failure()
    assert bridge.seen == ["GET /v1/status"]


@pytest.mark.spec("BRG-04")
def test_safari_is_told_at_once(desk: Any, bridge: LoopbackBridge) -> None:
    open_desk: Desk = desk(bridge.port, vendor="Apple Computer, Inc.")
    assert open_desk.helps() == ["safari"]
    assert not open_desk.page.locator("[data-start]").is_visible()
    assert open_desk.page.locator(".tile-psc").is_visible()
    assert bridge.seen == []


@pytest.mark.parametrize(
    ("error", "text"),
    [
        ("pin_blocked", "Cette carte est bloquée"),
        ("busy", "Une demande est déjà en cours"),
        ("no_reader", "Aucun lecteur"),
        ("card_removed", "La carte a été retirée"),
        ("internal", "(version 1.4.0)"),
        ("a_code_of_tomorrow", "(version 1.4.0)"),
        ('"]<b>', "(version 1.4.0)"),
    ],
)
def test_each_error_of_the_bridge_has_its_words_and_can_be_tried_again(
    desk: Any, bridge: LoopbackBridge, error: str, text: str
) -> None:
    bridge.error = error
    open_desk: Desk = desk(bridge.port)
    open_desk.click()
    assert text in open_desk.failure()
    assert open_desk.helps() == []
    bridge.error = None
    open_desk.click()
    open_desk.page.wait_for_url(f"**/signin/8{'n' * 43}")


def test_the_person_can_cancel_from_the_page(desk: Any, bridge: LoopbackBridge) -> None:
    bridge.answered.clear()
    open_desk: Desk = desk(bridge.port)
    open_desk.click()
    open_desk.page.locator("[data-cancel]").click()
    assert "Vous avez annulé" in open_desk.failure()
    assert bridge.seen[-1] == "POST /v1/cancel"
    assert not open_desk.page.locator("[data-cancel]").is_visible()


@pytest.mark.spec("BRG-09")
def test_what_the_gateway_refuses_is_said_in_its_words(desk: Any, bridge: LoopbackBridge, rig: Rig) -> None:
    bridge.card = rig.igc.professional(card_type=3)
    open_desk: Desk = desk(bridge.port)
    open_desk.click()
    assert "il faut une carte CPS" in open_desk.failure()
