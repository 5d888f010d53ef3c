"""The pages around the journey: its dispatcher, its end, giving up, the choice of a structure, the start page, sign-out.

`JourneyPages` is what every sign-in page shares: it finds the transaction of this browser, asks the journey where it stands
(nothing here decides), and renders with the application's name. A page that is not the current step sends to the one that is.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import flask
from werkzeug.wrappers import Response

from gateway.accounts.ports import Accounts
from gateway.accounts.trusted_device import TrustedDevice
from gateway.applications.client import Client
from gateway.applications.ports import Clients
from gateway.signin.device.cookie import device_of, with_device
from gateway.signin.device.label import browser_and_system, recognised
from gateway.signin.evidence import Means
from gateway.signin.factors import CHANNEL_OF_MEANS
from gateway.signin.gate import Gate
from gateway.signin.journey import (
    FACTOR_STEPS,
    Journey,
    Step,
    StructureNotHeld,
    TransactionGone,
    TransactionMoved,
)
from gateway.signin.linking.pending import pending
from gateway.signin.request_context import RequestContext
from gateway.signin.session import Session
from gateway.signin.transaction import Demand, SigninTransaction
from gateway.web import cookies
from gateway.web.shell import Shell

HOME = "/"
MY_ACCOUNT = "/compte"
"""Where somebody who is signed in is at home; not on a shared post."""
OFFER = "passkey-offer"
_SIGNED_IN = "signed_in"
Door = flask.Blueprint
"""What a room's `pages(…)` gives, and wiring puts together."""
_HANDLE = re.compile(r"[0-9a-f][A-Za-z0-9_-]{43}")

RULE_REFUSED = 422
"""Every refused form of a sign-in answers with this status, whatever the reason."""


@dataclass(frozen=True, slots=True)
class MeansTile:
    """A means of sign-in shown above the password form (DECISIONS 4), under the texts `means.<kind>`; `address` gives its
    page for the handle of a transaction, `activation` the one that activates an account."""

    kind: str
    address: Callable[[str], str]
    activation: str


class JourneyPages:
    def __init__(
        self,
        *,
        shell: Shell,
        journey: Journey,
        gate: Gate,
        clients: Clients,
        means: Sequence[MeansTile] = (),
        may_enrol: Callable[[Session], bool] = lambda _: False,
    ) -> None:
        """`may_enrol`: whether this session can make a passkey without another proof."""
        self.shell = shell
        self.journey = journey
        self.gate = gate
        self._clients = clients
        self._means = means
        self._may_enrol = may_enrol
        shell.add_templates("signin", Path(__file__).parent / "templates")

    def blueprint(self, name: str) -> flask.Blueprint:
        """A blueprint whose pages answer kindly when the transaction is gone."""
        blueprint = flask.Blueprint(name, __name__)
        blueprint.register_error_handler(TransactionMoved, self._moved)
        blueprint.register_error_handler(TransactionGone, self._gone)
        return blueprint

    def context(self, language_hint: str | None = None) -> RequestContext:
        context = RequestContext.of(self.shell.facts(), self.shell.language(language_hint))
        device = recognised(flask.request.headers.get("User-Agent", ""))
        return replace(context, device=device, unverified_marks=flask.request.cookies.get(cookies.KNOWN, ""))

    def session_cookie(self) -> str | None:
        return flask.request.cookies.get(cookies.SESSION) or None

    def device_id(self, txn: SigninTransaction) -> str | None:
        return device_of(flask.request.cookies.get(cookies.DEVICE), txn.account_id)

    def found(self, handle: str) -> SigninTransaction:
        """The transaction of this browser. Raises TransactionGone."""
        if not _HANDLE.fullmatch(handle):
            raise TransactionGone("no handle has this shape")
        txn = self.journey.find(handle, browser_cookie=self.shell.known_browser())
        context = self.context()
        return txn if context.shared is None else self.journey.on_post(txn, context)

    def at(self, handle: str, step: Step) -> SigninTransaction:
        """The transaction, when `step` is where it stands; otherwise the browser is sent where it does."""
        txn = self.found(handle)
        if self.journey.next_step(txn, device_id=self.device_id(txn)) is not step:
            flask.abort(self.onward(txn))
        return txn

    def onward(self, txn: SigninTransaction) -> Response:
        """To the dispatcher, after a step."""
        return self.shell.see_other(f"/signin/{txn.handle}")

    def device_label(self, language_hint: str | None) -> str:
        """By which words this browser is recognised later, once it is trusted."""
        browser, system = browser_and_system(flask.request.headers.get("User-Agent", ""))
        language, say = self.shell.language(language_hint), self.shell.translations.say
        browser = browser or say(language, "device.some_browser")
        return say(language, "device.label", browser=browser, system=system or say(language, "device.some_system"))

    def after_factor(self, txn: SigninTransaction, device: TrustedDevice | None) -> Response:
        """To the dispatcher; the browser is given the name of the device that it has just become."""
        response = self.onward(txn)
        if device is not None:
            value = with_device(flask.request.cookies.get(cookies.DEVICE), device.account_id, device.id)
            cookies.put(response, cookies.DEVICE, value, seconds=cookies.LONG)
        return response

    def client(self, txn: SigninTransaction) -> Client | None:
        return self._clients.find(txn.demand.client_id) if txn.demand.client_id else None

    def client_name(self, client: Client, language: str) -> str:
        return client.name.get(language) or client.name.get("fr") or client.client_id

    def names_of(self, client_ids: tuple[str, ...]) -> list[str]:
        language = self.shell.language()
        found = (self._clients.find(client_id) for client_id in client_ids)
        return sorted(self.client_name(client, language) for client in found if client is not None)

    def signin_before(self, session: Session) -> tuple[float, str | None] | None:
        """When its holder signed in before this session, and the text that says how (SES-13)."""
        if session.signin_before is None:
            return None
        at, acr = session.signin_before
        key = f"my_account.level_{acr.rpartition(':')[2].replace('-', '_')}"
        return at, key if self.shell.translations.has(key) else None

    def page(self, template: str, txn: SigninTransaction, *, status: int = 200, **values: Any) -> Response:
        """A page of the journey; its forms may end at the application's registered addresses and nowhere else."""
        hint = txn.demand.ui_locale
        client = self.client(txn)
        return self.shell.page(
            template,
            status=status,
            redirect_uris=client.redirect_uris if client is not None else (),
            language_hint=hint,
            application=self.client_name(client, self.shell.language(hint)) if client is not None else None,
            handle=txn.handle,
            shared=txn.shared is not None,
            **values,
        )

    def tiles(self, txn: SigninTransaction, kind: str | None = None) -> list[tuple[str, str, bool]]:
        """(kind, address, whether it served last in this browser) of the other means that are switched on, in their order;
        of one `kind` alone when it is named. A passkey where it would do."""
        usual = flask.request.cookies.get(cookies.MEANS)
        return [
            (tile.kind, tile.address(txn.handle), tile.kind == usual)
            for tile in self._means
            if kind in {None, tile.kind} and (tile.kind != Means.PASSKEY or self.journey.passkey_could_do(txn))
        ]

    def activation_tiles(self) -> list[tuple[str, str, bool]]:
        return [(tile.kind, tile.activation, False) for tile in self._means]

    def start(self) -> Response:
        """Opens a transaction without application."""
        session = self.gate.find(self.session_cookie(), self.context())
        if session is not None and session.shared is None and self.gate.is_enough(session, Demand()):
            return self.shell.see_other(HOME)
        txn = self.journey.open(
            Demand(), {"resume": HOME}, browser_cookie=self.shell.browser(), session=session, context=self.context()
        )
        return self.onward(txn)

    def dispatch(self, handle: str) -> Response:
        """Where the journey stands, as an address: every step but the two last is a page under its own name."""
        txn = self.found(handle)
        step = self.journey.next_step(txn, device_id=self.device_id(txn))
        if step is Step.COMPLETE:
            session = self.journey.complete(txn, previous_session=self.session_cookie(), context=self.context())
            offers = txn.session_digest is None and self._offers_passkey(session)
            response = self.shell.see_other(f"/signin/{txn.handle}/{OFFER}") if offers else self._resumed(txn, session)
            cookies.put(response, cookies.SESSION, session.handle)
            cookies.put(response, cookies.KNOWN, self.journey.marks(session, self.context()), seconds=cookies.LONG)
            served = _served(session)
            if offers or (served == Means.PASSKEY and session.shared is None):
                cookies.put(response, cookies.PASSKEY, "asked", seconds=cookies.LONG)
            if self._means and session.shared is None:
                cookies.put(response, cookies.MEANS, served, seconds=cookies.LONG)
            return response
        if step is Step.REFUSED:
            return self._resumed(txn, None)
        return self.shell.see_other(f"/signin/{txn.handle}/{step.value}")

    def _offers_passkey(self, session: Session) -> bool:
        """ "La prochaine fois, sans carte ?": once per device that can make one, after a card or Pro Santé Connect, never on a
        shared post."""
        able = flask.request.cookies.get(cookies.PASSKEY) == "able"
        return able and session.shared is None and session.upstream is not None and self._may_enrol(session)

    def _resumed(self, txn: SigninTransaction, session: Session | None) -> Response:
        """Back to the room that opened the transaction; our own are closed here."""
        resume = str(txn.continuation["resume"])
        if resume != HOME:
            if not resume.startswith("/") or resume.startswith("//"):
                raise RuntimeError("a journey resumes on our own pages")
            return self.shell.see_other(f"{resume}{txn.handle}")
        if session is not None and session.shared is not None:
            return self.shell.see_other(f"{HOME}?{_SIGNED_IN}={txn.handle}")
        given_up = txn.refusal is not None
        taken = self.journey.take(
            txn.handle, browser_cookie=self.shell.known_browser(), session=session, context=self.context()
        )
        if taken.refusal is not None and not given_up:
            return self.shell.message("signin.not_possible", status=403, language_hint=txn.demand.ui_locale)
        back = str(taken.continuation.get("back", HOME))
        if given_up or not back.startswith("/") or back.startswith("//"):
            return self.shell.see_other(HOME)
        return self.shell.see_other(back)

    def just_signed_in(self, session: Session) -> bool:
        """Whether a sign-in for our own pages led to this very request: once, by closing its transaction."""
        try:
            txn = self.found(flask.request.args.get(_SIGNED_IN, ""))
            if txn.continuation["resume"] != HOME:
                return False
            browser, context = self.shell.known_browser(), self.context()
            return (
                self.journey.take(txn.handle, browser_cookie=browser, session=session, context=context).refusal is None
            )
        except TransactionGone:
            return False

    def _moved(self, moved: TransactionMoved) -> Response:
        """Another request of this tab went first: show where the journey stands, unless that is where it failed."""
        handle = (flask.request.view_args or {}).get("handle")
        if handle is None or flask.request.path == f"/signin/{handle}":
            return self._gone(moved)
        return self.shell.see_other(f"/signin/{handle}")

    def _gone(self, _: TransactionGone) -> Response:
        return self.shell.message("signin.gone_page", status=410, way_out=("/signin", "signin.gone_page.way_out"))


def _served(session: Session) -> str:
    """By which means the session was opened."""
    if session.upstream is not None:
        return str(session.upstream["kind"])
    by_passkey = any(item.means is Means.PASSKEY for item in session.evidence)
    return Means.PASSKEY.value if by_passkey else Means.PASSWORD.value


Leave = Callable[[Session | None, str | None], Response | None]
"""What a sign-out answers instead of its own page: given the ended session and the way on."""


def nowhere_to_leave(_: Session | None, __: str | None) -> Response | None:
    return None


def pages(journey_pages: JourneyPages, accounts: Accounts, leave: Leave = nowhere_to_leave) -> flask.Blueprint:
    """The dispatcher, cancel, the structure chooser, the start page and sign-out; `leave` leads out of the session's means."""
    blueprint = journey_pages.blueprint("signin")
    shell, journey, gate = journey_pages.shell, journey_pages.journey, journey_pages.gate

    @blueprint.get("/signin")
    def start() -> Response:
        return journey_pages.start()

    @blueprint.get("/signin/<handle>")
    def dispatch(handle: str) -> Response:
        return journey_pages.dispatch(handle)

    @blueprint.get("/signin/<handle>/means")
    def means(handle: str) -> Response:
        txn = journey_pages.at(handle, Step.MEANS)
        known = txn.account_id is not None
        return journey_pages.page("signin/means.html", txn, tiles=journey_pages.tiles(txn), known=known)

    def factor_page(txn: SigninTransaction) -> Response:
        possible = journey.second_factors(txn)
        stuck = journey.next_step(txn, device_id=None) is Step.FACTOR
        waiting = pending(txn)
        return journey_pages.page(
            "signin/factor.html",
            txn,
            factors=[factor.value for factor in possible],
            tried_out=stuck and not journey.disabled_factors(txn),
            disabled_contact=any(factor in CHANNEL_OF_MEANS for factor in journey.disabled_factors(txn)),
            disabled_totp=any(factor not in CHANNEL_OF_MEANS for factor in journey.disabled_factors(txn)),
            tiles=journey_pages.tiles(txn, None if waiting is None else Means.PASSKEY),
            linking=waiting.kind.value if waiting is not None else None,
            stuck=stuck,
        )

    @blueprint.get("/signin/<handle>/factor")
    def factor(handle: str) -> Response:
        txn = journey_pages.found(handle)
        if journey.next_step(txn, device_id=journey_pages.device_id(txn)) not in FACTOR_STEPS:
            return journey_pages.onward(txn)
        return factor_page(txn)

    @blueprint.post("/signin/<handle>/factor")
    def choose_factor(handle: str) -> Response:
        fields = shell.form(f"factor:{handle}")
        txn = journey_pages.found(handle)
        if journey.next_step(txn, device_id=journey_pages.device_id(txn)) not in FACTOR_STEPS:
            return journey_pages.onward(txn)
        return journey_pages.onward(journey.choose_factor(txn, fields.get("factor", "")))

    @blueprint.post("/signin/<handle>/cancel")
    def cancel(handle: str) -> Response:
        shell.form(f"cancel:{handle}")
        txn = journey_pages.found(handle)
        return journey_pages.onward(journey.refuse(txn, "access_denied", journey_pages.context()))

    def structure_page(txn: SigninTransaction, *, status: int = 200, error: str | None = None) -> Response:
        choices = journey.structures(txn)
        return journey_pages.page(
            "signin/structure.html", txn, status=status, choices=choices, error=error, person=journey.person(txn)
        )

    @blueprint.get("/signin/<handle>/structure")
    def structure(handle: str) -> Response:
        return structure_page(journey_pages.at(handle, Step.STRUCTURE))

    @blueprint.post("/signin/<handle>/structure")
    def choose_structure(handle: str) -> Response:
        fields = shell.form(f"structure:{handle}")
        txn = journey_pages.at(handle, Step.STRUCTURE)
        try:
            return journey_pages.onward(journey.choose_structure(txn, fields.get("structure", "")))
        except StructureNotHeld as refusal:
            return structure_page(txn, status=RULE_REFUSED, error=shell.refusal_text(refusal, txn.demand.ui_locale))

    @blueprint.get("/signin/<handle>/consent")
    def consent(handle: str) -> Response:
        txn = journey_pages.at(handle, Step.CONSENT)
        language = shell.language(txn.demand.ui_locale)
        keys = {scope: f"consent.scope_{scope}" for scope in txn.demand.consent}
        learns = [
            shell.translations.say(language, key) if shell.translations.has(key) else scope
            for scope, key in keys.items()
        ]
        return journey_pages.page("signin/consent.html", txn, learns=learns, person=journey.person(txn))

    @blueprint.post("/signin/<handle>/consent")
    def agree(handle: str) -> Response:
        shell.form(f"consent:{handle}")
        txn = journey_pages.at(handle, Step.CONSENT)
        return journey_pages.onward(journey.agree(txn, journey_pages.context()))

    @blueprint.get("/")
    def home() -> Response:
        session = gate.use(journey_pages.session_cookie(), journey_pages.context())
        account = accounts.get(session.account_id) if session is not None else None
        if session is None or account is None:
            signed_out = "signed_out" in flask.request.args
            return shell.page("signin/home.html", signed_out=signed_out, by_password=journey.by_password)
        if session.shared is None:
            return shell.see_other(MY_ACCOUNT)
        if not journey_pages.just_signed_in(session):
            return journey_pages.start()
        return shell.page(
            "signin/signed_in.html",
            name=f"{account.given_name} {account.family_name}",
            session=session,
            before=journey_pages.signin_before(session),
            applications=journey_pages.names_of(session.clients),
        )

    @blueprint.post("/signout")
    def sign_out() -> Response:
        shell.form("signout")
        ended = gate.end(journey_pages.session_cookie(), journey_pages.context(), "signout")
        return shell.signed_out(leave(ended, None) or shell.see_other("/?signed_out"))

    return blueprint
