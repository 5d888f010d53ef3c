"""In Chromium and Firefox: « Mon compte », from its first page to a changed address that the former one takes back."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.visit import NADIA, Visit

Pictures = Callable[[Any, str], None]


@pytest.mark.spec("R003-13", "SES-09", "OTP-13")
def test_somebody_looks_around_changes_their_address_and_takes_it_back(visit: Visit, pictures: Pictures) -> None:
    browser, gateway = visit.browser, visit.demo.gateway
    known = visit.codes_so_far(NADIA)
    browser.open(f"{gateway}/compte")
    visit.type_password(NADIA)
    visit.type_mailed_code(NADIA, known)
    browser.wait_for("À gérer ici")
    assert NADIA.rpps in browser.text()
    pictures(browser, "account")
    for room, said in (
        ("sessions", "Sessions ouvertes"),
        ("applications", "Voici les applications"),
        ("habilitations", "Mes référents"),
        ("identites", "Elles prouvent qui vous êtes"),
        ("mot-de-passe", "Mot de passe actuel"),
        ("journal", "depuis douze mois"),
        ("donnees", "Télécharger mes données"),
        ("contacts", "Adresse de secours"),
    ):
        browser.open(f"{gateway}/compte/{room}")
        browser.wait_for(said)
        pictures(browser, f"account-{room}")
    browser.open(f"{gateway}/compte/contacts/email")
    browser.wait_for("Nouvelle adresse e-mail")
    pictures(browser, "account-email")
    new = "nadia.neuve@demo.passerelle.test"
    browser.fill("Nouvelle adresse e-mail", new)
    browser.click("Recevoir un code")
    browser.wait_for("Vérifiez ce contact")
    pictures(browser, "account-email-code")
    code = visit.demo.wait_for_mail(new, "vérifiez cette adresse")["codes"][0]
    browser.fill("Code reçu", code)
    browser.click("Vérifier")
    browser.wait_for("Votre adresse e-mail est changée")
    link = visit.demo.wait_for_mail(NADIA.email, "un contact de votre compte a changé")["links"][0]
    browser.open(link)
    browser.wait_for("Annuler ce changement")
    pictures(browser, "account-undo")
    browser.click("Annuler ce changement")
    browser.wait_for("Le changement est annulé")
