"""The form that asks one of the recovery codes. It is reached by choice alone, and says what the code is worth."""

import flask
from werkzeug.wrappers import Response

from gateway.signin.journey import Step
from gateway.signin.pages import RULE_REFUSED, JourneyPages
from gateway.signin.recovery.signin import RecoverySignin
from gateway.signin.transaction import SigninTransaction
from gateway.signin.tries import FactorRefused


def pages(journey_pages: JourneyPages, recovery: RecoverySignin) -> flask.Blueprint:
    blueprint = journey_pages.blueprint("recovery_code")
    shell = journey_pages.shell

    def form_page(txn: SigninTransaction, *, status: int = 200, error: str | None = None) -> Response:
        return journey_pages.page(
            "signin/recovery_code.html",
            txn,
            status=status,
            error=error,
            another_factor=len(journey_pages.journey.second_factors(txn)) > 1,
        )

    @blueprint.get("/signin/<handle>/recovery_code")
    def show(handle: str) -> Response:
        return form_page(journey_pages.at(handle, Step.RECOVERY_CODE))

    @blueprint.post("/signin/<handle>/recovery_code")
    def submit(handle: str) -> Response:
        fields = shell.form(f"recovery_code:{handle}")
        txn = journey_pages.at(handle, Step.RECOVERY_CODE)
        hint = txn.demand.ui_locale
        try:
            return journey_pages.onward(recovery.submit(txn, fields.get("code", ""), journey_pages.context(hint)))
        except FactorRefused as refusal:
            if not refusal.facts["attempts_left"]:
                return journey_pages.onward(txn)
            return form_page(journey_pages.found(handle), status=RULE_REFUSED, error=shell.refusal_text(refusal, hint))

    return blueprint
