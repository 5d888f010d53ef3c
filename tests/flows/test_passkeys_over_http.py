"""Passkeys through the real gateway, by an authenticator made of software: from the enrolment to a sign-in, and what is refused
at its doors: a stolen session, a replay, a clone, a form of another browser, a switched-off means."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import pytest
import requests

from tests.faults.deployment import Deployment, deployment, wait_until
from tests.flows.test_html_only_authorization import is_code
from tests.html_only_browser import HtmlOnlyBrowser
from tests.webauthn_authenticator import SoftAuthenticator

PEOPLE = {
    "e.marchand": ("platane-tranquille-5172", "elodie.marchand@demo.passerelle.test"),
    "k.haddad": ("cigale-argentee-3941", "karim.haddad@demo.passerelle.test"),
    "n.benali": ("colline-romarin-4817", "nadia.benali@demo.passerelle.test"),
}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    limits = {"otp.sends.account.hour": 10, "otp.sends.account.day": 50}
    folder = tmp_path_factory.mktemp("passkeys")
    with deployment(folder, parameters=limits, means=("passkey", "password")) as running:
        running.start("jobs")
        running.serve()
        yield running
        assert "Traceback" not in running.log("serve"), running.log("serve")[-5000:]


class ScriptedBrowser(HtmlOnlyBrowser):
    """It also makes the calls of our script, as our script makes them."""

    def call(self, address: str, body: object, token: str, *, origin: str | None = None) -> tuple[int, Any]:
        url = urljoin(self.url, address)
        headers = {
            "Content-Type": "application/json",
            "X-Form-Token": token,
            "Origin": origin or re.match(r"https?://[^/]+", url)[0],  # type: ignore[index]
            "Accept-Language": "fr",
            "Cookie": self._cookies_for(url),
        }
        answer = requests.post(url, data=json.dumps(body), headers=headers, allow_redirects=False, timeout=20)
        self._keep_cookies(url, answer.raw.headers.getlist("Set-Cookie"))
        is_json = answer.headers.get("Content-Type", "").startswith("application/json")
        return answer.status_code, answer.json() if is_json else answer.text

    def said(self, name: str) -> str:
        found = re.search(rf'data-{name}="([^"]+)"', self.html)
        assert found is not None, (name, self.url, self.html)
        return found[1]


@dataclass
class Seat:
    gateway: Deployment
    username: str
    browser: ScriptedBrowser = field(default_factory=ScriptedBrowser)
    authenticator: SoftAuthenticator = field(init=False)

    def __post_init__(self) -> None:
        self.authenticator = SoftAuthenticator(self.gateway.issuer, "localhost")

    @property
    def page(self) -> str:
        return f"{self.gateway.issuer}/compte/passkeys"

    def mails(self, subject: str) -> list[str]:
        return [mail.text for mail in self.gateway.mails(PEOPLE[self.username][1]) if subject in mail.subject]

    def password_and_mailed_code(self) -> None:
        self.gateway.advance(61)
        password, address = PEOPLE[self.username]
        known = {mail.id for mail in self.gateway.mails(address)}
        self.browser.submit(self.browser.form("identifier", "password"), identifier=self.username, password=password)
        new = wait_until(
            lambda: [one for one in self.gateway.mails(address) if one.id not in known and "code" in one.subject],
            "a code by mail",
        )
        code = next(word for line in new[0].text.splitlines() for word in [line.replace(" ", "")] if is_code(word))
        self.browser.submit(self.browser.form("code"), code=code)

    def exchange(self, kind: str, *, lies: dict[str, Any] | None = None, label: str | None = None) -> tuple[int, Any]:
        """The two calls of the page that is open."""
        browser = self.browser
        status, options = browser.call(browser.said("options"), {}, browser.said("token"))
        assert status == 200, options
        made = getattr(self.authenticator, kind)(options, **(lies or {}))
        body = {"credential": made} | ({"label": label} if label is not None else {})
        return browser.call(browser.said("verify"), body, browser.said("token"))

    def enrol(self, label: str = "Mon ordinateur") -> None:
        self.browser.open(f"{self.page}/nouvelle")
        if "/signin/" in self.browser.url:
            self.password_and_mailed_code()
        assert self.browser.url == f"{self.page}/nouvelle", self.browser.url
        status, told = self.exchange("create", label=label)
        assert (status, told) == (200, {"next": "/compte/passkeys?said=added"})
        self.browser.open(self.page)

    def sign_in(self, browser: ScriptedBrowser | None = None, **lies: Any) -> tuple[int, Any]:
        self.browser = browser or ScriptedBrowser()
        self.browser.open(f"{self.gateway.issuer}/signin")
        self.browser.follow("Clé d'accès (passkey)")
        status, told = self.exchange("get", lies=lies)
        if status == 200:
            self.browser.open(urljoin(self.browser.url, told["next"]))
        return status, told


@pytest.mark.spec("FID-01", "FID-04", "FID-10", "A11Y-10")
def test_from_the_enrolment_to_the_removal(gateway: Deployment) -> None:
    elodie = Seat(gateway, "e.marchand")
    elodie.enrol()
    assert "Mon ordinateur" in elodie.browser.html
    assert wait_until(lambda: elodie.mails("une clé d’accès est ajoutée"), "a notice")

    assert elodie.sign_in()[0] == 200
    assert elodie.browser.url == f"{gateway.issuer}/compte"
    assert elodie.browser.cookie("__Host-means") == "passkey"
    elodie.enrol("Ma clé de secours")
    first = re.search(r'href="(/compte/passkeys/[^"]+)" aria-label="Modifier Mon ordinateur"', elodie.browser.html)
    assert first is not None
    elodie.browser.open(urljoin(elodie.page, first[1]))
    removal = next(form for form in elodie.browser.forms if form.action.endswith("/retrait"))
    renaming = next(form for form in elodie.browser.forms if form.action.endswith("/nom"))
    elodie.browser.submit(renaming, label="Mon <b>vieil</b> ordinateur")
    assert "Mon &lt;b&gt;vieil&lt;/b&gt; ordinateur" in elodie.browser.html
    elodie.browser.submit(removal)
    assert "vieil" not in elodie.browser.html
    assert wait_until(lambda: elodie.mails("une clé d’accès est retirée"), "a notice")
    status, told = elodie.sign_in(credential=elodie.authenticator.credentials[0])
    assert (status, told["error"]) == (422, "passkey_refused")
    assert elodie.sign_in()[0] == 200


@pytest.mark.spec("FID-10", "AC-117")
def test_a_stolen_session_enrols_nothing(gateway: Deployment) -> None:
    karim = Seat(gateway, "k.haddad")
    karim.browser.open(f"{karim.page}/nouvelle")
    karim.password_and_mailed_code()
    options, verify, token = (karim.browser.said(name) for name in ("options", "verify", "token"))
    _, asked = karim.browser.call(options, {}, token)
    gateway.advance(301)
    answer = {"credential": karim.authenticator.create(asked), "label": ""}
    for address, body in ((options, {}), (verify, answer)):
        status, told = karim.browser.call(address, body, token)
        assert (status, told["error"], told["next"]) == (410, "proof_is_old", "/compte/passkeys/nouvelle")
    karim.browser.open(f"{karim.page}/nouvelle")
    assert karim.browser.url.endswith("/password"), "the password is asked again"
    nobody = ScriptedBrowser()
    nobody.open(gateway.issuer)
    assert nobody.call(f"{gateway.issuer}{options}", {}, token)[0] == 403, "a token of another browser"


@pytest.mark.spec("FID-04", "FID-05", "FID-06", "FID-09", "WEB-03", "AC-114", "AC-115")
def test_what_is_refused_is_refused_alike(gateway: Deployment) -> None:
    nadia = Seat(gateway, "n.benali")
    nadia.enrol()
    lies: list[dict[str, Any]] = [
        {"origin": f"{gateway.issuer}0"},
        {"origin": "http://sub.localhost"},
        {"rp_id": "exemple.fr"},
        {"flags": 0x01},
        {"cross_origin": True},
        {"shown_id": b"unknown"},
        {"user_handle": None},
        {"signature": b"\0" * 70},
    ]
    told = [nadia.sign_in(**lie) for lie in lies]
    assert {status for status, _ in told} == {422}
    assert len({json.dumps(one, sort_keys=True) for _, one in told}) == 1
    assert nadia.browser.cookie("__Host-session") is None

    nadia.browser.open(f"{gateway.issuer}/signin")
    nadia.browser.follow("Clé d'accès (passkey)")
    browser = nadia.browser
    address, verify, token = (browser.said(name) for name in ("options", "verify", "token"))
    assert browser.call(address, {}, token, origin="https://attaque.example")[0] == 403
    assert browser.call(address, {}, "another token")[0] == 403
    for body in ([], {"credential": {}, "more": 1}, {"credential": "x" * 20_000}, {"able": 1, "x": 2}, None):
        assert browser.call(verify, body, token)[0] == 422
    _, options = browser.call(address, {}, token)
    answer = {"credential": nadia.authenticator.get(options)}
    assert browser.call(verify, answer, token)[0] == 200
    replayed = browser.call(verify, answer, token)
    assert replayed[0] in {410, 422}


@pytest.mark.spec("FID-07", "AC-116")
def test_a_clone_is_found_out_and_everybody_is_told(gateway: Deployment) -> None:
    karim = Seat(gateway, "k.haddad")
    karim.enrol()
    assert karim.sign_in(count=40)[0] == 200
    his = karim.browser
    status, told = karim.sign_in(count=39)
    assert (status, told["error"]) == (422, "passkey_refused")
    assert wait_until(lambda: karim.mails("une clé d’accès est bloquée"), "a notice")
    assert wait_until(
        lambda: [mail for mail in gateway.mails("appui@demo.passerelle.test") if "copiée" in mail.subject], "an alert"
    )
    his.open(f"{gateway.issuer}/")
    assert "Se déconnecter" not in his.html
    assert karim.sign_in(count=100)[0] == 422


def test_switched_off_it_is_off_at_every_door(tmp_path_factory: pytest.TempPathFactory) -> None:
    with deployment(tmp_path_factory.mktemp("without"), means=("password",)) as off:
        off.serve()
        browser = ScriptedBrowser()
        browser.open(f"{off.issuer}/signin")
        assert "passkey" not in browser.html
        assert "webauthn" not in browser.html
        start = browser.url.removesuffix("/password")
        for address in (f"{start}/passkey", f"{off.issuer}/compte/passkeys", f"{off.issuer}/activation/passkey"):
            browser.open(address)
            assert browser.status in {404, 410}, address
        assert browser.call(f"{start}/passkey/options", {}, "token")[0] == 404
        discovery = requests.get(f"{off.issuer}/.well-known/openid-configuration", timeout=10).json()
        assert "urn:passerelle:acr:passkey" not in discovery["acr_values_supported"]
