"""The two calls of the card page: a challenge for the card, and the bridge's answer (cps-card.md §3.6, messages 1 and 7).

JSON in and out, within a login transaction of this browser and with a form token. Every broken rule gets the same answer; what
is said more is for people: a card of another type, or revocation data that nobody can read today.
"""

import json
from typing import Any

import flask
from werkzeug.wrappers import Response

from gateway.accounts.one_time_link import LinkPurpose
from gateway.refusal import Refusal
from gateway.signin.card.refusals import CardRefused
from gateway.signin.card.signin import LOGIN, CardSignin, IssuedChallenge
from gateway.signin.enrolment.landed_link import landed_token
from gateway.signin.journey import TransactionGone
from gateway.signin.pages import RULE_REFUSED, JourneyPages
from gateway.signin.psc.json_object import MalformedObject, read_object
from gateway.signin.transaction import SigninTransaction
from gateway.web import cookies

BODY_LIMIT = 16 * 1024
NONCE_LIMIT = 128
_GONE = 410


def api(journey_pages: JourneyPages, card: CardSignin) -> flask.Blueprint:
    """`POST /signin/<handle>/card/challenge` and `…/verify`."""
    blueprint = flask.Blueprint("card_api", __name__)
    shell = journey_pages.shell

    def said(txn: SigninTransaction | None, refusal: Refusal) -> str:
        return shell.refusal_text(refusal, txn.demand.ui_locale if txn is not None else None)

    def call(handle: str, *shapes: set[str]) -> dict[str, Any]:
        """The body, when it has one of these sets of members, each of the type its name says."""
        unverified = shell.call(form_purpose(handle))
        try:
            members = read_object(unverified) if len(unverified) <= BODY_LIMIT else {}
        except MalformedObject:
            members = {}
        if set(members) not in shapes:
            raise CardRefused("call: members")
        return members

    @blueprint.post("/signin/<handle>/card/challenge")
    def challenge(handle: str) -> Response:
        members = call(handle, {"purpose"}, {"purpose", "nonce"})
        nonce = members.get("nonce")
        if members["purpose"] != LOGIN:
            raise CardRefused("call: purpose")
        txn = journey_pages.found(handle)
        if nonce is None:
            return _challenge(handle, card.challenge(txn)[1])
        if not isinstance(nonce, str) or len(nonce) > NONCE_LIMIT:
            raise CardRefused("call: nonce")
        return _challenge(handle, card.renew(txn, nonce)[1])

    @blueprint.post("/signin/<handle>/card/verify")
    def verify(handle: str) -> Response:
        members = call(handle, {"transaction", "assertion"})
        txn = journey_pages.found(handle)
        if members["transaction"] != handle:
            raise CardRefused("call: transaction")
        token = landed_token(flask.request.cookies.get(cookies.LINK), LinkPurpose.ACTIVATION)
        context = journey_pages.context(txn.demand.ui_locale)
        onward = card.answered(txn, members["assertion"], context, activation_token=token)
        return _json(200, {"next": f"/signin/{onward.handle}"})

    @blueprint.errorhandler(TransactionGone)
    def gone(refusal: TransactionGone) -> Response:
        """The page goes where the journey stands, or learns there that it is gone."""
        return _json(_GONE, {"error": refusal.code, "text": said(None, refusal)})

    @blueprint.errorhandler(Refusal)
    def refused(refusal: Refusal) -> Response:
        return _json(RULE_REFUSED, {"error": refusal.code, "text": said(None, refusal)})

    return blueprint


def form_purpose(handle: str) -> str:
    """What the form token of the page is made for."""
    return f"card:{handle}"


def _challenge(handle: str, issued: IssuedChallenge) -> Response:
    members: dict[str, str | int] = {"nonce": issued.nonce, "purpose": issued.purpose, "expires_in": issued.expires_in}
    return _json(200, members | {"transaction": handle})


def _json(status: int, members: dict[str, str | int]) -> Response:
    return Response(json.dumps(members, ensure_ascii=False), status=status, content_type="application/json")
