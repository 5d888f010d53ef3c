"""The calls of the pages' script: options for the authenticator, then its answer. JSON in and out, with a form token (WEB-03).

At sign-in within a login transaction of this browser; at an activation for the link that landed in it. Every passkey that is
refused gets the same answer, in a body of the same shape.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import flask
from werkzeug.wrappers import Response

from gateway.accounts.one_time_link import LinkPurpose
from gateway.refusal import Refusal
from gateway.signin.enrolment.access_link import LinkGone
from gateway.signin.enrolment.landed_link import landed_token
from gateway.signin.journey import TransactionGone
from gateway.signin.pages import RULE_REFUSED, JourneyPages
from gateway.signin.passkey.enrolment import PasskeyEnrolment
from gateway.signin.passkey.form_token import ACTIVATION_TOKEN, form_purpose
from gateway.signin.passkey.refusals import PasskeyNotAdded, PasskeyRefused
from gateway.signin.passkey.signin import PasskeySignin
from gateway.signin.psc.json_object import MalformedObject, read_object
from gateway.web import cookies
from gateway.web.shell import Shell

BODY_LIMIT = 16 * 1024
_LONGEST_LABEL = 200
_GONE = 410
ACTIVATION = "/activation/passkey"
ABLE, ASKED = "able", "asked"
"""What the cookie `PASSKEY` says of this browser: it can make passkeys by itself; somebody was asked, or uses one."""


def api(journey_pages: JourneyPages, signin: PasskeySignin, enrolment: PasskeyEnrolment) -> flask.Blueprint:
    blueprint = flask.Blueprint("passkey_api", __name__)
    shell = journey_pages.shell

    @blueprint.post("/signin/<handle>/passkey/options")
    def options(handle: str) -> Response:
        members = body(shell, form_purpose(handle), set(), {"able"}, malformed=PasskeyRefused)
        response = answer(200, signin.begin(journey_pages.found(handle)))
        if members.get("able") is True and cookies.PASSKEY not in flask.request.cookies:
            cookies.put(response, cookies.PASSKEY, ABLE, seconds=cookies.LONG)
        return response

    @blueprint.post("/signin/<handle>/passkey/verify")
    def verify(handle: str) -> Response:
        members = body(shell, form_purpose(handle), {"credential"}, malformed=PasskeyRefused)
        txn = journey_pages.found(handle)
        context = journey_pages.context(txn.demand.ui_locale)
        onward = signin.answered(txn, members["credential"], context)
        return answer(200, {"next": f"/signin/{onward.handle}"})

    @blueprint.post(f"{ACTIVATION}/options")
    def activation_options() -> Response:
        body(shell, ACTIVATION_TOKEN, set(), malformed=PasskeyNotAdded)
        return answer(200, enrolment.begin_activation(_landed()))

    @blueprint.post(f"{ACTIVATION}/verify")
    def activation_verify() -> Response:
        members = body(shell, ACTIVATION_TOKEN, {"credential", "label"}, malformed=PasskeyNotAdded)
        enrolment.activate(_landed(), members["credential"], label_of(shell, members), journey_pages.context())
        response = answer(200, {"next": "/activation?done"})
        cookies.forget(response, cookies.LINK)
        return response

    @blueprint.errorhandler(TransactionGone)
    def gone(refusal: TransactionGone) -> Response:
        """The page goes where the journey stands, or learns there that it is gone."""
        handle = (flask.request.view_args or {}).get("handle", "")
        return answer(_GONE, {"error": refusal.code, "text": shell.refusal_text(refusal), "next": f"/signin/{handle}"})

    @blueprint.errorhandler(LinkGone)
    def link_gone(refusal: LinkGone) -> Response:
        return answer(_GONE, {"error": refusal.code, "text": shell.refusal_text(refusal), "next": "/activation"})

    @blueprint.errorhandler(Refusal)
    def refused(refusal: Refusal) -> Response:
        return answer(RULE_REFUSED, {"error": refusal.code, "text": shell.refusal_text(refusal)})

    return blueprint


def body(shell: Shell, purpose: str, *shapes: set[str], malformed: Callable[[str], Refusal]) -> dict[str, Any]:
    """The members of the call, when they are one of these sets."""
    unverified = shell.call(purpose)
    try:
        members = read_object(unverified) if len(unverified) <= BODY_LIMIT else None
    except MalformedObject:
        members = None
    if members is None or set(members) not in shapes:
        raise malformed("call")
    return members


def label_of(shell: Shell, members: Mapping[str, Any]) -> str:
    """The name that was typed, or one that says what it is."""
    typed = members["label"]
    known = typed[:_LONGEST_LABEL] if isinstance(typed, str) else ""
    return known if known.strip() else shell.translations.say(shell.language(), "passkeys.some_passkey")


def answer(status: int, members: Mapping[str, Any]) -> Response:
    return Response(json.dumps(members, ensure_ascii=False), status=status, content_type="application/json")


def _landed() -> str:
    """The activation link that landed in this browser. Raises LinkGone."""
    token = landed_token(flask.request.cookies.get(cookies.LINK), LinkPurpose.ACTIVATION)
    if token is None:
        raise LinkGone("no link landed in this browser")
    return token
