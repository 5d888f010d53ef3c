"""A person, a browser and the visible pages: what the demo promises, in Chromium and in Firefox."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.browser.driver import Browser
from tests.browser.visit import Person, Visit
from tests.running_demo import RunningDemo

NADIA = ("n.benali", "colline-romarin-4817", "nadia.benali@demo.passerelle.test")
PAUL = ("p.girard", "tramontane-bleue-2096", "+33639980001")
WITHOUT_SCRIPTS = {
    "chromium": Person("Irma Vidal", "i.vidal", "passerelle-sans-script-3391", ""),
    "firefox": Person("Aline Vidal", "a.vidal", "passerelle-sans-script-3392", ""),
}
SECOND_PASSWORD, THIRD_PASSWORD = "la-hulotte-dort-le-jour-512", "la-hulotte-sort-la-nuit-513"

Pictures = Callable[[Any, str], None]


def _to_the_form(browser: Browser, demo: RunningDemo) -> None:
    browser.open(demo.orientation)
    browser.click("Se connecter")
    browser.wait_for("pour accéder à Orientation")


def _password(browser: Browser, username: str, password: str) -> None:
    browser.fill("Identifiant", username)
    browser.fill("Mot de passe", password)
    browser.click("Se connecter")


def _new_password(browser: Browser, password: str, button: str) -> None:
    browser.fill("Nouveau mot de passe", password)
    browser.fill("Le même", password)
    browser.click(button)


def _mailed_code(demo: RunningDemo, address: str, known: int) -> str:
    return str(demo.wait_for_mail(address, "code", known=known)["codes"][0])


def _codes_so_far(demo: RunningDemo, address: str) -> int:
    return demo.codes(address)


def test_a_person_signs_in_with_password_and_mailed_code_and_sees_what_the_ror_gives(
    browser: Browser, demo: RunningDemo, pictures: Pictures
) -> None:
    username, password, address = NADIA
    known = _codes_so_far(demo, address)
    browser.open(demo.orientation)
    pictures(browser, "orientation")
    _to_the_form(browser, demo)
    pictures(browser, "password")

    _password(browser, username, "pas-le-bon-mot-de-passe")
    browser.wait_for("Vérifiez")
    pictures(browser, "password-refused")
    _password(browser, username, password)

    browser.wait_for("Code de vérification")
    code = _mailed_code(demo, address, known)
    assert address not in browser.text(), "the address is masked"
    browser.fill("Code reçu", "00000000" if code != "00000000" else "11111111")
    browser.click("Vérifier")
    browser.wait_for("Essais restants")
    pictures(browser, "code-refused")
    browser.fill("Code reçu", f"{code[:4]} {code[4:]}")
    browser.tick("Faire confiance à cet appareil")
    browser.click("Vérifier")

    browser.wait_for("structure")
    pictures(browser, "structure")
    browser.tick("ESAT Les Oliviers")
    browser.click("Continuer")

    browser.wait_for("Nadia Benali")
    assert browser.url().startswith(demo.orientation)
    pictures(browser, "orientation-signed-in")
    held = browser.evaluate("return [...document.querySelectorAll('[data-held=yes]')].map(row => row.dataset.right)")
    assert set(held) == {
        "etab.update", "unite.update", "habilitation.update", "tdb.nominatif", "notif.declare", "notif.repondre",
        "evaluation.read", "stats.read",
    }  # fmt: skip

    browser.click("Se déconnecter")
    browser.wait_for("Se connecter")
    _to_the_form(browser, demo)
    _password(browser, username, password)
    browser.wait_for("structure")
    assert _codes_so_far(demo, address) == known + 1, "a trusted device asks no second code"
    browser.tick("Foyer de vie La Garrigue")
    browser.click("Continuer")
    browser.wait_for("Nadia Benali")
    held = browser.evaluate("return [...document.querySelectorAll('[data-held=yes]')].map(row => row.dataset.right)")
    assert held == ["tdb.nominatif"]


def test_a_verified_phone_receives_the_code(browser: Browser, demo: RunningDemo, pictures: Pictures) -> None:
    username, password, phone = PAUL
    known = len(demo.texts(phone))
    _to_the_form(browser, demo)
    _password(browser, username, password)
    browser.wait_for("par SMS")
    pictures(browser, "code-sms")
    sms = demo.wait_for_text(phone, known=known)
    assert sms["text"].splitlines()[-1] == f"@localhost #{sms['codes'][-1]}"
    browser.fill("Code reçu", sms["codes"][-1])
    browser.click("Vérifier")
    browser.wait_for("Paul Girard")
    held = browser.evaluate("return [...document.querySelectorAll('[data-held=yes]')].map(row => row.dataset.right)")
    assert set(held) == {"tdb.nominatif", "notif.declare", "notif.repondre", "evaluation.read"}


@pytest.mark.spec("A11Y-07", "AC-150")
def test_everything_works_without_javascript(
    new_browser: Callable[..., AbstractContextManager[Browser]], demo: RunningDemo
) -> None:
    address = "elodie.marchand@demo.passerelle.test"
    known = _codes_so_far(demo, address)
    with new_browser(javascript=False) as browser:
        _to_the_form(browser, demo)
        _password(browser, "e.marchand", "platane-tranquille-5172")
        browser.wait_for("Code de vérification")
        browser.fill("Code reçu", _mailed_code(demo, address, known))
        browser.click("Vérifier")
        browser.wait_for("Élodie Marchand")


@pytest.mark.spec("A11Y-07")
def test_from_the_first_mail_to_a_demanded_password_nothing_needs_javascript(
    new_browser: Callable[..., AbstractContextManager[Browser]], demo: RunningDemo, pictures: Pictures
) -> None:
    with new_browser(javascript=False) as browser:
        somebody = WITHOUT_SCRIPTS[browser.name]
        visit = Visit(browser, demo)

        # The first password.
        visit.invite(somebody)
        pictures(browser, "no-script-activation")
        _new_password(browser, somebody.password, "Activer mon compte")
        browser.wait_for("Votre compte est actif")

        # A second code: too soon, then in its time.
        visit.begin()
        visit.type_password(somebody)
        browser.wait_for("Code de vérification")
        demo.wait_for_mail(somebody.email, "code")
        browser.click("Envoyer un nouveau code")
        browser.wait_for("Vous pourrez demander un autre code dans")
        pictures(browser, "no-script-too-soon")
        demo.advance(61)
        browser.click("Envoyer un nouveau code")
        browser.wait_for("Un nouveau code est en route")
        visit.type_mailed_code(somebody, 1)
        browser.wait_for(somebody.name)
        visit.sign_out("Orientation")

        # A lost password, and the sign-in that it interrupted.
        visit.begin()
        browser.click("Mot de passe oublié")
        browser.fill("Identifiant", somebody.username)
        browser.click("Recevoir l'e-mail")
        browser.wait_for("Consultez votre messagerie")
        browser.open(demo.wait_for_mail(somebody.email, "nouveau mot de passe")["links"][0])
        _new_password(browser, SECOND_PASSWORD, "Changer mon mot de passe")
        browser.wait_for("Votre mot de passe est changé")
        browser.click("Reprendre ma connexion")
        visit.type_password(somebody, password=SECOND_PASSWORD)
        visit.type_mailed_code(somebody, 2)
        browser.wait_for(somebody.name)

        # Another one, on the account's page.
        browser.open(f"{demo.gateway}/compte/mot-de-passe")
        browser.fill("Mot de passe actuel", SECOND_PASSWORD)
        browser.fill("Nouveau mot de passe", THIRD_PASSWORD)
        browser.fill("Nouveau mot de passe, encore une fois", THIRD_PASSWORD)
        pictures(browser, "no-script-account-password")
        browser.click("Changer de mot de passe")
        browser.wait_for("Toutes vos sessions sont fermées")

        # And one that is demanded.
        demo.passerelle("accounts", "new-password", somebody.username, "--reason", "security")
        visit.begin()
        visit.type_password(somebody, password=THIRD_PASSWORD)
        visit.type_mailed_code(somebody, 3)
        browser.wait_for("Choisissez un nouveau mot de passe")
        pictures(browser, "no-script-demanded")
        _new_password(browser, somebody.password, "Enregistrer et continuer")
        browser.wait_for(somebody.name)


def test_a_forgotten_password_is_replaced_from_the_mail(
    browser: Browser, demo: RunningDemo, pictures: Pictures
) -> None:
    address = "sophie.leroy@demo.passerelle.test"
    subject = "nouveau mot de passe"
    known = len([mail for mail in demo.mails(address) if subject in mail["subject"]])
    _to_the_form(browser, demo)
    browser.click("Mot de passe oublié")
    pictures(browser, "forgotten")
    browser.fill("Identifiant", "s.leroy")
    browser.click("Recevoir l'e-mail")
    browser.wait_for("Consultez votre messagerie")
    pictures(browser, "forgotten-sent")
    link = demo.wait_for_mail(address, subject, known=known)["links"][0]
    browser.open(link)
    _new_password(browser, "neuf-chemins-de-crete-3405", "Changer mon mot de passe")
    browser.wait_for("Votre mot de passe est changé")
    _to_the_form(browser, demo)
    _password(browser, "s.leroy", "calanque-lavande-6628-mistral")
    browser.wait_for("Vérifiez")
    _password(browser, "s.leroy", "neuf-chemins-de-crete-3405")
    browser.wait_for("Code de vérification")


@pytest.mark.spec("THR-06")
def test_an_archived_an_invited_and_an_unknown_person_are_refused_alike(browser: Browser, demo: RunningDemo) -> None:
    pages = []
    for username, password in (
        ("j.petit", "garrigue-ancienne-7350"),
        ("c.morel", "peu-importe-lequel-1"),
        ("personne.du.tout", "peu-importe-lequel-2"),
        ("n.benali", "pas-le-bon-mot-de-passe"),
    ):
        _to_the_form(browser, demo)
        _password(browser, username, password)
        browser.wait_for("Vérifiez")
        pages.append(browser.text().replace(username, ""))
    assert len(set(pages)) == 1


def test_giving_up_brings_the_person_back_to_the_application(
    browser: Browser, demo: RunningDemo, pictures: Pictures
) -> None:
    _to_the_form(browser, demo)
    browser.click("Annuler")
    browser.wait_for("access_denied")
    assert browser.url().startswith(demo.orientation)
    pictures(browser, "given-up")


def test_the_english_pages_are_one_click_away(browser: Browser, demo: RunningDemo, pictures: Pictures) -> None:
    _to_the_form(browser, demo)
    browser.click("English")
    browser.wait_for("Password")
    pictures(browser, "password-english")
