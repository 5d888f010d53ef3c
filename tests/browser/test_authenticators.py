"""In Chromium and Firefox: an authenticator application from its enrolment to a sign-in, and one with the recovery sheet."""

import datetime
import re
from collections.abc import Callable
from typing import Any

import pyotp
import pytest
import requests

from tests.browser.visit import KARIM, NADIA, Person, Visit
from tests.running_demo import RunningDemo

PERIOD = 30
Pictures = Callable[[Any, str], None]


class Telephone:
    """An application of RFC 6238 that is not ours, on the clock of the demo."""

    def __init__(self, demo: RunningDemo, shown: str) -> None:
        self._demo = demo
        self._codes = pyotp.TOTP(shown.replace(" ", "").replace("\n", ""))

    def code(self) -> str:
        """One that was not shown before."""
        self._demo.advance(PERIOD)
        now = requests.get(f"{self._demo.world}/api/clock", timeout=5).json()["now"]
        return self._codes.at(int(datetime.datetime.fromisoformat(now).timestamp()))


def to_the_list(visit: Visit, person: Person) -> None:
    """Signed in with a mailed code, on the page of the authenticators."""
    known = visit.codes_so_far(person)
    visit.browser.open(f"{visit.demo.gateway}/compte/authentificateurs")
    visit.type_password(person)
    visit.type_mailed_code(person, known)
    visit.browser.wait_for("Applications d'authentification")


def shown_secret(browser: Any) -> str:
    return str(browser.evaluate("return document.querySelector('.secret').textContent"))


@pytest.mark.spec("FID-01", "FID-03", "FID-12", "OTP-14")
def test_an_application_is_enrolled_signs_in_and_its_holder_comes_back_without_it(
    visit: Visit, pictures: Pictures
) -> None:
    browser, demo = visit.browser, visit.demo
    to_the_list(visit, NADIA)
    pictures(browser, "authenticators-none")
    browser.click("Ajouter une application")
    browser.wait_for("Donnez-lui un nom")
    pictures(browser, "authenticators-name")
    browser.fill("Nom", "Mon téléphone")
    browser.click("Continuer")
    browser.wait_for("Présentez votre compte à l'application")
    pictures(browser, "authenticators-secret")
    telephone = Telephone(demo, shown_secret(browser))
    browser.fill("Code affiché par l'application", "000")
    browser.click("Activer l'application")
    browser.wait_for("Ce code n'est pas celui du moment")
    browser.fill("Code affiché par l'application", telephone.code())
    browser.click("Activer l'application")
    browser.wait_for("Vos codes de secours")
    pictures(browser, "authenticators-sheet")
    sheet = browser.evaluate("return [...document.querySelectorAll('.sheet code')].map(code => code.textContent)")
    assert len(set(sheet)) == 10
    browser.click("C'est noté")
    browser.wait_for("Codes qui restent")
    pictures(browser, "authenticators-list")

    browser.forget_everything()
    visit.begin()
    visit.type_password(NADIA)
    browser.wait_for("Code de votre application")
    pictures(browser, "totp")
    browser.fill("Code affiché", "000000")
    browser.click("Vérifier")
    browser.wait_for("Essais restants")
    pictures(browser, "totp-refused")
    code = telephone.code()
    browser.fill("Code affiché", f"{code[:3]} {code[3:]}")
    browser.click("Vérifier")
    visit.choose("ESAT Les Oliviers")
    browser.wait_for("Nadia Benali")

    browser.forget_everything()
    visit.begin()
    visit.type_password(NADIA)
    browser.wait_for("Code de votre application")
    browser.click("Utiliser un autre moyen")
    browser.wait_for("choisissez comment prouver que c'est vous")
    pictures(browser, "factor")
    browser.click("Code de ma feuille de secours")
    browser.wait_for("15\u00a0caractères")
    pictures(browser, "recovery-code")
    browser.fill("Code de secours", sheet[0].lower().replace("-", " "))
    browser.click("Vérifier")
    visit.choose("ESAT Les Oliviers")
    browser.wait_for("Nadia Benali")
    used = demo.wait_for_mail(NADIA.email, "un code de secours a servi")
    assert sheet[0] not in used["text"]

    browser.open(f"{demo.gateway}/compte/authentificateurs")
    browser.wait_for("Codes qui restent : 9 sur 10".replace(" :", "\u00a0:"))
    browser.click("Modifier")
    browser.wait_for("Retirer cette application")
    pictures(browser, "authenticators-one")
    browser.click("Retirer cette application")
    browser.wait_for("C'est votre seul moyen de vérification fiable")
    pictures(browser, "authenticators-last")


@pytest.mark.browser
@pytest.mark.xdist_group("browser-chromium")
def test_all_of_it_works_without_javascript(visits: Callable[[str], Visit]) -> None:
    """In Chromium alone: the driver of Firefox reads pages through scripts."""
    with_script = visits("chromium")
    demo = with_script.demo
    with with_script.browser.without_javascript() as browser:
        visit = Visit(browser, demo)
        to_the_list(visit, KARIM)
        browser.click("Ajouter une application")
        browser.wait_for("Donnez-lui un nom")
        browser.click("Continuer")
        browser.wait_for("Présentez votre compte à l'application")
        shown = re.search(r"(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}", browser.text())
        assert shown is not None
        telephone = Telephone(demo, shown[0])
        browser.fill("Code affiché par l'application", telephone.code())
        browser.click("Activer l'application")
        browser.wait_for("Vos codes de secours")
        code = re.search(r"[0-9A-Z]{5}-[0-9A-Z]{5}-[0-9A-Z]{5}", browser.text())
        assert code is not None
        browser.forget_everything()
        visit.begin()
        visit.type_password(KARIM)
        browser.wait_for("Code de votre application")
        browser.click("Utiliser un autre moyen")
        browser.wait_for("choisissez comment prouver que c'est vous")
        browser.click("Code de ma feuille de secours")
        browser.wait_for("15\u00a0caractères")
        browser.fill("Code de secours", code[0])
        browser.click("Vérifier")
        browser.wait_for("Karim Haddad")
