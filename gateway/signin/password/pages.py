"""The identifier and password form. Every refusal is the same page with the same status (THR-06); nothing typed is kept but
the identifier, which the person gets back. A field left empty is told beside it, and is no try (R001-05)."""

from collections.abc import Mapping
from types import MappingProxyType

import flask
from werkzeug.wrappers import Response

from gateway.signin.evidence import Means
from gateway.signin.journey import Step
from gateway.signin.linking.pending import pending
from gateway.signin.pages import RULE_REFUSED, JourneyPages
from gateway.signin.passkey.form_token import form_purpose
from gateway.signin.password.new_password import NewPassword, PasswordTooWeak
from gateway.signin.password.signin import PasswordSignin, SigninRefused
from gateway.signin.password.spray_guard import MustWait
from gateway.signin.transaction import SigninTransaction

_LONGEST_IDENTIFIER = 320


def new_password_pages(journey_pages: JourneyPages, renewal: NewPassword, *, min_length: int) -> flask.Blueprint:
    """The step of a sign-in that asks for another password before anything else (R001-08)."""
    blueprint = journey_pages.blueprint("new_password")
    shell = journey_pages.shell

    def form_page(txn: SigninTransaction, *, status: int = 200, error: str | None = None) -> Response:
        return journey_pages.page(
            "signin/renew_password.html",
            txn,
            status=status,
            error=error,
            username=journey_pages.journey.username(txn),
            min_length=min_length,
        )

    @blueprint.get("/signin/<handle>/new_password")
    def show(handle: str) -> Response:
        return form_page(journey_pages.at(handle, Step.NEW_PASSWORD))

    @blueprint.post("/signin/<handle>/new_password")
    def submit(handle: str) -> Response:
        fields = shell.form(f"new_password:{handle}")
        txn = journey_pages.at(handle, Step.NEW_PASSWORD)
        hint, password = txn.demand.ui_locale, fields.get("new_password", "")
        if password != fields.get("again", ""):
            error = shell.translations.say(shell.language(hint), "password.mismatch")
            return form_page(txn, status=RULE_REFUSED, error=error)
        try:
            renewal.renew(txn, password, journey_pages.context(hint))
        except PasswordTooWeak as refusal:
            return form_page(txn, status=RULE_REFUSED, error=shell.refusal_text(refusal, hint))
        return journey_pages.onward(txn)

    return blueprint


def pages(journey_pages: JourneyPages, password: PasswordSignin) -> flask.Blueprint:
    """Above the form stand the other means that are switched on; when an identity waits for an account, they do not."""
    blueprint = journey_pages.blueprint("password")
    shell = journey_pages.shell

    def form_page(
        txn: SigninTransaction,
        identifier: str,
        *,
        status: int = 200,
        error: str | None = None,
        wait: int | None = None,
        turn: int = 0,
        missing: Mapping[str, str] = MappingProxyType({}),
    ) -> Response:
        waiting = pending(txn)
        return journey_pages.page(
            "signin/password.html",
            txn,
            status=status,
            identifier=identifier,
            error=error,
            wait=wait,
            turn=turn,
            missing=missing,
            tiles=journey_pages.tiles(txn, None if waiting is None else Means.PASSKEY),
            passkey_purpose=form_purpose(txn.handle) if journey_pages.journey.passkey_could_do(txn) else None,
            linking=waiting.kind.value if waiting is not None else None,
        )

    def told_missing(typed: Mapping[str, str], txn: SigninTransaction) -> Mapping[str, str]:
        """What to say beside each field left empty, by its name."""
        language, say = shell.language(txn.demand.ui_locale), shell.translations.say
        names = [name for name, value in typed.items() if not value]
        return {name: say(language, "signin.required", field=say(language, f"signin.{name}")) for name in names}

    @blueprint.get("/signin/<handle>/password")
    def show(handle: str) -> Response:
        txn = journey_pages.at(handle, Step.PASSWORD)
        txn, turn = password.turn(txn, journey_pages.context(txn.demand.ui_locale))
        return form_page(txn, turn=turn, identifier=(txn.demand.login_hint or "")[:_LONGEST_IDENTIFIER])

    @blueprint.post("/signin/<handle>/password")
    def submit(handle: str) -> Response:
        fields = shell.form(f"password:{handle}")
        txn = journey_pages.at(handle, Step.PASSWORD)
        identifier = fields.get("identifier", "").strip()[:_LONGEST_IDENTIFIER]
        context = journey_pages.context(txn.demand.ui_locale)
        missing = told_missing({"identifier": identifier, "password": fields.get("password", "")}, txn)
        if missing:
            txn, turn = password.turn(txn, context)
            return form_page(txn, identifier, status=RULE_REFUSED, turn=turn, missing=missing)
        try:
            return journey_pages.onward(password.submit(txn, identifier, fields.get("password", ""), context))
        except MustWait as refusal:
            text, turn = shell.refusal_text(refusal, txn.demand.ui_locale), int(refusal.facts["retry_seconds"])
            return form_page(txn, identifier, status=RULE_REFUSED, error=text, wait=turn, turn=turn)
        except SigninRefused as refusal:
            wait = refusal.facts.get("retry_seconds")
            text = shell.refusal_text(refusal, txn.demand.ui_locale)
            return form_page(
                txn, identifier, status=RULE_REFUSED, error=text, wait=int(wait) if wait is not None else None
            )

    return blueprint
