"""GET and POST /logout (OpenID Connect RP-Initiated Logout 1.0; SES-06).

HTTP only: what is allowed is in `oidc.logout`. A form of our own confirmation page carries a form token; any other POST
comes from an application's site, without our cookies, and becomes the same request by GET.
"""

from pathlib import Path

import flask
from werkzeug.wrappers import Response

from gateway.applications.ports import Clients
from gateway.clock import Clock
from gateway.journal.effects import because
from gateway.journal.events import Event, Outcome
from gateway.journal.quota import LineQuota
from gateway.keys.signer import Signer
from gateway.oidc.endpoints.authorization import context_of, parameters_of, same_by_get
from gateway.oidc.logout import LogoutRequest, read_logout_request
from gateway.oidc.metadata import LOGOUT
from gateway.oidc.parameters import UnverifiedParameters
from gateway.oidc.ports import Notes, SessionGate
from gateway.oidc.subjects import Subjects
from gateway.randomness import digest
from gateway.signin.farewell.farewell import Farewells
from gateway.signin.farewell.pages import after, remembering
from gateway.signin.pages import Leave, nowhere_to_leave
from gateway.signin.session import Session
from gateway.signin.throttle import ip_block
from gateway.web import csrf
from gateway.web.cookies import SESSION
from gateway.web.shell import Shell

FORM = "logout"
CARRIED = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state")
ASKED = frozenset({*CARRIED, "logout_hint", "ui_locales"})
"""What a posted request may bring into an address: never a secret that does not belong here."""


class EndSession:
    def __init__(
        self,
        *,
        issuer: str,
        clients: Clients,
        signer: Signer,
        subjects: Subjects,
        gate: SessionGate,
        notes: Notes,
        clock: Clock,
        shell: Shell,
        farewells: Farewells,
        leave: Leave = nowhere_to_leave,
    ) -> None:
        self._issuer = issuer
        self._clients = clients
        self._signer = signer
        self._subjects = subjects
        self._gate = gate
        self._notes = notes
        self._clock = clock
        self._shell = shell
        self._farewells = farewells
        self._leave = leave
        self._quota = LineQuota()

    def requested(self, unverified: UnverifiedParameters) -> Response:
        request = self._read(unverified)
        cookie = flask.request.cookies.get(SESSION)
        session = self._gate.find(cookie)
        if session is not None or request.client is not None:
            self._note(request, session)
        if session is None:
            self._end_without_cookie(request)
            return self._shell.signed_out(self._done(request.way_back if request.has_hint() else None))
        if request.is_about(session, self._subjects):
            return self._end(cookie, request, "logout_by_application")
        carried = [(name, unverified[name]) for name in CARRIED if name in unverified]
        back = [request.way_back] if request.way_back else []
        return self._shell.page("oidc/confirm_logout.html", redirect_uris=back, carried=carried)

    def confirmed(self, unverified: UnverifiedParameters) -> Response:
        """Our own form, already checked; what it carries is read again as strictly."""
        return self._end(flask.request.cookies.get(SESSION), self._read(unverified), "logout_confirmed")

    def _read(self, unverified: UnverifiedParameters) -> LogoutRequest:
        return read_logout_request(
            unverified, clients=self._clients, signer=self._signer, issuer=self._issuer, now=self._clock.now()
        )

    def _end(self, cookie: str | None, request: LogoutRequest, reason: str) -> Response:
        ended = self._gate.end(cookie, context_of(self._shell), reason)
        asked_by = request.client.client_id if request.client is not None else None
        onward, memory = after(self._shell, self._farewells, ended, asked_by, request.way_back)
        return remembering(self._shell.signed_out(self._leave(ended, onward) or self._done(onward)), memory)

    def _end_without_cookie(self, request: LogoutRequest) -> None:
        account_id, sid = request.account_id(), request.sid
        if account_id is not None and sid is not None:
            self._gate.end_named(account_id, sid, context_of(self._shell), "logout_by_application")

    def _done(self, way_back: str | None) -> Response:
        return self._shell.page("oidc/logged_out.html") if way_back is None else self._shell.see_other(way_back)

    def _note(self, request: LogoutRequest, session: Session | None) -> None:
        context = context_of(self._shell)
        event = Event(
            "logout.requested",
            Outcome.SUCCESS,
            self._clock.now(),
            reason="hint" if request.has_hint() else "no_hint",
            actor=session.account_id if session else None,
            client=request.client.client_id if request.client else None,
            session=digest(session.handle) if session else None,
            ip=context.ip,
            user_agent=context.user_agent,
            request=context.request,
        )
        line = self._quota.within(event, ip_block(context.ip)) if session is None else event
        if line is not None:
            self._notes.note(because(line))


def end_session_blueprint(end_session: EndSession, shell: Shell) -> flask.Blueprint:
    shell.add_templates("oidc", Path(__file__).parent.parent / "templates")
    blueprint = flask.Blueprint("oidc_end_session", __name__)

    @blueprint.get(LOGOUT)
    def logout() -> Response:
        return end_session.requested(parameters_of(flask.request.query_string))

    @blueprint.post(LOGOUT)
    def logout_by_post() -> Response:
        if csrf.FIELD not in dict(parameters_of(flask.request.get_data()).pairs):
            return same_by_get(LOGOUT, only=ASKED)
        return end_session.confirmed(UnverifiedParameters(list(shell.form(FORM).items())))

    return blueprint
