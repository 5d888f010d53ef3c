"""GET and POST /authorize, and the way back from the sign-in pages (OpenID Connect Core §3.1.2).

HTTP only: what is decided is in `oidc.authorization`. Every answer is a 303 or a page of ours, one that moves on by itself to
an address that no policy can name; no CORS here, ever (WEB-05). A POST comes from another site, so without our cookies
(SameSite=Lax): it is turned into the same request by GET. An answer by form_post is a page with one button, which a script
presses where there are scripts; the page may post to the application alone.
"""

from collections.abc import Container
from pathlib import Path
from urllib.parse import urlencode

import flask
from werkzeug.wrappers import Response

from gateway.oidc.authorization import Answer, Authorization
from gateway.oidc.metadata import AUTHORIZE
from gateway.oidc.parameters import MalformedParameters, UnverifiedParameters, read_parameters
from gateway.oidc.problems import UnusableRequest
from gateway.signin.request_context import RequestContext
from gateway.web.cookies import SESSION
from gateway.web.security_headers import is_nameable
from gateway.web.shell import Shell


def context_of(shell: Shell) -> RequestContext:
    facts = shell.facts()
    return RequestContext.of(facts, facts.language)


def parameters_of(raw: bytes) -> UnverifiedParameters:
    """The query or the body of a request. Raises UnusableRequest."""
    try:
        return read_parameters(raw)
    except MalformedParameters:
        raise UnusableRequest("malformed parameters") from None


def same_by_get(path: str, *, only: Container[str] | None = None) -> Response:
    """The request of a posted form, written again as a query; nothing in it is judged yet. `only`: these parameters, as often
    as they came."""
    pairs = parameters_of(flask.request.get_data()).pairs
    if only is not None:
        pairs = tuple(pair for pair in pairs if pair[0] in only)
    return Shell.see_other(f"{path}?{urlencode(pairs)}")


def authorization_blueprint(authorization: Authorization, shell: Shell) -> flask.Blueprint:
    shell.add_templates("oidc", Path(__file__).parent.parent / "templates")
    blueprint = flask.Blueprint("oidc_authorization", __name__)

    def given(answer: Answer) -> Response:
        if isinstance(answer, str):
            return shell.see_other(answer) if is_nameable(answer) else shell.page("oidc/onward.html", address=answer)
        names = answer.client.name
        return shell.page(
            "oidc/form_post.html",
            # Where the application goes on from there, the browser still counts as the end of this form.
            redirect_uris=answer.client.redirect_uris,
            address=answer.redirect_uri,
            fields=answer.fields,
            application=names.get(shell.language()) or names["fr"],
        )

    @blueprint.get("/authorize")
    def authorize() -> Response:
        answer = authorization.begin(
            parameters_of(flask.request.query_string),
            session_cookie=flask.request.cookies.get(SESSION),
            browser=shell.browser,
            context=context_of(shell),
        )
        return given(answer)

    @blueprint.post("/authorize")
    def authorize_by_post() -> Response:
        return same_by_get(AUTHORIZE)

    @blueprint.get("/authorize/resume/<txn>")
    def resume(txn: str) -> Response:
        answer = authorization.resume(
            txn,
            session_cookie=flask.request.cookies.get(SESSION),
            browser_cookie=shell.known_browser(),
            context=context_of(shell),
        )
        return given(answer)

    return blueprint
