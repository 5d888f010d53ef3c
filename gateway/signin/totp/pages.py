"""The form that asks the code of an authenticator application: one field (A11Y-03), the way to the other factors (OTP-14), and
the offer to trust this device, which only a script can take (DECISIONS 2)."""

import flask
from werkzeug.wrappers import Response

from gateway.signin.device.cookie import key_name
from gateway.signin.device.public_point import public_point
from gateway.signin.journey import Step
from gateway.signin.linking.pending import pending
from gateway.signin.pages import RULE_REFUSED, JourneyPages
from gateway.signin.totp.signin import TotpSignin
from gateway.signin.transaction import SigninTransaction
from gateway.signin.tries import FactorRefused

_LONGEST_TYPED = 32


def pages(journey_pages: JourneyPages, totp: TotpSignin, *, trust_days: int = 30) -> flask.Blueprint:
    """`trust_days` is how long a device may be trusted; 0 when a code is asked each time: then nothing is offered."""
    blueprint = journey_pages.blueprint("totp")
    shell = journey_pages.shell

    def form_page(txn: SigninTransaction, *, status: int = 200, error: str | None = None) -> Response:
        waiting = pending(txn)
        return journey_pages.page(
            "signin/totp.html",
            txn,
            status=status,
            error=error,
            key_name=key_name(txn.account_id or ""),
            trust_days=trust_days if waiting is None and txn.shared is None and not txn.demand.best_factor else 0,
            linking=waiting.kind.value if waiting is not None else None,
            another_factor=len(journey_pages.journey.second_factors(txn)) > 1,
        )

    @blueprint.get("/signin/<handle>/totp")
    def show(handle: str) -> Response:
        return form_page(journey_pages.at(handle, Step.TOTP))

    @blueprint.post("/signin/<handle>/totp")
    def submit(handle: str) -> Response:
        fields = shell.form(f"totp:{handle}")
        txn = journey_pages.at(handle, Step.TOTP)
        hint = txn.demand.ui_locale
        trusted = trust_days > 0 and fields.get("trust") == "yes"
        try:
            txn, device = totp.submit(
                txn,
                fields.get("code", "")[:_LONGEST_TYPED],
                journey_pages.context(hint),
                device_public_key=public_point(fields.get("device_public_key", "")) if trusted else None,
                device_label=journey_pages.device_label(hint) if trusted else "",
            )
        except FactorRefused as refusal:
            if not refusal.facts["attempts_left"]:
                return journey_pages.onward(txn)
            return form_page(journey_pages.found(handle), status=RULE_REFUSED, error=shell.refusal_text(refusal, hint))
        return journey_pages.after_factor(txn, device)

    return blueprint
