"""The everyday way in, in Chromium and Firefox, by one person: from the mail that activates the account to a passkey; days pass
by the clock that the whole demo shares."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.driver import Browser
from tests.browser.test_authenticators import Telephone, shown_secret
from tests.browser.visit import Person, Visit
from tests.running_demo import RunningDemo

Pictures = Callable[[Any, str], None]
PEOPLE = {
    "chromium": (Person("Lucie Bernard", "l.bernard", "sentier-lumineux-7781", ""), "+33639980077"),
    "firefox": (Person("Anouk Bernard", "a.bernard", "sentier-lumineux-7782", ""), "+33639980078"),
}
"""And their telephones. The demo is everybody's, and they are nobody else's."""
DAY = 86_400


def choose_password(visit: Visit, password: str) -> None:
    visit.browser.fill("Nouveau mot de passe", password)
    visit.browser.fill("Le même", password)
    visit.browser.click("Activer mon compte")


def leave(visit: Visit, days: float) -> None:
    """Out of the application, and away for so long."""
    visit.browser.click("Se déconnecter")
    visit.browser.wait_for("Se connecter")
    visit.demo.advance(int(days * DAY))


def type_texted_code(visit: Visit, phone: str, known: int) -> None:
    visit.browser.fill("Code reçu", visit.demo.wait_for_text(phone, known=known)["codes"][-1])
    visit.browser.click("Vérifier")


@pytest.mark.spec("LOA-07", "SES-13", "R002-17")
def test_an_account_is_activated_used_for_weeks_and_made_safer(
    browser: Browser, demo: RunningDemo, pictures: Pictures
) -> None:
    visit, (somebody, phone) = Visit(browser, demo), PEOPLE[browser.name]
    new_device = "nouvel appareil"

    # The mail, and the first password.
    visit.invite(somebody)
    assert browser.url() == f"{demo.gateway}/activation", "the token leaves the address bar"
    pictures(browser, "activation")
    choose_password(visit, somebody.name.lower())
    browser.wait_for("Choisissez-en un autre")
    pictures(browser, "activation-refused")
    choose_password(visit, somebody.password)
    browser.wait_for("Votre compte est actif")
    pictures(browser, "activated")
    browser.open(demo.wait_for_mail(somebody.email, "activez")["links"][0])
    browser.wait_for("Ce lien n'est plus valable")
    pictures(browser, "link-gone")

    # The first code; the device is trusted: no code after 29 days, one after 31.
    visit.begin()
    visit.type_password(somebody)
    browser.wait_for("Code de vérification")
    browser.tick("Faire confiance à cet appareil")
    visit.type_mailed_code(somebody, 0)
    browser.wait_for(somebody.name)
    leave(visit, 29)
    visit.begin()
    visit.type_password(somebody)
    browser.wait_for(somebody.name)
    assert visit.codes_so_far(somebody) == 1
    leave(visit, 2)
    visit.begin()
    visit.type_password(somebody)
    visit.type_mailed_code(somebody, 1)
    browser.wait_for(somebody.name)

    # Codes by text message, once the telephone is verified.
    browser.open(f"{demo.gateway}/compte/contacts/telephone")
    browser.wait_for("Le SMS est le moyen le moins sûr")
    pictures(browser, "account-telephone")
    browser.fill("Numéro de mobile", f"0{phone.removeprefix('+33')}")
    browser.click("Recevoir un code")
    browser.wait_for("Vérifiez ce contact")
    type_texted_code(visit, phone, 0)
    browser.wait_for("Votre téléphone est vérifié")
    browser.tick("par SMS")
    browser.click("Enregistrer")
    visit.type_password(somebody)
    browser.wait_for("Code de vérification")
    visit.type_mailed_code(somebody, 2)
    browser.wait_for("Vous recevez vos codes")
    browser.tick("par SMS")
    browser.click("Enregistrer")
    browser.wait_for("Votre choix est enregistré")
    visit.open("Orientation")
    leave(visit, 1)
    visit.begin()
    visit.type_password(somebody)
    browser.wait_for("par SMS")
    type_texted_code(visit, phone, 1)
    browser.wait_for(somebody.name)

    # An authenticator application, then a passkey.
    browser.open(f"{demo.gateway}/compte/authentificateurs/application")
    browser.wait_for("Donnez-lui un nom")
    browser.click("Continuer")
    browser.wait_for("Présentez votre compte à l'application")
    telephone = Telephone(demo, shown_secret(browser))
    browser.fill("Code affiché par l'application", telephone.code())
    browser.click("Activer l'application")
    browser.wait_for("Vos codes de secours")
    browser.click("C'est noté")
    visit.open("Orientation")
    leave(visit, 1)
    assert not [mail for mail in demo.mails(somebody.email) if new_device in mail["subject"]], "one device all along"

    with browser.authenticator() as holder:
        browser.forget_everything()
        browser.open(f"{demo.gateway}/compte/passkeys/nouvelle")
        visit.type_password(somebody)
        browser.wait_for("Code de votre application")
        browser.fill("Code affiché", telephone.code())
        browser.click("Vérifier")
        browser.wait_for("Votre navigateur vous guide")
        told = demo.wait_for_mail(somebody.email, new_device)
        assert "Ce n’est pas vous" in told["text"]
        browser.fill("Nom", "Mon ordinateur")
        browser.click("Créer la clé d'accès")
        browser.wait_for("La clé d'accès est ajoutée")
        browser.open(f"{demo.gateway}/")
        browser.wait_for("Connexion précédente")
        assert "par mot de passe et code reçu par SMS" in browser.text()
        pictures(browser, "account-everyday")
        browser.click("Se déconnecter")
        browser.wait_for("Votre session est fermée")
        holder(False)
        visit.begin()
        browser.click("Clé d'accès (passkey)")
        browser.wait_for("Il n'y a aucun code à recopier")
        holder(True)
        browser.click("Utiliser ma clé d'accès")
        browser.wait_for(somebody.name)
        assert "urn:passerelle:acr:passkey" in browser.evaluate("return document.body.textContent")
