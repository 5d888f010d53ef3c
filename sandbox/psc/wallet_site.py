"""The origin `wallet`: where people arrive, choose the e-CPS application or the card, wait for their phone, and go back.

Pages are whole without JavaScript. The way back is always a navigation of its own, never the redirect of a form: browsers
hold a page's `form-action` against every redirect that follows. Nobody is sent to an address that is not declared.
"""

import secrets

from flask import Flask, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sandbox.http_server import harden
from sandbox.psc.answers import json_answer
from sandbox.psc.authorization import AuthorizationRequest, WayBack, accepted_request, session_is_enough, way_back
from sandbox.psc.elsewhere import set_traps
from sandbox.psc.going_back import (
    BROWSER_COOKIE,
    SESSION_COOKIE,
    back_with_code,
    back_with_error,
    keep,
    session_of_browser,
)
from sandbox.psc.leaving import end_session, post_logout_address
from sandbox.psc.lies import Lie
from sandbox.psc.logins import Login, Logins
from sandbox.psc.personas import Persona
from sandbox.psc.realm import Realm
from sandbox.psc.received import note_requests
from sandbox.psc.refusals import NoWayBack, OAuthError
from sandbox.psc.sessions import PscSession
from sandbox.world.approvals import Decision

NOT_IN_TIME = "La demande n’a pas été validée à temps. Vous pouvez en envoyer une autre."


def wallet_site(realm: Realm, *, world_url: str = "") -> Flask:
    site = Flask("sandbox.psc.wallet", root_path=__file__.rpartition("/")[0])
    site.config["MAX_CONTENT_LENGTH"] = 16 * 1024
    harden(site)
    note_requests(site, realm)
    set_traps(site, realm)
    logins = Logins()
    _arrival(site, realm, logins)
    _means(site, realm, logins)
    _answer(site, realm, logins)
    _own_pages(site, realm)

    @site.context_processor
    def words() -> dict[str, object]:
        return {"world_url": world_url, "service": realm.client.name}

    @site.errorhandler(OAuthError)
    def oauth_error(refusal: OAuthError) -> ResponseReturnValue:
        return json_answer({"error": refusal.error, "error_description": refusal.description}, refusal.status)

    @site.errorhandler(NoWayBack)
    def page_without_return(refusal: NoWayBack) -> ResponseReturnValue:
        return render_template("failure.html", sentence=str(refusal)), 400

    return site


def _arrival(site: Flask, realm: Realm, logins: Logins) -> None:
    @site.get("/auth", endpoint="authorize")
    def authorize() -> ResponseReturnValue:
        parameters = request.args.to_dict(flat=False)
        back = way_back(parameters, realm.client)
        try:
            asked = accepted_request(parameters, back, realm.client.client_id)
        except OAuthError as refusal:
            return back_with_error(realm, back, refusal)
        session = session_of_browser(realm)
        if session and _is_enough(realm, asked, session):
            session.used_at = realm.now()
            return back_with_code(realm, asked, session)
        if "none" in asked.prompt:
            return back_with_error(realm, back, OAuthError("login_required"))
        browser = request.cookies.get(BROWSER_COOKIE) or secrets.token_urlsafe(32)
        login = logins.begin(asked, browser, realm.now())
        answer = make_response(redirect(url_for("login", handle=login.handle), 302))
        return keep(answer, BROWSER_COOKIE, browser)

    @site.get("/login-page/<handle>", endpoint="login")
    def login_page(handle: str) -> str:
        card = request.args.get("moyen") == "carte"
        return _login_page(realm, _login(realm, logins, handle), card=card)


def _means(site: Flask, realm: Realm, logins: Logins) -> None:
    @site.post("/login-page/<handle>/e-cps", endpoint="ask_phone")
    def ask_phone(handle: str) -> ResponseReturnValue:
        login, typed = _login(realm, logins, handle), request.form.get("identifiant", "")
        person = realm.personas.typed(typed)
        if person is None or "ecps" not in person.means:
            problem = "Aucune e-CPS active ne correspond à cet identifiant."
            return _login_page(realm, login, typed=typed, problem=problem), 400
        _withdraw(realm, login)
        login.number, login.waiting_for = f"{secrets.randbelow(100):02d}", person
        login.approval_id = realm.approvals.ask(
            person=person.name,
            national_id=person.national_id,
            service=realm.client.name,
            number=login.number,
            now=realm.clock.now(),
        ).id
        return redirect(url_for("waiting", handle=handle), 303)

    @site.post("/login-page/<handle>/carte", endpoint="read_card")
    def read_card(handle: str) -> ResponseReturnValue:
        login = _login(realm, logins, handle)
        person = realm.personas.typed(request.form.get("carte", ""))
        if person is None or "card" not in person.means:
            return _login_page(realm, login, card=True, problem="Aucune carte n’est lisible dans le lecteur."), 400
        _withdraw(realm, login)
        login.session = _new_session(realm, person, "CARD")
        return render_template("going_back.html", login=login)

    @site.post("/login-page/<handle>/annuler", endpoint="cancel")
    def cancel(handle: str) -> ResponseReturnValue:
        login = _login(realm, logins, handle)
        _withdraw(realm, login)
        login.cancelled = True
        return render_template("going_back.html", login=login)


def _answer(site: Flask, realm: Realm, logins: Logins) -> None:
    @site.get("/login-page/<handle>/attente", endpoint="waiting")
    def waiting(handle: str) -> ResponseReturnValue:
        login = _login(realm, logins, handle)
        match _decision(realm, login):
            case Decision.PENDING:
                return render_template("waiting.html", login=login)
            case Decision.EXPIRED:
                typed = login.waiting_for.typed_id if login.waiting_for else ""
                return _login_page(realm, login, typed=typed, problem=NOT_IN_TIME)
            case _:
                return _finish(realm, logins, login)

    @site.get("/login-page/<handle>/etat", endpoint="state")
    def state(handle: str) -> ResponseReturnValue:
        """What the waiting page's script asks; it then opens the page itself."""
        return {"decision": str(_decision(realm, _login(realm, logins, handle)))}

    @site.get("/login-page/<handle>/retour", endpoint="finish")
    def finish(handle: str) -> ResponseReturnValue:
        return _finish(realm, logins, _login(realm, logins, handle))


def _own_pages(site: Flask, realm: Realm) -> None:
    @site.get("/", endpoint="portal")
    def portal() -> str:
        return render_template("portal.html", session=session_of_browser(realm))

    @site.route("/deconnexion", methods=["GET", "POST"], endpoint="leave")
    def leave() -> ResponseReturnValue:
        """Logout without a hint: the person confirms, here where their session is known."""
        address = post_logout_address(realm, request.args.to_dict(), client_is_proven=False)
        session = session_of_browser(realm)
        if session and request.method == "GET":
            return render_template("leave.html", session=session)
        if session:
            end_session(realm, session)
        return render_template("left.html", address=address)


def _is_enough(realm: Realm, asked: AuthorizationRequest, session: PscSession) -> bool:
    return realm.conduct.lie is Lie.PROMPT_LOGIN_IGNORED or session_is_enough(asked, session, realm.now())


def _login(realm: Realm, logins: Logins, handle: str) -> Login:
    login = logins.find(handle, request.cookies.get(BROWSER_COOKIE), realm.now())
    if login is None:
        raise NoWayBack("Cette demande de connexion n’existe plus. Retournez au service et recommencez.")
    return login


def _login_page(realm: Realm, login: Login, *, typed: str = "", problem: str = "", card: bool = False) -> str:
    return render_template(
        "login.html",
        login=login,
        typed=typed,
        problem=problem,
        card=card,
        phones=realm.personas.with_means("ecps"),
        cards=realm.personas.with_means("card"),
    )


def _decision(realm: Realm, login: Login) -> Decision:
    if login.session:
        return Decision.APPROVED
    if login.cancelled:
        return Decision.REFUSED
    if login.approval_id is None:
        return Decision.EXPIRED
    return realm.approvals.decision(login.approval_id, realm.clock.now())


def _withdraw(realm: Realm, login: Login) -> None:
    if login.approval_id:
        realm.approvals.withdraw(login.approval_id)
        login.approval_id = None


def _new_session(realm: Realm, person: Persona, auth_mode: str) -> PscSession:
    """And the end of whichever this browser had: two people never share one."""
    previous = session_of_browser(realm)
    if previous:
        end_session(realm, previous)
    return realm.sessions.begin(person, auth_mode, realm.now())


def _finish(realm: Realm, logins: Logins, login: Login) -> Response:
    decision = _decision(realm, login)
    if decision in (Decision.PENDING, Decision.EXPIRED):
        return make_response(redirect(url_for("waiting", handle=login.handle), 302))
    if not logins.take_answer(login):
        raise NoWayBack("Cette demande de connexion a déjà reçu sa réponse.")
    if login.session is None and login.waiting_for and decision is Decision.APPROVED:
        login.session = _new_session(realm, login.waiting_for, "MOBILE")
    if login.session is None:
        back = WayBack(login.request.redirect_uri, login.request.state)
        return back_with_error(realm, back, OAuthError("access_denied", "User denied the authentication"))
    return keep(back_with_code(realm, login.request, login.session), SESSION_COOKIE, login.session.cookie)
