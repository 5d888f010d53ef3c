"""A people's door for tests: the real shell and the real pages, over rule objects that follow a script.

The fakes stand for the rules of other rooms (tested in their own), so that a page can be put in any situation.
"""

import hashlib
import hmac
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import flask
from flask.testing import FlaskClient

from gateway.accounts.account import Account, AccountStatus
from gateway.accounts.one_time_link import LinkPurpose
from gateway.accounts.trusted_device import TrustedDevice
from gateway.applications.client import Client, ClientAuthenticationMethod
from gateway.signin import pages as signin_pages
from gateway.signin.device import pages as device_pages
from gateway.signin.enrolment import pages as enrolment_pages
from gateway.signin.enrolment.access_link import LinkGone
from gateway.signin.evidence import Evidence, Means
from gateway.signin.gone import TooManySignins
from gateway.signin.journey import STEP_OF_FACTOR, Step, StructureNotHeld, TransactionGone
from gateway.signin.one_time_code import pages as code_pages
from gateway.signin.one_time_code.signin import ResendTooSoon
from gateway.signin.pages import JourneyPages
from gateway.signin.password import pages as password_pages
from gateway.signin.password.signin import SigninRefused
from gateway.signin.ports import StructureChoice
from gateway.signin.request_context import RequestContext
from gateway.signin.session import Session
from gateway.signin.transaction import Demand, SigninTransaction
from gateway.web.shell import Shell, TenantDisplay

ORIGIN = "https://login.example"
CALLBACK = "http://127.0.0.5:8091/callback"
HANDLE = "7" + "h" * 43
BROWSER = "b" * 43
NOW = 1_790_000_000.0
LINK = "L" * 43

CAMILLE = Account(
    id="5f0c7a52-8a0e-4e0e-9d6e-6a4f5a0b7c11",
    username="camille.duval",
    family_name="Duval",
    given_name="Camille",
    email="camille.duval@demo.passerelle.test",
    status=AccountStatus.ACTIVE,
    created_at=NOW,
)
ORIENTATION = Client(
    client_id="orientation",
    name={"fr": "Orientation", "en": "Orientation (en)"},
    redirect_uris=(CALLBACK,),
    post_logout_redirect_uris=(),
    authentication_method=ClientAuthenticationMethod.CLIENT_SECRET_BASIC,
    scopes=frozenset({"openid"}),
    audience="orientation",
    role_application="orientation",
)
TENANT = TenantDisplay(
    service={"fr": "Portail de santé de démonstration", "en": "Demonstration health portal"},
    contact_name="Équipe d'appui régionale (fictive)",
    contact_email="appui@demo.passerelle.test",
    contact_phone="+33465710001",
    contact_hours={"fr": "du lundi au vendredi, de 9 h à 17 h", "en": "Monday to Friday, 9 am to 5 pm"},
)


def session(account: Account = CAMILLE) -> Session:
    return Session(
        handle="3" + "s" * 43,
        sid="b1c3",
        account_id=account.id,
        started_at=NOW,
        auth_time=NOW,
        last_used_at=NOW,
        absolute_end=NOW + 4 * 3600,
        idle_seconds=1800,
        evidence=(Evidence(Means.PASSWORD, NOW),),
        clients=("orientation",),
    )


class ScriptedJourney:
    """Stands at `step`; forgets nothing of what it was told."""

    links_by_credentials = True
    by_password = True
    by_passkey = False

    def person(self, txn: SigninTransaction) -> str:
        return "Camille E."

    def __init__(self) -> None:
        self.step = Step.PASSWORD
        self.txn = SigninTransaction(
            handle=HANDLE,
            browser=BROWSER,
            demand=Demand(client_id="orientation"),
            continuation={"resume": "/authorize/resume/"},
            opened_at=NOW,
            expires_at=NOW + 900,
        )
        self.taken: list[str] = []
        self.device_ids: list[str | None] = []
        self.choices: Sequence[StructureChoice] = ()
        self.factors: Sequence[Means] = (Means.EMAIL_CODE,)

    def open(self, demand: Demand, continuation: Mapping[str, Any], **_: Any) -> SigninTransaction:
        self.txn = replace(self.txn, demand=demand, continuation=continuation)
        return self.txn

    def find(self, handle: str, *, browser_cookie: str | None) -> SigninTransaction:
        if handle != HANDLE or browser_cookie != self.txn.browser:
            raise TransactionGone
        return self.txn

    def next_step(self, txn: SigninTransaction, *, device_id: str | None) -> Step:
        self.device_ids.append(device_id)
        return self.step

    def complete(self, txn: SigninTransaction, *, previous_session: str | None, context: RequestContext) -> Session:
        return session()

    def marks(self, _session: Session, _context: RequestContext) -> str:
        return "the-marks"

    def refuse(self, txn: SigninTransaction, error: str, context: RequestContext) -> SigninTransaction:
        self.step, self.txn = Step.REFUSED, replace(txn, refusal=error)
        return self.txn

    def passkey_could_do(self, _txn: SigninTransaction) -> bool:
        return False

    def second_factors(self, _txn: SigninTransaction) -> Sequence[Means]:
        return self.factors

    def disabled_factors(self, _txn: SigninTransaction) -> frozenset[Means]:
        return frozenset()

    def choose_factor(self, txn: SigninTransaction, factor: str) -> SigninTransaction:
        self.step = STEP_OF_FACTOR[Means(factor)]
        return txn

    def agree(self, txn: SigninTransaction, context: RequestContext) -> SigninTransaction:
        self.step, self.txn = Step.COMPLETE, replace(txn, agreed_by=CAMILLE.id)
        return self.txn

    def structures(self, txn: SigninTransaction) -> Sequence[StructureChoice]:
        return self.choices

    def choose_structure(self, txn: SigninTransaction, structure_id: str) -> SigninTransaction:
        if structure_id not in {choice.id for choice in self.choices}:
            raise StructureNotHeld
        self.step = Step.COMPLETE
        return txn

    def take(self, handle: str, **_: Any) -> SigninTransaction:
        self.taken.append(handle)
        return self.txn


class ScriptedGate:
    def __init__(self) -> None:
        self.session: Session | None = None
        self.ended: list[str | None] = []

    def find(self, cookie: str | None, context: RequestContext | None = None) -> Session | None:
        return self.session if self.session is not None and cookie == self.session.handle else None

    use = find

    def is_enough(self, _session: Session, _demand: Demand) -> bool:
        return True

    def end(self, cookie: str | None, _context: RequestContext, _reason: str) -> Session | None:
        self.ended.append(cookie)
        return self.session


class ScriptedPassword:
    def __init__(self, journey: ScriptedJourney) -> None:
        self._journey = journey
        self.contexts: list[RequestContext] = []
        self.right = ("camille.duval", "un bon mot de passe")
        self.wait: int | None = None
        self.turn_in = 0

    def turn(self, txn: SigninTransaction, _context: RequestContext) -> tuple[SigninTransaction, int]:
        return txn, self.turn_in

    def submit(
        self, txn: SigninTransaction, identifier: str, password: str, context: RequestContext
    ) -> SigninTransaction:
        self.contexts.append(context)
        if (identifier, password) != self.right:
            raise SigninRefused("private detail") if self.wait is None else SigninRefused(retry_seconds=self.wait)
        self._journey.step = Step.CODE
        self._journey.txn = replace(txn, account_id=CAMILLE.id)
        return self._journey.txn


class ScriptedCodes:
    def __init__(self, journey: ScriptedJourney) -> None:
        self._journey = journey
        self.submitted: list[str] = []
        self.points: list[bytes | None] = []
        self.labels: list[str] = []
        self.refusal: Exception | None = None
        self.too_soon: int | None = None
        self.sent: list[str] = []
        self.contact = "c•••@d•••.test"
        self.both = ["email", "sms"]
        self.not_taken = False

    def start(
        self, txn: SigninTransaction, _context: RequestContext, *, channel: str | None = None
    ) -> SigninTransaction:
        self.sent.append(f"start:{channel}")
        self._journey.txn = replace(txn, code_channel=channel or txn.code_channel or "email")
        return self._journey.txn

    def resend(self, txn: SigninTransaction, _context: RequestContext) -> SigninTransaction:
        if self.too_soon is not None:
            raise ResendTooSoon(wait_seconds=self.too_soon)
        self.sent.append("resend")
        return txn

    def submit(
        self,
        txn: SigninTransaction,
        code: str,
        _context: RequestContext,
        *,
        device_public_key: bytes | None = None,
        device_label: str = "",
    ) -> tuple[SigninTransaction, TrustedDevice | None]:
        self.submitted.append(code)
        self.points.append(device_public_key)
        self.labels.append(device_label)
        if self.refusal is not None:
            raise self.refusal
        self._journey.step = Step.COMPLETE
        if device_public_key is None:
            return txn, None
        return txn, TrustedDevice("device-1", CAMILLE.id, device_public_key, device_label, NOW, NOW, NOW)

    def masked_contact(self, _txn: SigninTransaction) -> str:
        return self.contact

    def channels(self, _txn: SigninTransaction) -> Sequence[str]:
        return self.both

    def valid_until(self, _txn: SigninTransaction) -> float | None:
        return None

    def undelivered(self, _txn: SigninTransaction) -> bool:
        return self.not_taken


class ScriptedDevices:
    def __init__(self, journey: ScriptedJourney) -> None:
        self._journey = journey
        self.signatures: list[tuple[str, bytes]] = []
        self.refusal: Exception | None = None
        self.skipped = 0

    def challenge(self, txn: SigninTransaction, _device_id: str) -> tuple[SigninTransaction, str]:
        return txn, "the-challenge"

    def submit(
        self, txn: SigninTransaction, device_id: str, signature: bytes, _context: RequestContext
    ) -> SigninTransaction:
        self.signatures.append((device_id, signature))
        if self.refusal is not None:
            raise self.refusal
        self._journey.step = Step.COMPLETE
        return txn

    def skip(self, txn: SigninTransaction) -> SigninTransaction:
        self.skipped += 1
        self._journey.step = Step.CODE
        return txn


class ScriptedLinks:
    def __init__(self) -> None:
        self.live = {(LINK, LinkPurpose.ACTIVATION), (LINK, LinkPurpose.RESET)}
        self.asked: list[str] = []
        self.refusal: Exception | None = None
        self.passwords: list[str] = []

    def request_reset(self, identifier: str, _context: RequestContext) -> None:
        self.asked.append(identifier)

    def inspect(self, token: str, purpose: LinkPurpose) -> Account:
        if (token, purpose) not in self.live:
            raise LinkGone
        return CAMILLE

    def proves_address(self, token: str, purpose: LinkPurpose) -> bool:
        return self.inspect(token, purpose) is not None

    def set_password(self, token: str, purpose: LinkPurpose, password: str, _context: RequestContext) -> Account:
        account = self.inspect(token, purpose)
        if self.refusal is not None:
            raise self.refusal
        self.passwords.append(password)
        self.live.discard((token, purpose))
        return account


class ScriptedAccounts:
    def get(self, account_id: str) -> Account | None:
        return CAMILLE if account_id == CAMILLE.id else None


class ScriptedClients:
    def find(self, client_id: str) -> Client | None:
        return ORIENTATION if client_id == "orientation" else None


class StoreDownError(Exception):
    pass


def counting_randomness() -> Any:
    numbers = itertools.count(1)
    return lambda octets: hashlib.shake_256(str(next(numbers)).encode()).digest(octets)


class Door:
    """`client` is a browser that already holds the pre-session cookie of the scripted transaction."""

    def __init__(
        self,
        *,
        hsts: bool = True,
        origin: str = ORIGIN,
        trusted_proxies: Sequence[str] = (),
        means: Any = (),
        trust_days: int = 30,
    ) -> None:
        self.app = flask.Flask("door", static_folder=None)
        self.shell = Shell(
            public_origin=origin,
            tenant=TENANT,
            form_mac=lambda message: hmac.digest(b"form key", message, hashlib.sha256),
            randomness=counting_randomness(),
            trusted_proxies=trusted_proxies,
            hsts=hsts,
            unavailable=(StoreDownError,),
        )
        self.journey, self.gate = ScriptedJourney(), ScriptedGate()
        self.password, self.codes = ScriptedPassword(self.journey), ScriptedCodes(self.journey)
        self.devices, self.links = ScriptedDevices(self.journey), ScriptedLinks()
        shared: Any = {"journey": self.journey, "gate": self.gate, "clients": ScriptedClients()}
        journey_pages = JourneyPages(shell=self.shell, means=means, **shared)
        fakes: dict[str, Any] = {"p": self.password, "c": self.codes, "d": self.devices, "l": self.links}
        accounts: Any = ScriptedAccounts()
        self.app.register_blueprint(signin_pages.pages(journey_pages, accounts))
        self.app.register_blueprint(password_pages.pages(journey_pages, fakes["p"]))
        self.app.register_blueprint(code_pages.pages(journey_pages, fakes["c"], trust_days=trust_days))
        self.app.register_blueprint(device_pages.pages(journey_pages, fakes["d"]))
        self.app.register_blueprint(enrolment_pages.pages(journey_pages, fakes["l"]))

        @self.app.get("/breaks")
        def breaks() -> str:
            raise RuntimeError("a secret detail in a stack trace")

        @self.app.get("/store-down")
        def store_down() -> str:
            raise StoreDownError("redis at a private address")

        @self.app.get("/too-many")
        def too_many() -> str:
            raise TooManySignins("a private detail")

        self.shell.install(self.app)
        self.client = self.browser(BROWSER)

    def browser(self, browser_cookie: str | None = None) -> FlaskClient:
        client = self.app.test_client()
        if browser_cookie is not None:
            client.set_cookie("__Host-browser", browser_cookie, domain="localhost")
        return client

    def token(self, client: FlaskClient, page: str, *, action: str | None = None) -> str:
        """The form token that a page gives for the form of this action (the page's own address by default)."""
        html = client.get(page).get_data(as_text=True)
        return form_token_in(html, action or page)

    def send(self, page: str, *, action: str | None = None, client: FlaskClient | None = None, **fields: str) -> Any:
        """What a person does: opens the page, fills the form, sends it."""
        client = client or self.client
        token = self.token(client, page, action=action)
        return client.post(action or page, data={"form_token": token, **fields})


def form_token_in(html: str, action: str) -> str:
    found = re.search(
        rf'action="{re.escape(action)}"[^>]*>\s*<input type="hidden" name="form_token" value="([^"]+)"', html
    )
    assert found, f"no form for {action} in the page"
    return found[1]
