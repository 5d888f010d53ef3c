"""The doors of Pro Santé Connect: leaving for it, coming back with an answer, what a refusal says, coming back from its logout.

HTTP only. The code and the state leave the address bar at once; a refusal shows one of a few texts and the number under which
the log has the reason.
"""

import re
from collections.abc import Callable
from urllib.parse import parse_qsl

import flask
from werkzeug.wrappers import Response

from gateway.accounts.one_time_link import LinkPurpose
from gateway.signin.enrolment.access_link import LinkGone
from gateway.signin.enrolment.landed_link import landed_token
from gateway.signin.gone import TransactionGone
from gateway.signin.linking.link import IdentityRefused, IdentityStale
from gateway.signin.pages import HOME, JourneyPages
from gateway.signin.psc.attempt import transaction_handle_of
from gateway.signin.psc.callback import UnverifiedCallback
from gateway.signin.psc.leaving import PscLeaving
from gateway.signin.psc.refusals import PscDeclined, PscRefused, PscUnavailable
from gateway.signin.psc.signin import ACTIVATION, OTHERS, PscSignin
from gateway.signin.psc.ways_back import CALLBACK, RETURN
from gateway.signin.session import Session
from gateway.signin.transaction import Demand
from gateway.web import cookies
from gateway.web.shell import Shell

MAX_PARAMETERS = 20
_TEXTS = {
    refusal.code: refusal.text for refusal in (PscRefused, PscDeclined, PscUnavailable, IdentityStale, IdentityRefused)
}
_INCIDENT = re.compile(r"[A-Z2-7]{4}-[A-Z2-7]{4}")


def pages(journey_pages: JourneyPages, psc: PscSignin, leaving: PscLeaving) -> flask.Blueprint:
    blueprint = journey_pages.blueprint("psc")
    shell, journey = journey_pages.shell, journey_pages.journey

    def activation_token() -> str | None:
        return landed_token(flask.request.cookies.get(cookies.LINK), LinkPurpose.ACTIVATION)

    @blueprint.get("/signin/<handle>/psc")
    def ask(handle: str) -> Response:
        txn = journey_pages.found(handle)
        if not journey.is_under_way(txn):
            return journey_pages.onward(txn)
        return shell.see_other(psc.ask(txn, afresh="afresh" in flask.request.args))

    @blueprint.get("/activation/psc")
    def activate() -> Response:
        if activation_token() is None:
            return shell.see_other("/activation")
        txn = journey.open(
            Demand(),
            {"resume": HOME, ACTIVATION: True},
            browser_cookie=shell.browser(),
            session=None,
            context=journey_pages.context(),
        )
        # Afresh: whoever Pro Santé Connect saw last in this browser is not always who was invited.
        return shell.see_other(psc.ask(txn, afresh=True))

    @blueprint.get(CALLBACK)
    def callback() -> Response:
        try:
            pairs = parse_qsl(
                flask.request.query_string.decode("ascii"),
                keep_blank_values=True,
                strict_parsing=True,
                errors="strict",
                max_num_fields=MAX_PARAMETERS,
            )
        except ValueError:
            pairs = []
        unverified = UnverifiedCallback(pairs)
        try:
            txn = journey_pages.found(transaction_handle_of(unverified.get("state")) or "")
        except TransactionGone:
            psc.not_asked(journey_pages.context())
            raise
        context = journey_pages.context(txn.demand.ui_locale)
        try:
            return journey_pages.onward(psc.answered(txn, unverified, context, activation_token=activation_token()))
        except LinkGone:
            return shell.see_other("/activation")
        except (PscRefused, PscDeclined, PscUnavailable, *OTHERS) as refusal:
            return shell.see_other(f"/signin/{txn.handle}/psc/refused?why={refusal.code}&incident={context.request}")

    @blueprint.get("/signin/<handle>/psc/refused")
    def refused(handle: str) -> Response:
        txn = journey_pages.found(handle)
        why, incident = flask.request.args.get("why", ""), flask.request.args.get("incident", "")
        activation = bool(txn.continuation.get(ACTIVATION))
        return journey_pages.page(
            "signin/psc_refused.html",
            txn,
            text=_TEXTS.get(why, PscRefused.text),
            incident=incident if _INCIDENT.fullmatch(incident) and why == PscRefused.code else None,
            again="/activation/psc" if activation else f"/signin/{handle}/psc?afresh",
            others="/activation" if activation else f"/signin/{handle}",
        )

    @blueprint.get(RETURN)
    def logged_out() -> Response:
        way_back = leaving.back(flask.request.cookies.get(cookies.LEAVING), flask.request.args.get("state"))
        response = shell.see_other(way_back or "/?signed_out")
        cookies.forget(response, cookies.LEAVING)
        return response

    return blueprint


def leave(shell: Shell, leaving: PscLeaving) -> Callable[[Session | None, str | None], Response | None]:
    """What a sign-out page answers, given the session that it has ended and where the person goes on: a page that leads through
    the logout of Pro Santé Connect; None when that session came by another means."""

    def page(ended: Session | None, way_back: str | None) -> Response | None:
        departure = leaving.of(ended, way_back)
        if departure is None:
            return None
        response = shell.page("signin/leaving.html", address=departure.address)
        cookies.put(response, cookies.LEAVING, departure.memory)
        return response

    return page
