"""The pages of a sample application: home, sign-in, callback, sign-out, and one error page in human words.

Starts without the gateway, and says so politely when it is not there. Raw tokens never reach the HTML.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from flask import Flask, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response as AnyResponse

from sandbox import french_time
from sandbox.clock import WorldClock
from sandbox.http_server import harden
from sandbox.relying_party.authorization import Transaction, accepted_code, authorization_url
from sandbox.relying_party.backchannel_logout import backchannel_logout
from sandbox.relying_party.code_exchange import SignedIn, sign_in_with_code
from sandbox.relying_party.configuration import ClientConfiguration
from sandbox.relying_party.failures import ProviderUnreachable, SignInFailed, in_human_words
from sandbox.relying_party.levels import level_name, stronger_levels
from sandbox.relying_party.provider import Provider
from sandbox.relying_party.received import received
from sandbox.relying_party.session_activity import INTEGRITY, SCRIPT
from sandbox.relying_party.session_pages import session_activity
from sandbox.relying_party.sessions import Sessions


@dataclass(frozen=True)
class Application:
    """What makes one application differ from another. `folder` holds its templates and static files: shell, welcome,
    rights and failure pages. `rights` is label by code."""

    name: str
    folder: Path
    cookie: str
    rights: Mapping[str, str]
    watches_session: bool = False
    """Its pages include the gateway's script, which tells of use and warns before the session ends."""


def application_site(
    application: Application, client: ClientConfiguration, clock: WorldClock, *, world_url: str = ""
) -> Flask:
    site = Flask(f"sandbox.{application.folder.name}", root_path=str(application.folder))
    site.config["MAX_CONTENT_LENGTH"] = 16 * 1024
    # Browsers apply form-action to the redirects of a form: signing out ends at the gateway.
    issuer = urlsplit(client.issuer)
    gateway = f"{issuer.scheme}://{issuer.netloc}"
    watch = f"{gateway}{SCRIPT}" if application.watches_session else None
    harden(site, form_targets=(gateway,), scripts=() if watch is None else (watch,))
    provider = Provider(client.issuer)
    sessions = Sessions()
    site.register_blueprint(backchannel_logout(client, provider, sessions, clock))
    if application.watches_session:
        site.register_blueprint(session_activity(application.cookie, client, provider, sessions, clock))

    @site.context_processor
    def words() -> dict[str, object]:
        return {
            "time": french_time,
            "level_name": level_name,
            "world_url": world_url,
            "session_watch": watch,
            "session_watch_integrity": INTEGRITY,
        }

    @site.get("/")
    def home() -> str:
        cookie = request.cookies.get(application.cookie)
        just_left = sessions.take_logout(cookie, request.args.get("state", ""))
        person = sessions.signed_in(cookie, clock.now())
        if person is None:
            elsewhere = sessions.ended_elsewhere(cookie)
            return render_template("welcome.html", just_left=just_left, ended_elsewhere=elsewhere and not just_left)
        return _rights_page(person)

    @site.get("/sign-in")
    def sign_in() -> ResponseReturnValue:
        return _begin(Transaction.begin())

    @site.get("/sign-in/stronger")
    def sign_in_stronger() -> ResponseReturnValue:
        person = sessions.signed_in(request.cookies.get(application.cookie), clock.now())
        wanted = stronger_levels(
            person.id_claims.get("acr") if person else None, provider.metadata().acr_values_supported
        )
        return _begin(Transaction.begin(acr_values=wanted))

    @site.get("/sign-in/silent")
    def sign_in_silently() -> ResponseReturnValue:
        return _begin(Transaction.begin(silent=True))

    @site.get("/sign-in/structure")
    def sign_in_elsewhere() -> ResponseReturnValue:
        """Another active structure is another authorization request; whether it is held is the gateway's to judge."""
        structure = request.args.get("structure")
        return _begin(Transaction.begin(structure=structure)) if structure else redirect(url_for("home"), 303)

    @site.get("/callback")
    def callback() -> ResponseReturnValue:
        cookie = request.cookies.get(application.cookie)
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
        person, state = sessions.sign_out(request.cookies.get(application.cookie))
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
            words=in_human_words(failure, application.name),
            failure=failure,
            still_signed_in=sessions.signed_in(request.cookies.get(application.cookie), clock.now()) is not None,
        )
        return page, 503 if isinstance(failure, ProviderUnreachable) else 400

    def _begin(transaction: Transaction) -> Response:
        url = authorization_url(client, provider.metadata(), transaction)
        cookie = sessions.begin(request.cookies.get(application.cookie), transaction)
        return _with_cookie(redirect(url, 303), cookie)

    def _rights_page(person: SignedIn) -> str:
        acr = person.id_claims.get("acr")
        return render_template(
            "rights.html",
            person=person,
            received=received({**person.id_claims, **person.userinfo}, application.rights),
            acr=acr,
            level_was_missed=bool(person.asked_acr_values) and acr not in person.asked_acr_values,
            can_go_stronger=bool(stronger_levels(acr, ())),
            raw={
                "Jeton d’identité (ID token)": _readable(person.id_claims),
                "Réponse de userinfo": _readable(person.userinfo),
                f"Jeton d’accès, lu comme par l’API de « {application.name} »": _readable(person.access_token.claims),
            },
        )

    def _with_cookie(response: AnyResponse, cookie: str) -> Response:
        answer = make_response(response)
        # Lax: the browser must bring it back when the gateway sends the person to /callback. Plain http: no Secure.
        answer.set_cookie(application.cookie, cookie, httponly=True, samesite="Lax", path="/")
        return answer

    return site


def _readable(claims: dict[str, object]) -> str:
    return json.dumps(claims, ensure_ascii=False, indent=2, sort_keys=True) if claims else ""
