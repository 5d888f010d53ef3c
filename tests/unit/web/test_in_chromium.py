"""What only a browser can tell: the policy lets our scripts work and nothing else, the key of a trusted device signs and
cannot leave, a journey may end at its application through a redirect, and everything works without scripts."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import flask
import pytest
from werkzeug.serving import make_server

from gateway.signin.evidence import Evidence, Means
from gateway.signin.journey import Step
from gateway.signin.trusted_device import signature_ok, signed_message
from tests.browser.driver import launched_chromium
from tests.unit.web.world import CAMILLE, HANDLE, NOW, ORIENTATION, Door

pytestmark = pytest.mark.browser

HERE = f"/signin/{HANDLE}"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with launched_chromium() as browser:
        yield browser


class Served:
    """The door on a real port, and the browser's complaints."""

    def __init__(self, door: Door, context: Any, origin: str) -> None:
        self.door, self.origin = door, origin
        self.page = context.new_page()
        self.page.set_default_timeout(15_000)
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(f"{origin}/forgotten")
        (browser,) = [cookie["value"] for cookie in context.cookies() if cookie["name"] == "__Host-browser"]
        door.journey.txn = replace(door.journey.txn, browser=browser)

    def open(self, path: str) -> None:
        self.page.goto(f"{self.origin}{path}")


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """Another site: the application that the journey goes back to."""
    app = flask.Flask("elsewhere", static_folder=None)
    app.add_url_rule("/callback", "callback", lambda: "the application")
    server = make_server("127.0.0.5", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.5:{server.port}/callback"
    server.shutdown()
    thread.join()


def serve(chromium: Any, callback: str, **options: Any) -> Iterator[Served]:
    door = Door(hsts=False)
    door.app.add_url_rule(
        "/authorize/resume/<handle>", "resume", lambda handle: door.shell.see_other(f"{callback}?code={handle}")
    )
    server = make_server("localhost", 0, door.app, threaded=True)
    origin = door.shell.public_origin = f"http://localhost:{server.port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    context = chromium.new_context(locale="fr-FR", **options)
    yield Served(door, context, origin)
    context.close()
    server.shutdown()
    thread.join()


@pytest.fixture
def served(chromium: Any, elsewhere: str) -> Iterator[Served]:
    yield from serve(chromium, elsewhere)


@pytest.fixture
def without_script(chromium: Any, elsewhere: str) -> Iterator[Served]:
    yield from serve(chromium, elsewhere, java_script_enabled=False)


def sign_in(served: Served) -> None:
    served.open(f"{HERE}/password")
    served.page.get_by_label("Identifiant").fill("camille.duval")
    served.page.get_by_label("Mot de passe", exact=True).fill("un bon mot de passe")
    served.page.get_by_role("button", name="Se connecter").click()
    served.page.wait_for_url(f"{served.origin}{HERE}/code")


def registered(callback: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.unit.web.world.ORIENTATION", replace(ORIENTATION, redirect_uris=(callback,)))


def test_a_trusted_device_signs_the_challenge_with_a_key_that_cannot_leave(
    served: Served, elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered(elsewhere, monkeypatch)
    page, door = served.page, served.door
    sign_in(served)
    page.get_by_label("Faire confiance").check()
    page.get_by_label("Code reçu").fill("1234 5678")
    page.get_by_role("button", name="Vérifier").click()
    page.wait_for_url(f"{elsewhere}?code={HANDLE}")
    (point,) = door.codes.points
    assert point is not None and door.codes.submitted == ["12345678"]

    door.journey.txn = replace(door.journey.txn, evidence=(Evidence(Means.PASSWORD, NOW),), account_id=CAMILLE.id)
    door.journey.step = Step.DEVICE
    served.open(f"{HERE}/device")
    page.wait_for_url(f"{elsewhere}?code={HANDLE}")
    ((device, signature),) = door.devices.signatures
    assert device == "device-1"
    assert signature_ok(point, signature, signed_message(served.origin, "the-challenge"))

    served.open("/")
    exported = page.evaluate(
        """async () => {
          const opening = indexedDB.open("passerelle", 1);
          const database = await new Promise((done) => { opening.onsuccess = () => done(opening.result); });
          const keys = await new Promise((done) => {
            const asked = database.transaction("device-keys").objectStore("device-keys").getAll();
            asked.onsuccess = () => done(asked.result);
          });
          return Promise.all(keys.map((key) => crypto.subtle.exportKey("pkcs8", key).then(() => "left", (e) => e.name)));
        }"""
    )
    assert exported == ["InvalidAccessError"]
    assert not [complaint for complaint in served.complaints if "Content Security Policy" in complaint]


def test_a_browser_that_lost_its_key_asks_for_a_code(served: Served) -> None:
    served.door.journey.txn = replace(served.door.journey.txn, account_id=CAMILLE.id)
    served.door.journey.step = Step.DEVICE
    served.open(f"{HERE}/device")
    served.page.wait_for_url(f"{served.origin}{HERE}/code")
    assert (served.door.devices.skipped, served.door.devices.signatures) == (1, [])


@pytest.mark.spec("WEB-01")
def test_a_form_cannot_end_at_a_site_that_is_not_registered(
    served: Served, elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered("http://127.0.0.6:1/callback", monkeypatch)
    sign_in(served)
    served.page.get_by_label("Code reçu").fill("12345678")
    with served.page.expect_console_message(lambda message: "form-action" in message.text):
        served.page.get_by_role("button", name="Vérifier").click()
    assert not served.page.url.startswith(elsewhere)


@pytest.mark.spec("PWD-10")
def test_a_password_is_pasted_shown_and_filled_by_a_manager(served: Served) -> None:
    served.open(f"{HERE}/password")
    name, field = served.page.get_by_label("Identifiant"), served.page.get_by_label("Mot de passe", exact=True)
    name.fill("un bon mot de passe")
    name.select_text()
    served.page.keyboard.press("Control+C")
    field.focus()
    served.page.keyboard.press("Control+V")
    served.page.get_by_role("button", name="Afficher").click()
    assert (field.input_value(), field.get_attribute("type")) == ("un bon mot de passe", "text")
    assert name.get_attribute("autocomplete") == "username"
    assert field.get_attribute("autocomplete") == "current-password"


def test_showing_the_password_is_undone_before_it_is_sent(served: Served) -> None:
    served.open(f"{HERE}/password")
    field = served.page.get_by_label("Mot de passe", exact=True)
    field.fill("un bon mot de passe")
    served.page.get_by_role("button", name="Afficher").click()
    assert field.get_attribute("type") == "text"
    served.page.get_by_role("button", name="Masquer").click()
    assert field.get_attribute("type") == "password"


def tab_to(page: Any, said: str) -> None:
    """Presses the key until the focus is on the control of this name."""
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim()") == said:
            return
    raise AssertionError(f"the keyboard does not reach {said}")


def enter(page: Any) -> None:
    with page.expect_navigation():
        page.keyboard.press("Enter")


@pytest.mark.spec("A11Y-05", "A11Y-07", "AC-148", "R001-07")
def test_a_sign_in_with_a_code_goes_by_keyboard_alone_and_each_step_is_announced(
    served: Served, elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered(elsewhere, monkeypatch)
    page, keys = served.page, served.page.keyboard
    served.open(f"{HERE}/password")
    tab_to(page, "Identifiant")
    keys.type("camille.duval")
    tab_to(page, "Mot de passe")
    keys.type("pas le bon")
    enter(page)
    assert page.evaluate("document.activeElement.getAttribute('role')") == "alert"
    tab_to(page, "Mot de passe")
    keys.type("un bon mot de passe")
    enter(page)
    assert page.evaluate("document.activeElement.name") == "code", "where the reader of the screen begins"
    tab_to(page, "Envoyer un nouveau code")
    enter(page)
    assert "nouveau code" in page.get_by_role("status").inner_text()
    keys.type("1234 5678")
    enter(page)
    assert page.url == f"{elsewhere}?code={HANDLE}"
    assert served.door.codes.submitted == ["12345678"]


@pytest.mark.spec("A11Y-07")
def test_password_and_code_work_without_scripts(
    without_script: Served, elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered(elsewhere, monkeypatch)
    sign_in(without_script)
    page = without_script.page
    assert not page.get_by_label("Faire confiance").is_visible()
    page.get_by_label("Code reçu").fill("12345678")
    page.get_by_role("button", name="Vérifier").click()
    page.wait_for_url(f"{elsewhere}?code={HANDLE}")


@pytest.mark.spec("A11Y-07")
@pytest.mark.parametrize("language", ["fr", "en"])
def test_nothing_overflows_a_narrow_screen(served: Served, language: str) -> None:
    served.page.set_viewport_size({"width": 320, "height": 640})
    served.door.journey.txn = replace(served.door.journey.txn, account_id=CAMILLE.id)
    for step in (Step.PASSWORD, Step.CODE, Step.STRUCTURE):
        served.door.journey.step = step
        served.open(f"{HERE}/{step.value}?ui_locales={language}")
        assert served.page.evaluate("document.documentElement.scrollWidth") <= 320
    for path in ("/", "/forgotten", "/nowhere", "/reset"):
        served.open(path)
        assert served.page.evaluate("document.documentElement.scrollWidth") <= 320
