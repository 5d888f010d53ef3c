"""In Chromium and Firefox, each with an authenticator of its own: a passkey from its creation to its removal, on the account's
page, at sign-in, at the activation of an account, and after a login by Pro Santé Connect."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.visit import KARIM, NADIA, PAUL, Person, Visit

Pictures = Callable[[Any, str], None]


def to_the_list(visit: Visit, person: Person) -> None:
    """Signed in with a mailed code, on the page of the passkeys."""
    known = visit.codes_so_far(person)
    visit.browser.open(f"{visit.demo.gateway}/compte/passkeys")
    visit.type_password(person)
    visit.type_mailed_code(person, known)
    visit.browser.wait_for("Vos clés d'accès")


def create(visit: Visit, name: str, pictures: Pictures) -> None:
    visit.browser.click("Créer une clé d'accès")
    visit.browser.wait_for("Votre navigateur vous guide")
    pictures(visit.browser, "passkeys-new")
    visit.browser.fill("Nom", name)
    visit.browser.click("Créer la clé d'accès")
    visit.browser.wait_for("La clé d'accès est ajoutée")


@pytest.mark.spec("FID-01", "FID-06", "FID-10", "A11Y-10")
def test_a_passkey_is_created_and_signs_in_and_the_last_proof_is_not_removed(visit: Visit, pictures: Pictures) -> None:
    browser, demo = visit.browser, visit.demo
    with browser.authenticator() as holder:
        to_the_list(visit, NADIA)
        pictures(browser, "passkeys-none")
        create(visit, "Mon ordinateur", pictures)
        browser.wait_for("Mon ordinateur")
        pictures(browser, "passkeys-list")
        assert demo.wait_for_mail(NADIA.email, "une clé d’accès est ajoutée")

        browser.forget_everything()
        holder(False)
        visit.begin()
        pictures(browser, "passkey-among-the-means")
        browser.click("Clé d'accès (passkey)")
        browser.wait_for("Il n'y a aucun code à recopier")
        pictures(browser, "passkey-signin")
        holder(True)
        browser.click("Utiliser ma clé d'accès")
        visit.choose("ESAT Les Oliviers")
        browser.wait_for("Nadia Benali")
        received = browser.evaluate("return document.body.textContent")
        assert "urn:passerelle:acr:passkey" in received

        browser.open(f"{demo.gateway}/compte/passkeys")
        browser.wait_for("Utilisée le")
        browser.click("Modifier")
        browser.wait_for("Retirer cette clé d'accès")
        pictures(browser, "passkeys-one")
        browser.click("Retirer cette clé d'accès")
        browser.wait_for("C'est votre seul moyen de vérification fiable")
        pictures(browser, "passkeys-last")
        shown = demo.passerelle("--json", "accounts", "authenticators", NADIA.username)
        assert "passkey" in shown


@pytest.mark.browser
@pytest.mark.xdist_group("browser-chromium")
def test_nobody_consents_and_the_page_says_what_to_do(visits: Callable[[str], Visit], pictures: Pictures) -> None:
    """The browser gives up, and every other means stays. In Chromium alone: the driver of Firefox cannot speak for the page."""
    visit = visits("chromium")
    browser = visit.browser
    visit.begin()
    browser.click("Clé d'accès (passkey)")
    browser.wait_for("Il n'y a aucun code à recopier")
    browser.evaluate("navigator.credentials.get = () => Promise.reject(new DOMException('', 'NotAllowedError'))")
    browser.click("Utiliser ma clé d'accès")
    browser.wait_for("Rien n'a été confirmé")
    pictures(browser, "passkey-cancelled")
    browser.click("Voir les autres moyens")
    visit.type_password(KARIM)
    browser.wait_for("Code de vérification")


@pytest.mark.spec("RST-11")
def test_an_account_is_activated_by_a_passkey_and_never_has_a_password(visit: Visit, pictures: Pictures) -> None:
    browser = visit.browser
    zoe = Person("Zoé Marin", "z.marin", "", "99900000086")
    with browser.authenticator() as holder:
        visit.invite(zoe)
        pictures(browser, "activation-with-a-passkey")
        browser.click("Clé d'accès (passkey)")
        browser.wait_for("Il n'y a aucun mot de passe à retenir")
        pictures(browser, "passkey-activation")
        browser.click("Créer ma clé d'accès et activer mon compte")
        browser.wait_for("Se connecter")
        browser.forget_everything()
        holder(False)
        browser.open(f"{visit.demo.gateway}/signin")
        browser.wait_for("Clé d'accès (passkey)")
        browser.click("Clé d'accès (passkey)")
        browser.wait_for("Il n'y a aucun code à recopier")
        holder(True)
        browser.click("Utiliser ma clé d'accès")
        browser.wait_for("Zoé Marin")


@pytest.mark.spec("FID-10")
def test_after_pro_sante_connect_a_passkey_is_offered_once_on_this_device_and_removed(
    visit: Visit, pictures: Pictures
) -> None:
    browser, demo = visit.browser, visit.demo
    with browser.authenticator() as holder:
        visit.sign_in_and_link(PAUL)
        browser.wait_for("La prochaine fois, sans carte")
        pictures(browser, "passkey-offer")
        browser.click("Créer ma clé d'accès")
        browser.wait_for("Paul Girard")
        assert demo.wait_for_mail(PAUL.email, "une clé d’accès est ajoutée")
        visit.sign_out("Orientation")
        holder(False)
        visit.begin()
        visit.prove(PAUL.rpps)
        browser.wait_for("Paul Girard")

        # With Pro Santé Connect beside it, the passkey is not the last proof: its holder removes it.
        browser.open(f"{demo.gateway}/compte/passkeys")
        browser.wait_for("Vos clés d'accès")
        browser.click("Modifier")
        browser.wait_for("Retirer cette clé d'accès")
        browser.click("Retirer cette clé d'accès")
        browser.wait_for("La clé d'accès est retirée")
        pictures(browser, "passkeys-removed")
        browser.wait_for("Vous n'avez pas encore de clé d'accès")
        assert demo.wait_for_mail(PAUL.email, "une clé d’accès est retirée")
        shown = demo.passerelle("--json", "accounts", "authenticators", PAUL.username)
        assert "passkey" not in shown


@pytest.mark.browser
@pytest.mark.xdist_group("browser-chromium")
@pytest.mark.spec("A11Y-10")
def test_beside_the_identifier_the_browser_proposes_the_passkey_by_itself(visits: Callable[[str], Visit]) -> None:
    """In Chromium alone, whose authenticator answers without a window: nothing is typed, and nothing is clicked on our page."""
    visit = visits("chromium")
    with visit.browser.authenticator():
        to_the_list(visit, KARIM)
        create(visit, "", lambda *_: None)
        visit.browser.wait_for("Clé d'accès")
        visit.browser.forget_everything()
        visit.open("Orientation")
        visit.browser.click("Se connecter")
        visit.browser.wait_for("Karim Haddad")
