"""The calls of the script that makes a passkey at the end of a recovery: options, then the answer. JSON, with a form token
(WEB-03)."""

import flask
from werkzeug.wrappers import Response

from gateway.accounts.one_time_link import LinkPurpose
from gateway.accounts.ports import PasskeyExistsError
from gateway.refusal import Refusal
from gateway.signin.colleagues.own_recovery import OwnRecovery
from gateway.signin.colleagues.pages import ADDRESS, HERE, RECOVERY, RECOVERY_TOKEN, landed_sheet
from gateway.signin.enrolment.access_link import AddressUnproved, LinkGone
from gateway.signin.pages import RULE_REFUSED, JourneyPages
from gateway.signin.passkey.api import answer, body, label_of
from gateway.signin.passkey.enrolment import PasskeyEnrolment
from gateway.signin.passkey.refusals import PasskeyKnown, PasskeyNotAdded
from gateway.web import cookies

_GONE = 410


def calls(journey_pages: JourneyPages, recovery: OwnRecovery, enrolment: PasskeyEnrolment) -> flask.Blueprint:
    blueprint = flask.Blueprint("recovery_api", __name__)
    shell = journey_pages.shell

    @blueprint.post(f"{RECOVERY}/passkey/options")
    def recovery_options() -> Response:
        body(shell, RECOVERY_TOKEN, set(), malformed=PasskeyNotAdded)
        token = landed_sheet(LinkPurpose.RECOVERY)
        link, account = recovery.inspect(token)
        return answer(200, enrolment.begin_for(account, token, link.expires_at))

    @blueprint.post(f"{RECOVERY}/passkey/verify")
    def recovery_verify() -> Response:
        members = body(shell, RECOVERY_TOKEN, {"credential", "label"}, malformed=PasskeyNotAdded)
        token, context = landed_sheet(LinkPurpose.RECOVERY), journey_pages.context()
        _, account = recovery.inspect(token)
        made = enrolment.made_for(account, token, members["credential"], label_of(shell, members), context)
        try:
            recovery.keep_passkey(token, made, context)
        except PasskeyExistsError:
            raise PasskeyKnown("this credential is somebody's") from None
        response = answer(200, {"next": f"{RECOVERY}?done"})
        cookies.forget(response, cookies.LINK)
        return response

    @blueprint.errorhandler(LinkGone)
    @blueprint.errorhandler(AddressUnproved)
    def elsewhere(refusal: Refusal) -> Response:
        onward = ADDRESS if isinstance(refusal, AddressUnproved) else HERE
        return answer(_GONE, {"error": refusal.code, "text": shell.refusal_text(refusal), "next": onward})

    @blueprint.errorhandler(Refusal)
    def refused(refusal: Refusal) -> Response:
        return answer(RULE_REFUSED, {"error": refusal.code, "text": shell.refusal_text(refusal)})

    return blueprint
