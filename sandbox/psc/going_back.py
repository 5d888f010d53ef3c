"""The browser's way back to the client, with a code or an error, and the wallet's two cookies.

The parameters are Keycloak's (dossier §2.1, S4): `state` echoed, `session_state`, and `iss` in the modern shape.
"""

from urllib.parse import urlencode

from flask import Response, make_response, redirect, request

from sandbox.psc import falsehoods
from sandbox.psc.authorization import AuthorizationRequest, WayBack
from sandbox.psc.realm import Realm
from sandbox.psc.refusals import OAuthError
from sandbox.psc.sessions import PscSession

SESSION_COOKIE = "PSC_SESSION"
BROWSER_COOKIE = "PSC_BROWSER"


def back_with_code(realm: Realm, asked: AuthorizationRequest, session: PscSession) -> Response:
    answer = {"session_state": session.id, "code": realm.codes.issue(asked, session, realm.now())}
    return _back(realm, WayBack(asked.redirect_uri, asked.state), answer)


def back_with_error(realm: Realm, back: WayBack, refusal: OAuthError) -> Response:
    described = {"error_description": refusal.description} if refusal.description else {}
    return _back(realm, back, {"error": refusal.error, **described})


def session_of_browser(realm: Realm) -> PscSession | None:
    return realm.sessions.of_browser(request.cookies.get(SESSION_COOKIE), realm.now())


def keep(answer: Response, name: str, value: str) -> Response:
    # Plain http on loopback: no Secure. Lax: services send people here by links and redirects.
    answer.set_cookie(name, value, httponly=True, samesite="Lax", path="/")
    return answer


def _back(realm: Realm, back: WayBack, answer: dict[str, str]) -> Response:
    parameters = {
        **({} if back.state is None else {"state": back.state}),
        **({"iss": realm.issuer} if realm.conduct.is_modern else {}),
        **answer,
    }
    pairs = falsehoods.callback_parameters(realm.conduct.lie, parameters, issuer=realm.issuer)
    separator = "&" if "?" in back.redirect_uri else "?"
    return make_response(redirect(f"{back.redirect_uri}{separator}{urlencode(pairs)}", 302))
