"""A shared post in real browsers: two people one after the other, the Back button, and a mark that no other site can set."""

import contextlib
from collections.abc import Callable
from threading import Event

import pytest

from tests.browser.driver import Browser
from tests.running_demo import RunningDemo

Pictures = Callable[[Browser, str], None]
NADIA = ("n.benali", "colline-romarin-4817", "nadia.benali@demo.passerelle.test")
INES = ("i.fabre", "belvedere-safran-8264", "ines.fabre@demo.passerelle.test")


def _sign_in(browser: Browser, demo: RunningDemo, person: tuple[str, str, str]) -> None:
    """From the form to the last proof."""
    username, password, address = person
    known = demo.codes(address)
    browser.fill("Identifiant", username)
    browser.fill("Mot de passe", password)
    browser.click("Se connecter")
    browser.wait_for("Code de vérification")
    assert not browser.has_field("Faire confiance à cet appareil")
    browser.fill("Code reçu", str(demo.wait_for_mail(address, "code", known=known)["codes"][0]))
    browser.click("Vérifier")


def _back(browser: Browser) -> tuple[str, str]:
    """Presses Back: where that leads, and what is shown there (which may be the browser's own "document expired")."""
    browser.evaluate("window.left = true; setTimeout(() => history.back())")  # once this question is answered
    said = "return window.left || document.readyState !== 'complete' ? '' : location.href + '\\n' + document.body?.innerText"
    for _ in range(200):
        with contextlib.suppress(Exception):  # of a page that is just being left
            if found := browser.evaluate(said):
                where, _, shown = str(found).partition("\n")
                return where, shown
        Event().wait(0.05)
    raise AssertionError(browser.url())


def _suivi_was_told(browser: Browser, demo: RunningDemo) -> None:
    """Shows the application Suivi once it has heard, by its back-channel logout, that the session is over."""
    for _ in range(200):
        browser.open(demo.suivi)
        if "Se connecter" in browser.text():
            return
        Event().wait(0.05)
    raise AssertionError(browser.text())


def _is_marked(browser: Browser, demo: RunningDemo) -> bool:
    browser.open(f"{demo.gateway}/post")
    return "noté" in browser.text()


@pytest.mark.spec("SES-11", "SES-05")
def test_two_people_on_one_browser_and_the_second_is_never_the_first(
    browser: Browser, demo: RunningDemo, pictures: Pictures
) -> None:
    browser.open(demo.orientation)
    browser.click("Se connecter")
    browser.wait_for("pour accéder à Orientation")
    browser.click("Ce poste est partagé")
    browser.wait_for("S'il est partagé")
    pictures(browser, "post")
    browser.click("Ce poste est partagé")
    browser.wait_for("ce que cela change")
    pictures(browser, "password-shared")
    _sign_in(browser, demo, NADIA)
    browser.wait_for("Pour quelle structure")
    assert "Vous êtes Nadia B." in browser.text()
    pictures(browser, "structure-shared")
    browser.tick("ESAT Les Oliviers")
    browser.click("Continuer")
    browser.wait_for("Nadia Benali")

    browser.open(demo.suivi)
    browser.click("Se connecter")
    browser.wait_for("Vous êtes Nadia B.")
    assert "Benali" not in browser.text()
    pictures(browser, "same-person")
    browser.click("Continuer")
    browser.wait_for("Relais autonomie du Pays bleu")

    browser.open(demo.gateway)
    browser.wait_for("Vous êtes Nadia B.")
    browser.click("Ce n'est pas moi")
    browser.wait_for("Mot de passe")
    assert "Nadia" not in browser.text()
    for _ in range(3):
        where, shown = _back(browser)
        assert "Nadia" not in shown or not where.startswith(demo.gateway), where

    _suivi_was_told(browser, demo)
    browser.click("Se connecter")
    browser.wait_for("pour accéder à Suivi")
    _sign_in(browser, demo, INES)
    browser.wait_for("Inès Fabre")
    assert "Benali" not in browser.text()


@pytest.mark.spec("SES-05", "AC-113")
def test_after_signing_out_the_back_button_shows_nothing_of_anybody(browser: Browser, demo: RunningDemo) -> None:
    """AC-113."""
    browser.open(f"{demo.gateway}/post?shared")
    browser.wait_for("Votre accès aux services de santé")
    browser.click("Se connecter")
    browser.wait_for("Identifiant")
    _sign_in(browser, demo, NADIA)
    browser.wait_for("Nadia Benali")
    browser.click("Se déconnecter")
    browser.wait_for("Votre session est fermée")
    for _ in range(4):
        where, shown = _back(browser)
        assert "Nadia" not in shown, where


@pytest.mark.spec("SES-11")
def test_the_start_page_marks_the_browser_and_a_link_on_another_site_does_not(
    browser: Browser, demo: RunningDemo, pictures: Pictures
) -> None:
    browser.open(demo.orientation)
    browser.evaluate(f"location.href = '{demo.gateway}/post?shared'")
    browser.wait_for("S'il est partagé")
    assert not _is_marked(browser, demo)
    browser.open(f"{demo.gateway}/post?shared")
    browser.wait_for("Votre accès aux services de santé")
    assert _is_marked(browser, demo)
    pictures(browser, "post-shared")
    browser.click("Ce poste n'est plus partagé")
    browser.wait_for("S'il est partagé")
