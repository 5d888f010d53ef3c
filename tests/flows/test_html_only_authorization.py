"""A browser that knows HTML alone goes through everything that an authorization request can ask of a person: another sign-in,
consent, another language, an answer by form_post, a request that was pushed."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests
import yaml

from tests.faults.deployment import Deployment, deployment, wait_until
from tests.faults.visitor import CHALLENGE
from tests.html_only_browser import Form, HtmlOnlyBrowser

CALLBACK = "http://127.0.0.5:9/callback"
"""Nobody listens there: the application is the test itself."""
MAIL = "elodie.marchand@demo.passerelle.test"
USERNAME, PASSWORD = "e.marchand", "platane-tranquille-5172"
CLIENT = {
    "name": {"fr": "Essai", "en": "Trial"},
    "redirect_uris": [CALLBACK],
    "authentication_method": "none",
    "scopes": ["openid", "profile", "email"],
    "audience": "http://127.0.0.5:9",
    "role_application": "orientation",
    "response_modes": ["query", "form_post"],
}
CLIENTS = [
    {"client_id": "essai", **CLIENT},
    {"client_id": "prudent", **CLIENT, "consent": True, "require_pushed_authorization_requests": True},
]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    limits = {"otp.sends.account.hour": 10, "otp.sends.account.day": 50}
    with deployment(tmp_path_factory.mktemp("html-only"), parameters=limits) as running:
        (running.folder / "clients").mkdir()
        for client in CLIENTS:
            (running.folder / "clients" / f"{client['client_id']}.yaml").write_text(yaml.safe_dump(client), "utf-8")
        settings = yaml.safe_load(running.settings_file.read_text("utf-8"))
        running.settings_file.write_text(yaml.safe_dump({**settings, "clients": "clients"}), "utf-8")
        running.start("jobs")
        running.serve()
        yield running
        assert "Traceback" not in running.log("serve"), running.log("serve")[-5000:]


@dataclass
class Seat:
    """Somebody at a fresh browser."""

    gateway: Deployment
    browser: HtmlOnlyBrowser

    def ask(self, client_id: str = "essai", **more: str) -> str:
        return self.browser.open(f"{self.gateway.issuer}/authorize?{urlencode(request(client_id, **more))}")

    def sign_in(self) -> str:
        """With the password, and with the code that the mail of this very moment holds."""
        self.gateway.advance(61)
        known = {mail.id for mail in self.gateway.mails(MAIL)}
        self.browser.submit(self.browser.form("identifier", "password"), identifier=USERNAME, password=PASSWORD)
        new = wait_until(
            lambda: [mail for mail in self.gateway.mails(MAIL) if mail.id not in known and "code" in mail.subject],
            "a code by mail",
        )
        code = next(word for line in new[0].text.splitlines() for word in [line.replace(" ", "")] if is_code(word))
        return self.browser.submit(self.browser.form("code"), code=code)

    def form_to(self, ending: str) -> Form:
        (found,) = [form for form in self.browser.forms if form.action.endswith(ending)]
        return found

    def answer(self) -> dict[str, str]:
        assert self.browser.url.startswith(CALLBACK), (self.browser.url, self.browser.status)
        return dict(parse_qsl(urlsplit(self.browser.url).query))


@pytest.fixture
def seat(gateway: Deployment) -> Seat:
    return Seat(gateway, HtmlOnlyBrowser(stops_at=[CALLBACK]))


def is_code(word: str) -> bool:
    return word.isdigit() and len(word) == 8


def request(client_id: str, **more: str) -> dict[str, str]:
    return {
        "client_id": client_id,
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid profile",
        "state": "état",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **more,
    }


def pushed(gateway: Deployment, client_id: str, **more: str) -> str:
    answer = requests.post(f"{gateway.issuer}/par", data=request(client_id, **more), timeout=20)
    assert answer.status_code == 201, answer.text
    uri: str = answer.json()["request_uri"]
    return uri


@pytest.mark.spec("OID-17", "OID-14")
def test_sign_in_consent_and_an_answer_by_form_post(seat: Seat) -> None:
    seat.ask(prompt="consent", response_mode="form_post", ui_locales="en", login_hint=USERNAME, scope="openid email")
    assert 'lang="en"' in seat.browser.html
    seat.sign_in()
    assert seat.browser.url.endswith("/consent")
    assert "Trial will receive" in seat.browser.html
    assert "your e-mail address" in seat.browser.html
    assert "RPPS" not in seat.browser.html
    seat.browser.submit(seat.form_to("/consent"))
    form = seat.form_to("/callback")
    assert form.method == "post"
    assert set(form.fields) == {"code", "state", "iss"}
    assert (form.fields["state"], form.fields["iss"]) == ("état", seat.gateway.issuer)


@pytest.mark.spec("OID-17")
def test_refusing_goes_back_to_the_application(seat: Seat) -> None:
    seat.ask(prompt="consent")
    seat.sign_in()
    seat.browser.submit(seat.form_to("/cancel"))
    assert seat.answer()["error"] == "access_denied"


@pytest.mark.spec("OID-06", "OID-17")
def test_a_pushed_request_of_a_client_that_wants_consent_is_asked_once_a_session(seat: Seat) -> None:
    seat.ask("prudent")
    assert seat.answer()["error"] == "invalid_request"
    start = f"{seat.gateway.issuer}/authorize?client_id=prudent&request_uri="
    seat.browser.open(start + pushed(seat.gateway, "prudent"))
    seat.sign_in()
    seat.browser.submit(seat.form_to("/consent"))
    assert "code" in seat.answer()
    again = start + pushed(seat.gateway, "prudent")
    seat.browser.open(again)
    assert "code" in seat.answer()
    seat.browser.open(again)
    assert seat.browser.status == 400


@pytest.mark.spec("OID-14")
def test_choosing_another_account_shows_the_sign_in_page_again(seat: Seat) -> None:
    seat.ask()
    seat.sign_in()
    assert "code" in seat.answer()
    seat.ask(prompt="select_account", display="touch")
    seat.sign_in()
    assert "code" in seat.answer()
