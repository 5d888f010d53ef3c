"""The session as people see it in an application: work keeps it alive, a warning comes in time, nothing typed is lost."""

from collections.abc import Callable
from threading import Event
from typing import Any

import pytest

from tests.browser.driver import Browser
from tests.browser.visit import PAUL
from tests.running_demo import RunningDemo

Pictures = Callable[[Browser, str], None]
IDLE = 30 * 60
DRAFT = "document.getElementById('draft-text').value"
DIALOG = """
  const root = [...document.body.children].map(child => child.shadowRoot).find(Boolean);
  const dialog = root && root.querySelector("dialog[open]");
"""


@pytest.fixture
def signed_in(browser: Browser, demo: RunningDemo) -> Browser:
    """Paul, in Orientation, half way through a notification."""
    phone = "+33639980001"
    known = len(demo.texts(phone))
    browser.open(demo.orientation)
    browser.click("Se connecter")
    browser.wait_for("pour accéder à Orientation")
    browser.fill("Identifiant", PAUL.username)
    browser.fill("Mot de passe", PAUL.password)
    browser.click("Se connecter")
    browser.wait_for("par SMS")
    browser.fill("Code reçu", demo.wait_for_text(phone, known=known)["codes"][-1])
    browser.click("Vérifier")
    browser.wait_for("Notification en préparation")
    until(
        browser, "return typeof window.SessionWatch === 'object' || window.wrappedJSObject?.SessionWatch !== undefined"
    )
    browser.fill("Brouillon", "Deux places libres en mars")
    return browser


def until(browser: Browser, script: str) -> Any:
    for _ in range(400):
        if found := browser.evaluate(script):
            return found
        Event().wait(0.05)
    raise AssertionError(f"{script}: {browser.text()}")


def asked(demo: RunningDemo, browser: Browser) -> float:
    """What is left of the session, in seconds, without counting as use."""
    started = "window.left = undefined; fetch('/session/activity').then(answer => answer.json())"
    browser.evaluate(
        f"{started}.then(life => document.body.dataset.left = (life.session_idle_at - life.now) || 'over');"
        "delete document.body.dataset.left;"
    )
    left = until(browser, "return document.body.dataset.left")
    return 0.0 if left == "over" else float(left)


def come_back(browser: Browser) -> None:
    """From another window."""
    browser.evaluate("window.dispatchEvent(new Event('focus'));")


def dialog(browser: Browser) -> dict[str, Any]:
    said: dict[str, Any] = until(
        browser,
        f"""{DIALOG} return dialog ? {{
            role: dialog.getAttribute("role"),
            title: root.getElementById(dialog.getAttribute("aria-labelledby")).textContent,
            text: root.getElementById(dialog.getAttribute("aria-describedby")).textContent,
            focus: root.activeElement ? root.activeElement.textContent : null,
            lang: root.host.lang,
            inside: dialog.getBoundingClientRect().left >= 0
                && dialog.getBoundingClientRect().right <= document.documentElement.clientWidth
                && dialog.getBoundingClientRect().top >= 0
                && dialog.getBoundingClientRect().bottom <= innerHeight,
        }} : null;""",
    )
    return said


def until_closed(browser: Browser) -> None:
    until(browser, f"{DIALOG} return !dialog;")


@pytest.mark.spec("SES-04", "SES-03")
def test_a_warning_comes_two_minutes_before_the_end_and_one_gesture_is_enough(
    signed_in: Browser, demo: RunningDemo, pictures: Pictures
) -> None:
    browser = signed_in
    for gesture in ("Enter", "Escape"):
        demo.advance(IDLE - 130)
        come_back(browser)
        assert 100 < asked(demo, browser) <= 130
        assert browser.evaluate(f"{DIALOG} return !dialog;"), "not before its time"
        demo.advance(20)
        come_back(browser)
        warned = dialog(browser)
        assert (warned["role"], warned["lang"]) == ("alertdialog", "fr")
        assert warned["title"] == "Votre session va se terminer"
        assert "2 minutes" in warned["text"]
        assert warned["focus"] == "Rester connecté"
        assert warned["inside"]
        assert "Votre session va se terminer" in browser.evaluate("return document.title")
        if gesture == "Enter":
            pictures(browser, "session-warning")
        browser.press("Tab")
        browser.press("Tab")
        inside = "[root.host, document.body].includes(document.activeElement)"
        assert browser.evaluate(f"{DIALOG} return {inside};"), "the keyboard stays in the warning"
        if gesture == "Enter":
            browser.evaluate(f"{DIALOG} root.querySelector('button').focus();")
        browser.press(gesture)
        until_closed(browser)
        assert asked(demo, browser) > IDLE - 60
    assert browser.evaluate(f"return {DRAFT}") == "Deux places libres en mars"


@pytest.mark.spec("SES-03", "SES-04")
def test_working_in_the_application_is_use_and_an_open_page_is_not(signed_in: Browser, demo: RunningDemo) -> None:
    browser = signed_in
    demo.advance(10 * 60)
    for _ in range(3):
        come_back(browser)
    assert asked(demo, browser) <= IDLE - 10 * 60
    browser.evaluate(
        "document.getElementById('draft-text').dispatchEvent(new KeyboardEvent('keydown', {bubbles: true}));"
    )
    assert asked(demo, browser) <= IDLE - 10 * 60, "a script is nobody"
    browser.set_clock_forward(90)
    browser.evaluate("document.getElementById('draft-text').focus();")
    browser.press("Tab")
    for _ in range(50):
        if asked(demo, browser) > IDLE - 60:
            return
    raise AssertionError(asked(demo, browser))


@pytest.mark.spec("SES-04", "SES-03")
def test_at_the_end_the_page_says_so_and_keeps_what_was_typed(
    signed_in: Browser, demo: RunningDemo, pictures: Pictures
) -> None:
    browser = signed_in
    demo.advance(IDLE + 1)
    come_back(browser)
    until(browser, f"{DIALOG} return dialog && dialog.querySelector('a') ? true : null;")
    over = dialog(browser)
    assert over["role"] == "alertdialog"
    assert over["title"] == "Votre session est terminée"
    assert "encore sur cette page" in over["text"]
    assert over["focus"] == "Se reconnecter (nouvel onglet)"
    pictures(browser, "session-over")
    assert browser.evaluate(f"return {DRAFT}") == "Deux places libres en mars"
    browser.open(demo.orientation)
    browser.wait_for("votre session a pris fin ailleurs")
