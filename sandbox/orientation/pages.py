"""Orientation's pages: home, callback, sign-out, and one error page in human words.

Starts without the gateway, and says so politely when it is not there. Raw tokens never reach the HTML.
"""

import json
from urllib.parse import urlencode, urlsplit

from flask import Flask, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response as AnyResponse

from sandbox import french_time
from sandbox.clock import WorldClock
from sandbox.http_server import harden
from sandbox.orientation.authorization import Transaction, accepted_code, authorization_url
from sandbox.orientation.code_exchange import SignedIn, sign_in_with_code
from sandbox.orientation.configuration import ClientConfiguration
from sandbox.orientation.failures import ProviderUnreachable, SignInFailed, in_human_words
from sandbox.orientation.levels import level_name, stronger_levels
from sandbox.orientation.provider import Provider
from sandbox.orientation.rights import received
from sandbox.orientation.sessions import Sessions

COOKIE = "orientation_session"


def orientation_site(client: ClientConfiguration, clock: WorldClock, *, world_url: str = "") -> Flask:
    site = Flask("sandbox.orientation", root_path=__file__.rpartition("/")[0])
    site.config["MAX_CONTENT_LENGTH"] = 16 * 1024
    # Browsers apply form-action to the redirects of a form: signing out ends at the gateway.
    issuer = urlsplit(client.issuer)
    harden(site, form_targets=(f"{issuer.scheme}://{issuer.netloc}",))
    provider = Provider(client.issuer)
    sessions = Sessions()

    @site.context_processor
    def words() -> dict[str, object]:
        return {"time": french_time, "level_name": level_name, "world_url": world_url}

    @site.get("/")
    def home() -> str:
        cookie = request.cookies.get(COOKIE)
        just_left = sessions.take_logout(cookie, request.args.get("state", ""))
        person = sessions.signed_in(cookie, clock.now())
        if person is None:
            return render_template("welcome.html", just_left=just_left)
        return _rights_page(person)

    @site.get("/sign-in")
    def sign_in() -> ResponseReturnValue:
        return _begin(Transaction.begin())

    @site.get("/sign-in/stronger")
    def sign_in_stronger() -> ResponseReturnValue:
        person = sessions.signed_in(request.cookies.get(COOKIE), clock.now())
        wanted = stronger_levels(
            person.id_claims.get("acr") if person else None, provider.metadata().acr_values_supported
        )
        return _begin(Transaction.begin(acr_values=wanted))

    @site.get("/sign-in/silent")
    def sign_in_silently() -> ResponseReturnValue:
        return _begin(Transaction.begin(silent=True))

    @site.get("/callback")
    def callback() -> ResponseReturnValue:
        cookie = request.cookies.get(COOKIE)
        code, transaction = accepted_code(
            request.args.to_dict(flat=False),
            expected_issuer=provider.issuer,
            issuer_is_always_said=provider.metadata().says_iss_in_response,
            take_transaction=lambda state: sessions.take(cookie, state),
        )
        person = sign_in_with_code(code, client=client, provider=provider, transaction=transaction, now=clock.now())
        return _with_cookie(redirect(url_for("home"), 303), sessions.sign_in(cookie, person))

    @site.post("/sign-out")
    def sign_out() -> ResponseReturnValue:
        person, state = sessions.sign_out(request.cookies.get(COOKIE))
        try:
            endpoint = provider.metadata().end_session_endpoint
        except SignInFailed:
            endpoint = None
        if person is None or endpoint is None:
            return redirect(url_for("home"), 303)
        parameters = {
            "id_token_hint": person.id_token,
            "client_id": client.client_id,
            "post_logout_redirect_uri": client.post_logout_redirect_uri,
            "state": state,
        }
        return redirect(f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(parameters)}", 303)

    @site.errorhandler(SignInFailed)
    def explain(failure: SignInFailed) -> ResponseReturnValue:
        page = render_template(
            "failure.html",
            words=in_human_words(failure),
            failure=failure,
            still_signed_in=sessions.signed_in(request.cookies.get(COOKIE), clock.now()) is not None,
        )
        return page, 503 if isinstance(failure, ProviderUnreachable) else 400

    def _begin(transaction: Transaction) -> Response:
        url = authorization_url(client, provider.metadata(), transaction)
        return _with_cookie(redirect(url, 303), sessions.begin(request.cookies.get(COOKIE), transaction))

    def _rights_page(person: SignedIn) -> str:
        acr = person.id_claims.get("acr")
        return render_template(
            "rights.html",
            person=person,
            received=received({**person.id_claims, **person.userinfo}),
            acr=acr,
            level_was_missed=bool(person.asked_acr_values) and acr not in person.asked_acr_values,
            can_go_stronger=bool(stronger_levels(acr, ())),
            raw={
                "Jeton d’identité (ID token)": _readable(person.id_claims),
                "Réponse de userinfo": _readable(person.userinfo),
                "Jeton d’accès, lu comme par l’API d’Orientation": _readable(person.access_token.claims),
            },
        )

    return site


def _readable(claims: dict[str, object]) -> str:
    return json.dumps(claims, ensure_ascii=False, indent=2, sort_keys=True) if claims else ""


def _with_cookie(response: AnyResponse, cookie: str) -> Response:
    answer = make_response(response)
    # Lax: the browser must bring it back when the gateway sends the person to /callback. Plain http: no Secure.
    answer.set_cookie(COOKIE, cookie, httponly=True, samesite="Lax", path="/")
    return answer
