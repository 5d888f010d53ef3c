"""The origin `auth`: discovery, keys, token, userinfo, introspection, revocation, logout — Keycloak's paths and words.

Answers of dossier §8. The real service also announces CIBA, PAR and registration: they are not played here.
"""

from typing import Any

from flask import Flask, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from sandbox.http_server import harden
from sandbox.psc import falsehoods
from sandbox.psc.answers import answered, json_answer
from sandbox.psc.leaving import end_session, post_logout_address
from sandbox.psc.lies import Lie
from sandbox.psc.metadata import discovery
from sandbox.psc.oddities import odd_userinfo
from sandbox.psc.realm import PROTOCOL_PATH, REALM_PATH, Realm
from sandbox.psc.received import note_requests, only_form
from sandbox.psc.refusals import NoWayBack, OAuthError
from sandbox.psc.token_store import GivenToken
from sandbox.psc.tokens import hinted_session, token_answer
from sandbox.psc.userinfo import userinfo_claims


def auth_site(realm: Realm) -> Flask:
    site = Flask("sandbox.psc.auth", root_path=__file__.rpartition("/")[0])
    site.config["MAX_CONTENT_LENGTH"] = 64 * 1024
    harden(site)
    note_requests(site, realm)
    elsewhere = f"{realm.wallet_url}/elsewhere"

    @site.get(f"{REALM_PATH}/.well-known/wallet-openid-configuration", endpoint="discovery")
    def wallet_configuration() -> ResponseReturnValue:
        honest = json_answer(discovery(realm))
        return answered(realm.conduct, "discovery", honest, elsewhere=f"{elsewhere}/discovery")

    @site.get(f"{REALM_PATH}/.well-known/openid-configuration")
    def stock_configuration() -> ResponseReturnValue:
        if not realm.standard_discovery:
            return json_answer({"error": "RESTEASY003210: Could not find resource for full path"}, 404)
        return json_answer({**discovery(realm), "authorization_endpoint": f"{realm.auth_url}{PROTOCOL_PATH}/auth"})

    @site.get(f"{PROTOCOL_PATH}/certs", endpoint="certs")
    def certs() -> ResponseReturnValue:
        return answered(realm.conduct, "jwks", json_answer(key_set(realm)), elsewhere=f"{elsewhere}/jwks")

    @site.get(f"{REALM_PATH}/stranger-certs", endpoint="stranger_certs")
    def stranger_certs() -> ResponseReturnValue:
        return json_answer({"keys": [realm.keys.stranger.as_jwk()]})

    @site.post(f"{PROTOCOL_PATH}/token", endpoint="token")
    def token() -> ResponseReturnValue:
        if realm.conduct.lie is Lie.TOKEN_REDIRECTED:
            return answered(realm.conduct, "token", json_answer({}), elsewhere=f"{elsewhere}/token")
        return answered(realm.conduct, "token", json_answer(tokens_for_request(realm)), elsewhere=elsewhere)

    @site.route(f"{PROTOCOL_PATH}/userinfo", methods=["GET", "POST"], endpoint="userinfo")
    def userinfo() -> ResponseReturnValue:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        given = realm.tokens.active(text, realm.now()) if scheme.lower() == "bearer" else None
        if given is None or given.kind != "access":
            return _refused_bearer(realm)
        return answered(realm.conduct, "userinfo", userinfo_answer(realm, given), elsewhere=f"{elsewhere}/userinfo")

    @site.post(f"{PROTOCOL_PATH}/token/introspect", endpoint="introspect")
    def introspect() -> ResponseReturnValue:
        form = only_form(request)
        realm.client.authenticate(request.headers.get("Authorization"), form)
        given = realm.tokens.active(form.get("token", ""), realm.now())
        return json_answer(_introspected(given) if given else {"active": False})

    @site.post(f"{PROTOCOL_PATH}/revoke", endpoint="revoke")
    def revoke() -> ResponseReturnValue:
        form = only_form(request)
        realm.client.authenticate(request.headers.get("Authorization"), form)
        realm.tokens.forget(form.get("token", ""))
        return Response(status=200)

    @site.route(f"{PROTOCOL_PATH}/logout", methods=["GET", "POST"], endpoint="logout")
    def logout() -> ResponseReturnValue:
        asked = request.values.to_dict()
        session = None
        if "id_token_hint" in asked:
            session = hinted_session(realm, asked["id_token_hint"])
            if session is None:
                raise NoWayBack("Le jeton qui désigne la session n’est pas valable.")
        address = post_logout_address(realm, asked, client_is_proven=session is not None)
        if session is None:
            # Without a hint, the person confirms where their session is: on the wallet.
            return redirect(f"{realm.wallet_url}/deconnexion?{request.query_string.decode('ascii', 'ignore')}", 302)
        end_session(realm, session)
        return redirect(address, 302) if address else render_template("left.html")

    @site.errorhandler(OAuthError)
    def oauth_error(refusal: OAuthError) -> ResponseReturnValue:
        return json_answer({"error": refusal.error, "error_description": refusal.description}, refusal.status)

    @site.errorhandler(NoWayBack)
    def page_without_return(refusal: NoWayBack) -> ResponseReturnValue:
        return render_template("failure.html", sentence=str(refusal)), 400

    return site


def tokens_for_request(realm: Realm) -> dict[str, Any]:
    """The token endpoint's rules, whichever address they are reached at. Raises OAuthError."""
    form = only_form(request)
    realm.client.authenticate(request.headers.get("Authorization"), form)
    now = realm.now()
    match form.get("grant_type"):
        case "authorization_code":
            issued = realm.codes.redeem(
                form.get("code", ""),
                redirect_uri=form.get("redirect_uri", ""),
                verifier=form.get("code_verifier", ""),
                now=now,
            )
            issued.session.used_at = now
            return token_answer(realm, issued.session, issued.request)
        case "refresh_token":
            given = realm.tokens.active(form.get("refresh_token", ""), now)
            if given is None or given.kind != "refresh":
                raise OAuthError("invalid_grant", "Session not active")
            given.session.used_at = now
            return token_answer(realm, given.session, given.request, refreshed=True)
        case None:
            raise OAuthError("invalid_request", "Missing form parameter: grant_type")
        case _:
            raise OAuthError("unsupported_grant_type", "Unsupported grant_type")


def userinfo_answer(realm: Realm, given: GivenToken) -> Response:
    person, lie = given.session.persona, realm.conduct.lie
    scope_all = "scope_all" in given.request.scope
    other = realm.personas.somebody_else(person)
    honest = userinfo_claims(
        person, subject=realm.subject_of(person), auth_mode=given.session.auth_mode, scope_all=scope_all
    )
    others = userinfo_claims(
        other, subject=realm.subject_of(other), auth_mode=given.session.auth_mode, scope_all=scope_all
    )
    claims = falsehoods.userinfo_claims(lie, odd_userinfo(realm.conduct.quirk, honest), others=others)
    text = falsehoods.userinfo_text(lie, claims, others=others)
    if text is None:
        return json_answer(claims)
    is_jwt = lie is Lie.USERINFO_JWT_UNSIGNED
    return Response(text, mimetype="application/jwt" if is_jwt else "application/json")


def key_set(realm: Realm) -> dict[str, Any]:
    match realm.conduct.lie:
        case Lie.JWKS_EMPTY:
            return {"keys": []}
        case Lie.JWKS_OTHER_KEYS:
            return {"keys": [realm.keys.stranger.as_jwk(under=key) for key in realm.keys.published()]}
        case _:
            return {"keys": [key.as_jwk() for key in realm.keys.published()]}


def _introspected(given: GivenToken) -> dict[str, Any]:
    person = given.session.persona
    answer = {
        **given.claims,
        "client_id": given.request.client_id,
        "username": person.national_id,
        "session_state": given.session.id,
        "active": True,
    }
    return {**answer, "SubjectNameID": person.national_id} if given.kind == "access" else answer


def _refused_bearer(realm: Realm) -> Response:
    body = {"error": "invalid_token", "error_description": "Token verification failed"}
    # Newer versions say it in the header only.
    answer = Response(status=401) if realm.conduct.is_modern else json_answer(body, 401)
    answer.headers["WWW-Authenticate"] = (
        'Bearer realm="esante-wallet", error="invalid_token", error_description="Token verification failed"'
    )
    return answer
