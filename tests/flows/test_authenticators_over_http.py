"""A browser that knows HTML alone enrols an application, signs in with it, loses it, and comes back by the recovery sheet; what
was not proved afresh changes nothing."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pyotp
import pytest

from tests.faults.deployment import Deployment, deployment, wait_until
from tests.flows.test_html_only_authorization import is_code
from tests.html_only_browser import Form, HtmlOnlyBrowser

PEOPLE = {
    "e.marchand": ("platane-tranquille-5172", "elodie.marchand@demo.passerelle.test"),
    "k.haddad": ("cigale-argentee-3941", "karim.haddad@demo.passerelle.test"),
    "n.benali": ("colline-romarin-4817", "nadia.benali@demo.passerelle.test"),
}
PERIOD = 30


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    limits = {"otp.sends.account.hour": 10, "otp.sends.account.day": 50}
    with deployment(tmp_path_factory.mktemp("authenticators"), parameters=limits) as running:
        running.start("jobs")
        running.serve()
        yield running
        assert "Traceback" not in running.log("serve"), running.log("serve")[-5000:]


@dataclass
class Seat:
    """Somebody at a fresh browser, with a telephone."""

    gateway: Deployment
    browser: HtmlOnlyBrowser
    username: str
    codes: pyotp.TOTP | None = None
    sheet: tuple[str, ...] = ()

    @property
    def page(self) -> str:
        return f"{self.gateway.issuer}/compte/authentificateurs"

    def form_to(self, ending: str) -> Form:
        found = [form for form in self.browser.forms if form.action.endswith(ending)]
        assert len(found) == 1, (ending, self.browser.url, self.browser.status, self.browser.forms)
        return found[0]

    def password(self) -> str:
        form = self.browser.form("identifier", "password")
        return self.browser.submit(form, identifier=self.username, password=PEOPLE[self.username][0])

    def mails(self, subject: str) -> list[str]:
        return [mail.text for mail in self.gateway.mails(PEOPLE[self.username][1]) if subject in mail.subject]

    def password_and_mailed_code(self) -> None:
        self.gateway.advance(61)
        address = PEOPLE[self.username][1]
        known = {mail.id for mail in self.gateway.mails(address)}
        self.password()
        new = wait_until(
            lambda: [one for one in self.gateway.mails(address) if one.id not in known and "code" in one.subject],
            "a code by mail",
        )
        code = next(word for line in new[0].text.splitlines() for word in [line.replace(" ", "")] if is_code(word))
        self.browser.submit(self.browser.form("code"), code=code)

    def shown_now(self) -> str:
        """By the telephone, on the clock of the gateway; a code that was not shown before."""
        assert self.codes is not None
        self.gateway.advance(PERIOD)
        return self.codes.at(int(self.gateway.clock.now().timestamp()))

    def enrol(self, name: str) -> None:
        self.browser.open(f"{self.page}/application")
        if "/signin/" in self.browser.url:
            self.password_and_mailed_code()
        assert self.browser.url == f"{self.page}/application", self.browser.url
        self.browser.submit(self.form_to("/application"), label=name)
        secret = re.search(r'<code class="secret"[^>]*>([A-Z2-7 ]+)</code>', self.browser.html)
        assert secret is not None
        assert "<svg" in self.browser.html
        self.codes = pyotp.TOTP(secret[1].replace(" ", ""))

    def activate(self) -> None:
        self.browser.submit(self.browser.form("code"), code=self.shown_now())
        self.sheet = tuple(re.findall(r"<code>([0-9A-Z-]{17})</code>", self.browser.html)) or self.sheet


def seat(gateway: Deployment, username: str) -> Seat:
    return Seat(gateway, HtmlOnlyBrowser(), username)


@pytest.mark.spec("FID-01", "FID-03", "FID-12", "OTP-14", "FID-10", "AC-117")
def test_from_the_enrolment_to_the_day_when_the_telephone_is_lost(gateway: Deployment) -> None:
    elodie = seat(gateway, "e.marchand")
    elodie.enrol("Mon téléphone")
    enrolment = elodie.browser.url
    elodie.browser.submit(elodie.browser.form("code"), code="12345")
    assert elodie.browser.status == 422
    elodie.activate()
    assert len(set(elodie.sheet)) == 10
    assert wait_until(lambda: elodie.mails("application d’authentification est ajoutée"), "a notice")
    elodie.browser.open(enrolment)
    assert "/signin/" in elodie.browser.url, "what was proved before the application is not the best any more"

    elodie.browser.open(elodie.page)
    assert "Mon téléphone" in elodie.browser.html
    assert elodie.codes is not None
    assert elodie.codes.secret not in elodie.browser.html.replace(" ", "")
    elodie.browser.submit(_signout(elodie))

    # With the application.
    elodie.browser.open(f"{gateway.issuer}/signin")
    elodie.password()
    assert elodie.browser.url.endswith("/totp")
    elodie.browser.submit(elodie.browser.form("code"), code=elodie.shown_now())
    assert elodie.browser.url == f"{gateway.issuer}/compte"
    elodie.browser.submit(elodie.form_to("/signout"))

    # With the sheet, by choice.
    elodie.browser.open(f"{gateway.issuer}/signin")
    elodie.password()
    elodie.browser.follow("Utiliser un autre moyen")
    _choose(elodie, "recovery_code")
    elodie.browser.submit(elodie.browser.form("code"), code=elodie.sheet[0].lower())
    assert elodie.browser.url == f"{gateway.issuer}/compte"
    assert wait_until(lambda: elodie.mails("un code de secours a servi"), "a notice")

    # Lost: another is enrolled, then the first one removed; never the last one.
    elodie.enrol("Nouveau téléphone")
    elodie.activate()
    assert elodie.browser.url.endswith("?said=added")
    elodie.browser.open(_address_of(elodie, "Mon téléphone"))
    if "/signin/" in elodie.browser.url:
        elodie.browser.submit(elodie.browser.form("code"), code=elodie.shown_now())
    elodie.browser.submit(elodie.form_to("/retrait"))
    assert "Mon téléphone" not in elodie.browser.html
    elodie.browser.open(_address_of(elodie, "Nouveau téléphone"))
    if "/signin/" in elodie.browser.url:
        elodie.browser.submit(elodie.browser.form("code"), code=elodie.shown_now())
    elodie.browser.submit(elodie.form_to("/retrait"))
    assert elodie.browser.status == 422
    assert wait_until(lambda: elodie.mails("application d’authentification est retirée"), "a notice")


def _signout(person: Seat) -> Form:
    person.browser.open(f"{person.gateway.issuer}/")
    return person.form_to("/signout")


def _choose(person: Seat, factor: str) -> None:
    """Presses the button of this factor."""
    form = person.form_to("/factor")
    assert f'value="{factor}"' in person.browser.html
    form.fields["factor"] = factor
    person.browser.submit(form)


def _address_of(person: Seat, label: str) -> str:
    person.browser.open(person.page)
    found = re.search(rf'href="(/compte/authentificateurs/[^"]+)" aria-label="Modifier {label}"', person.browser.html)
    assert found is not None, person.browser.html
    return f"{person.gateway.issuer}{found[1]}"


@pytest.mark.spec("FID-10", "AC-117")
def test_an_old_session_alone_changes_nothing(gateway: Deployment) -> None:
    karim = seat(gateway, "k.haddad")
    karim.enrol("Téléphone")
    gateway.advance(301)
    for path in ("/application", "/codes"):
        karim.browser.open(f"{karim.page}{path}")
        assert karim.browser.url.endswith("/password"), "the password is asked again"
    karim.browser.open(karim.page)
    assert karim.browser.url == karim.page, "reading one's own list asks nothing more"


@pytest.mark.spec("FID-02")
def test_of_two_sign_ins_at_once_with_one_right_code_one_succeeds(gateway: Deployment) -> None:
    nadia = seat(gateway, "n.benali")
    nadia.enrol("Téléphone")
    nadia.activate()
    seats = [seat(gateway, "n.benali") for _ in range(2)]
    for one in seats:
        one.browser.open(f"{gateway.issuer}/signin")
        one.password()
    code = nadia.shown_now()
    start = threading.Barrier(len(seats))

    def submit(one: Seat) -> None:
        start.wait()
        one.browser.submit(one.browser.form("code"), code=code)

    threads = [threading.Thread(target=submit, args=(one,)) for one in seats]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.browser.status or 0 for one in seats) == [200, 422]
    assert sorted(one.browser.cookie("__Host-session") is not None for one in seats) == [False, True]
