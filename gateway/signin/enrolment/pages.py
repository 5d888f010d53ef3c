"""First access and lost password. The link's token leaves the address bar at once for a cookie (RST-05); looking consumes
nothing (RST-03); an unknown, malformed, used or expired link is one page with a way out (RST-09)."""

from functools import partial

import flask
from werkzeug.wrappers import Response

from gateway.accounts.one_time_link import LinkPurpose
from gateway.signin.enrolment.access_link import AccessLinks, AddressUnproved, LinkGone, PasswordTooWeak
from gateway.signin.enrolment.landed_link import TOKEN, landed_token, landing
from gateway.signin.gone import TransactionGone
from gateway.signin.pages import RULE_REFUSED, JourneyPages
from gateway.web import cookies
from gateway.web.shell import Shell

_LONGEST_IDENTIFIER = 320


def pages(
    journey_pages: JourneyPages, links: AccessLinks, *, min_length: int = 12, by_password: bool = True
) -> flask.Blueprint:
    """`by_password`: whether accounts may have a password here; otherwise nothing sets one and none is lost."""
    blueprint = journey_pages.blueprint("enrolment")
    shell = journey_pages.shell

    def token_under_way(purpose: LinkPurpose) -> str:
        """The token that landed in this browser for this purpose."""
        token = landed_token(flask.request.cookies.get(cookies.LINK), purpose)
        if token is None:
            raise LinkGone("no link landed in this browser")
        return token

    def gone(purpose: LinkPurpose) -> Response:
        way_out = ("/forgotten" if purpose is LinkPurpose.RESET else "/activation/demande", "link.ask_again")
        response = shell.message(f"link.gone_{purpose.value}", status=410, way_out=way_out)
        cookies.forget(response, cookies.LINK)
        return response

    def form_page(purpose: LinkPurpose, token: str, *, status: int = 200, error: str | None = None) -> Response:
        return shell.page(
            "signin/new_password.html",
            status=status,
            purpose=purpose.value,
            username=links.inspect(token, purpose).username,
            min_length=min_length,
            error=error,
            tiles=journey_pages.activation_tiles() if purpose is LinkPurpose.ACTIVATION else [],
            by_password=by_password,
            address_first=not links.proves_address(token, purpose),
        )

    def show(purpose: LinkPurpose) -> Response:
        if "done" in flask.request.args:
            return done(purpose)
        try:
            return form_page(purpose, token_under_way(purpose))
        except LinkGone:
            return gone(purpose)

    def done(purpose: LinkPurpose) -> Response:
        """And the way on: to the sign-in of this browser that a lost password interrupted, or to a new one."""
        handle = flask.request.cookies.get(cookies.JOURNEY, "")
        way_out = (
            (f"/signin/{handle}", "link.go_on") if _under_way(journey_pages, handle) else ("/signin", "home.signin")
        )
        response = shell.message(f"link.done_{purpose.value}", way_out=way_out)
        cookies.forget(response, cookies.JOURNEY)
        return response

    def submit(purpose: LinkPurpose) -> Response:
        fields = shell.form(purpose.value)
        try:
            token = token_under_way(purpose)
            password = fields.get("new_password", "")
            if password != fields.get("again", ""):
                error = shell.translations.say(shell.language(), "password.mismatch")
                return form_page(purpose, token, status=RULE_REFUSED, error=error)
            try:
                links.set_password(token, purpose, password, journey_pages.context())
            except PasswordTooWeak as refusal:
                return form_page(purpose, token, status=RULE_REFUSED, error=shell.refusal_text(refusal))
        except AddressUnproved:
            return shell.see_other("/feuille/adresse")
        except LinkGone:
            return gone(purpose)
        response = shell.see_other(f"/{purpose.value}?done")
        cookies.forget(response, cookies.LINK)
        return response

    if by_password:
        _forgotten(blueprint, journey_pages, links)
    for each in (LinkPurpose.ACTIVATION, *([LinkPurpose.RESET] if by_password else [])):
        path, defaults = f"/{each.value}", {"purpose": each}
        blueprint.add_url_rule(
            f"{path}/<token>", f"{each.value}_land", partial(_land, shell), defaults=defaults, methods=["GET"]
        )
        blueprint.add_url_rule(path, f"{each.value}_show", show, defaults=defaults, methods=["GET"])
        if by_password:
            blueprint.add_url_rule(path, f"{each.value}_submit", submit, defaults=defaults, methods=["POST"])
    return blueprint


def _land(shell: Shell, purpose: LinkPurpose, token: str) -> Response:
    response = shell.see_other(f"/{purpose.value}")
    if TOKEN.fullmatch(token):
        cookies.put(response, cookies.LINK, landing(purpose, token))
    else:
        cookies.forget(response, cookies.LINK)
    return response


def _under_way(journey_pages: JourneyPages, handle: str) -> bool:
    """Whether this browser is in the middle of the sign-in of this handle."""
    try:
        journey_pages.found(handle)
    except TransactionGone:
        return False
    return True


def _forgotten(blueprint: flask.Blueprint, journey_pages: JourneyPages, links: AccessLinks) -> None:
    shell = journey_pages.shell

    @blueprint.get("/forgotten")
    def forgotten() -> Response:
        if "sent" in flask.request.args:
            return shell.page("signin/forgotten_sent.html")
        response = shell.page("signin/forgotten.html", error=None)
        if _under_way(journey_pages, handle := flask.request.args.get("from", "")):
            cookies.put(response, cookies.JOURNEY, handle)
        return response

    @blueprint.post("/forgotten")
    def ask() -> Response:
        identifier = shell.form("forgotten").get("identifier", "").strip()[:_LONGEST_IDENTIFIER]
        if not identifier:
            error = shell.translations.say(shell.language(), "forgotten.missing")
            return shell.page("signin/forgotten.html", status=RULE_REFUSED, error=error)
        links.request_reset(identifier, journey_pages.context())
        return shell.see_other("/forgotten?sent")
