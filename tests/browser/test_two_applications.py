"""Two applications, one sign-in: single sign-on, an active structure in each, and one logout for both."""

from collections.abc import Callable
from threading import Event

import pytest

from tests.browser.driver import Browser
from tests.running_demo import RunningDemo

Pictures = Callable[[Browser, str], None]
ELSEWHERE = "votre session a pris fin ailleurs"


def _sign_in_to_orientation(browser: Browser, demo: RunningDemo, username: str, password: str) -> None:
    """As far as the code."""
    browser.open(demo.orientation)
    browser.click("Se connecter")
    browser.wait_for("pour accéder à Orientation")
    browser.fill("Identifiant", username)
    browser.fill("Mot de passe", password)
    browser.click("Se connecter")


def _mailed_code(browser: Browser, demo: RunningDemo, address: str, known: int) -> None:
    browser.wait_for("Code de vérification")
    browser.fill("Code reçu", str(demo.wait_for_mail(address, "code", known=known)["codes"][0]))
    browser.click("Vérifier")


def _codes_so_far(demo: RunningDemo, address: str) -> int:
    return demo.codes(address)


def _open_suivi(browser: Browser, demo: RunningDemo) -> None:
    browser.open(demo.suivi)
    browser.click("Se connecter")


def _held(browser: Browser) -> set[str]:
    held: list[str] = browser.evaluate(
        "return [...document.querySelectorAll('[data-held=yes]')].map(row => row.dataset.right)"
    )
    return set(held)


def _until_ended_elsewhere(browser: Browser, application: str) -> None:
    """The call comes after the answer to the person: within a second or so, not with it."""
    for _ in range(100):
        browser.open(application)
        if ELSEWHERE in browser.text():
            return
    raise AssertionError(browser.text())


def _until_closed(browser: Browser, wanted: dict[str, str]) -> None:
    """By its script alone, or by looking again as the link does."""
    for _ in range(100):
        said: dict[str, str] = browser.evaluate(
            "return Object.fromEntries([...document.querySelectorAll('[data-farewell] div')]"
            ".map(line => [line.querySelector('dt').textContent, line.querySelector('dd').textContent]))"
        )
        if said == wanted:
            return
        Event().wait(0.05)
    raise AssertionError(said)


@pytest.mark.spec("SES-07", "SES-05")
def test_one_sign_in_opens_both_applications_and_one_sign_out_closes_both(
    browser: Browser, demo: RunningDemo, pictures: Pictures
) -> None:
    phone = "+33639980001"
    known = len(demo.texts(phone))
    _sign_in_to_orientation(browser, demo, "p.girard", "tramontane-bleue-2096")
    browser.wait_for("par SMS")
    browser.fill("Code reçu", demo.wait_for_text(phone, known=known)["codes"][-1])
    browser.click("Vérifier")
    browser.wait_for("Foyer de vie La Garrigue")

    _open_suivi(browser, demo)
    browser.wait_for("Coordination Val de Lune")
    assert not browser.has_field("Mot de passe"), "one sign-in is enough"
    pictures(browser, "suivi-structure")
    browser.tick("Coordination Val de Lune")
    browser.click("Continuer")
    browser.wait_for("Ce que je peux faire ici")
    assert browser.url().startswith(demo.suivi)
    assert _held(browser) == {"suivi.dossier.lire", "suivi.dossier.ecrire"}
    pictures(browser, "suivi-signed-in")

    browser.click("Changer de structure")
    browser.wait_for("suivi.responsable, jusqu’au")
    assert browser.url() == f"{demo.suivi}/"
    assert "Vous agissez pour Maison partagée des Cigales" in browser.text()
    assert _held(browser) == {"suivi.dossier.lire", "suivi.dossier.ecrire", "suivi.equipe.gerer", "suivi.stats.lire"}

    browser.open(demo.orientation)
    browser.wait_for("Foyer de vie La Garrigue")
    assert _held(browser) == {"tdb.nominatif", "notif.declare", "notif.repondre", "evaluation.read"}

    browser.open(demo.suivi)
    browser.click("Se déconnecter")
    browser.wait_for("Elle servait dans ces applications")
    _until_closed(browser, {"Orientation": "Fermée", "Suivi": "Fermée"})
    pictures(browser, "signed-out")
    browser.click("Retourner à Suivi")
    browser.wait_for("Vous êtes déconnecté de Suivi et de la passerelle")
    _until_ended_elsewhere(browser, demo.orientation)
    pictures(browser, "orientation-ended-elsewhere")
    browser.click("Se connecter")
    browser.wait_for("pour accéder à Orientation")
    assert browser.has_field("Mot de passe")


def test_a_structure_is_chosen_in_the_application_that_has_several(browser: Browser, demo: RunningDemo) -> None:
    address = "nadia.benali@demo.passerelle.test"
    known = _codes_so_far(demo, address)
    _sign_in_to_orientation(browser, demo, "n.benali", "colline-romarin-4817")
    _mailed_code(browser, demo, address, known)
    browser.wait_for("Foyer de vie La Garrigue")
    browser.tick("Foyer de vie La Garrigue")
    browser.click("Continuer")
    browser.wait_for("Nadia Benali")
    assert _held(browser) == {"tdb.nominatif"}
    _open_suivi(browser, demo)
    browser.wait_for("Relais autonomie du Pays bleu")
    assert browser.url() == f"{demo.suivi}/", "one structure: nothing to choose"
    assert _held(browser) == {"suivi.dossier.lire", "suivi.dossier.ecrire"}
    browser.open(demo.orientation)
    browser.click("Changer de structure")
    browser.wait_for("Structure active ESAT Les Oliviers")
    assert "etab.update" in _held(browser)
    browser.open(demo.orientation)
    browser.click("Se déconnecter")
    browser.wait_for("Elle servait dans ces applications")
    browser.click("Retourner à Orientation")
    browser.wait_for("Vous êtes déconnecté d’Orientation")
    _until_ended_elsewhere(browser, demo.suivi)


def test_an_operator_without_rpps_has_rights_in_suivi_and_none_in_orientation(
    browser: Browser, demo: RunningDemo
) -> None:
    address = "ines.fabre@demo.passerelle.test"
    known = _codes_so_far(demo, address)
    _sign_in_to_orientation(browser, demo, "i.fabre", "belvedere-safran-8264")
    _mailed_code(browser, demo, address, known)
    browser.wait_for("Aucune structure active")
    assert _held(browser) == set()
    _open_suivi(browser, demo)
    browser.wait_for("Relais autonomie du Pays bleu")
    assert "suivi.equipe.gerer" in _held(browser)


@pytest.mark.spec("SES-07", "SES-08")
def test_an_archived_account_is_signed_out_of_both_applications(
    browser: Browser, demo: RunningDemo, passerelle: Callable[..., str]
) -> None:
    username = f"l.partante-{browser.name}"
    address = f"{username}@demo.passerelle.test"
    named = ("--given-name", "Lou", "--family-name", "Partante")
    passerelle("accounts", "create", "--username", username, *named, "--email", address)
    browser.open(demo.wait_for_mail(address, "activez")["links"][0])
    browser.wait_for("Bienvenue")
    browser.fill("Nouveau mot de passe", "sentier-lumineux-7781")
    browser.fill("Le même", "sentier-lumineux-7781")
    browser.click("Activer mon compte")
    browser.wait_for("Votre compte est actif")
    _sign_in_to_orientation(browser, demo, username, "sentier-lumineux-7781")
    _mailed_code(browser, demo, address, 0)
    browser.wait_for("Lou Partante")
    _open_suivi(browser, demo)
    browser.wait_for("Lou Partante")
    passerelle("accounts", "archive", username, "--reason", "left", "--yes")
    _until_ended_elsewhere(browser, demo.orientation)
    _until_ended_elsewhere(browser, demo.suivi)
