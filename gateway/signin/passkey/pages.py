"""The pages of passkeys outside « Mon compte »: signing in with one, activating an account with one, and the offer after a card
login, once per device. All of them need a script; the other means stand beside (DECISIONS 18)."""

import flask
from werkzeug.wrappers import Response

from gateway.accounts.one_time_link import LinkPurpose
from gateway.signin.enrolment.landed_link import landed_token
from gateway.signin.journey import Step
from gateway.signin.linking.pending import pending
from gateway.signin.pages import OFFER, JourneyPages
from gateway.signin.passkey.api import ACTIVATION
from gateway.signin.passkey.form_token import ACTIVATION_TOKEN, ENROLMENT_TOKEN, form_purpose
from gateway.web import cookies

KIND = "passkey"


def pages(journey_pages: JourneyPages) -> flask.Blueprint:
    """`GET /signin/<handle>/passkey`, `GET /activation/passkey`, `GET /signin/<handle>/passkey-offer`."""
    blueprint = journey_pages.blueprint("passkey")
    shell, journey = journey_pages.shell, journey_pages.journey

    @blueprint.get("/signin/<handle>/passkey")
    def show(handle: str) -> Response:
        txn = journey_pages.found(handle)
        if not journey.passkey_could_do(txn):
            return journey_pages.onward(txn)
        waiting = pending(txn)
        step = journey.next_step(txn, device_id=journey_pages.device_id(txn))
        others = f"/signin/{handle}/factor" if step is Step.PASSKEY else f"/signin/{handle}"
        return journey_pages.page(
            "signin/passkey.html",
            txn,
            form_purpose=form_purpose(handle),
            tiles=[tile for tile in journey_pages.tiles(txn) if tile[0] != KIND] if waiting is None else [],
            linking=waiting.kind.value if waiting is not None else None,
            others=None if waiting is not None and step is Step.PASSKEY and not journey.second_factors(txn) else others,
        )

    @blueprint.get(ACTIVATION)
    def activate() -> Response:
        token = landed_token(flask.request.cookies.get(cookies.LINK), LinkPurpose.ACTIVATION)
        if token is None:
            return shell.see_other("/activation")
        return shell.page(
            "signin/passkey_activation.html",
            address=ACTIVATION,
            form_purpose=ACTIVATION_TOKEN,
            back="/activation",
            recovering=False,
        )

    @blueprint.get(f"/signin/<handle>/{OFFER}")
    def offer(handle: str) -> Response:
        txn = journey_pages.found(handle)
        session = journey_pages.gate.find(journey_pages.session_cookie(), journey_pages.context())
        if txn.session_digest is None or session is None or session.shared is not None:
            return journey_pages.onward(txn)
        return journey_pages.page(
            "signin/passkey_offer.html", txn, form_purpose=ENROLMENT_TOKEN, next=f"/signin/{handle}"
        )

    return blueprint
