"""In Chromium and Firefox: Élodie lost everything, and comes back by two référents and a sheet of paper."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.browser.visit import ELODIE, NADIA, THOMAS, Person, Visit

Pictures = Callable[[Any, str], None]
FRESH = "martin-pêcheur au bord du canal"


def as_referent(visit: Visit, person: Person) -> None:
    """Signed in by e-CPS, which is linked on the way, on the page of the team."""
    visit.browser.forget_everything()
    visit.sign_in_and_link(person)
    visit.browser.wait_for("ESAT LES OLIVIERS" if person is NADIA else "Structure active")
    if person is NADIA:
        visit.choose("ESAT LES OLIVIERS")
        visit.browser.wait_for("Structure active")
    visit.browser.open(f"{visit.demo.gateway}/compte")
    visit.browser.click("Aider mes collègues")
    visit.browser.wait_for("Les comptes des structures")


def to_colleague(visit: Visit, name: str) -> None:
    address = visit.browser.evaluate(f"return document.querySelector('a[aria-label=\"Aider {name}\"]').href")
    visit.browser.open(address)
    visit.browser.wait_for("Nom d'utilisateur")


@pytest.mark.spec("FID-11", "A11Y-02")
def test_somebody_who_lost_everything_comes_back_by_two_referents_and_a_sheet(visit: Visit, pictures: Pictures) -> None:
    browser, demo = visit.browser, visit.demo
    known = visit.codes_so_far(NADIA)
    browser.open(f"{demo.gateway}/equipe")
    visit.type_password(NADIA)
    visit.type_mailed_code(NADIA, known)
    browser.wait_for("Il vous faut un moyen plus sûr")
    pictures(browser, "team-no-means")

    as_referent(visit, NADIA)
    pictures(browser, "team")
    to_colleague(visit, "Claire Morel")
    pictures(browser, "team-first-access")
    browser.open(f"{demo.gateway}/equipe")
    to_colleague(visit, "Élodie Marchand")
    pictures(browser, "team-open")
    browser.tick("Appareil ou téléphone perdu")
    browser.tick("J'ai vu cette personne")
    browser.click("Ouvrir la récupération")
    browser.wait_for("La récupération est ouverte")
    pictures(browser, "team-opened")
    notice = demo.wait_for_mail(ELODIE.email, "une récupération de votre compte est en cours")

    as_referent(visit, THOMAS)
    browser.wait_for("Récupération à approuver")
    to_colleague(visit, "Élodie Marchand")
    pictures(browser, "team-decide")
    browser.click("Approuver")
    browser.wait_for("La récupération est approuvée")
    pictures(browser, "team-approved")
    browser.click("Imprimer une feuille")
    browser.wait_for("Ce code n'est montré qu'ici")
    pictures(browser, "team-paper")
    code = browser.evaluate("return [...document.querySelectorAll('.paper-code span')].map(one => one.textContent)")
    assert len(code) == 6
    assert demo.wait_for_mail(ELODIE.email, "une feuille est imprimée")

    browser.forget_everything()
    browser.open(notice["links"][0])
    browser.wait_for("Ce n'est pas vous")
    pictures(browser, "recovery-stop")
    browser.open(f"{demo.gateway}/feuille")
    pictures(browser, "sheet")
    browser.fill("Identifiant", ELODIE.username)
    browser.fill("Code de la feuille", "2345 2345 2345 2345 2345 2345")
    browser.click("Continuer")
    browser.wait_for("ne vont pas ensemble")
    pictures(browser, "sheet-refused")
    browser.fill("Code de la feuille", " ".join(code).lower())
    browser.click("Continuer")
    browser.wait_for("Votre adresse e-mail")
    pictures(browser, "sheet-address")
    browser.click("Recevoir le code")
    browser.wait_for("Un code est parti")
    pictures(browser, "sheet-code")
    browser.fill("Code reçu", demo.wait_for_mail(ELODIE.email, "vérifiez cette adresse")["codes"][0])
    browser.click("Vérifier")
    browser.wait_for("Choisissez comment vous vous connecterez")
    pictures(browser, "recovery")
    browser.fill("Nouveau mot de passe", FRESH)
    browser.fill("Le même, une seconde fois", FRESH)
    browser.click("Retrouver mon compte")
    browser.wait_for("Votre compte est retrouvé")
    pictures(browser, "recovery-done")
    assert demo.wait_for_mail(ELODIE.email, "votre compte est retrouvé")

    browser.open(f"{demo.gateway}/stop_recovery")
    browser.wait_for("Il n'y a plus rien à arrêter")
    browser.open(f"{demo.gateway}/activation/demande")
    pictures(browser, "ask-access")
    visit.sign_in_by_password(replace(ELODIE, password=FRESH))
    browser.wait_for("Élodie Marchand")
    assert re.match(demo.orientation, browser.url())
