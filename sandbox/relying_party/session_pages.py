"""What the gateway's script in a page asks: what is left of the session (GET); and it says that the person works (POST)."""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from sandbox.clock import WorldClock
from sandbox.relying_party.configuration import ClientConfiguration
from sandbox.relying_party.failures import SignInFailed
from sandbox.relying_party.provider import Provider
from sandbox.relying_party.session_activity import tell
from sandbox.relying_party.sessions import Sessions


def session_activity(
    cookie: str, client: ClientConfiguration, provider: Provider, sessions: Sessions, clock: WorldClock
) -> Blueprint:
    pages = Blueprint("session", __name__)

    @pages.route("/session/activity", methods=["GET", "POST"])
    def activity() -> ResponseReturnValue:
        """Same-site only, as any form of this site."""
        person = sessions.signed_in(request.cookies.get(cookie), clock.now())
        if person is None:
            return {}, 401
        try:
            status, answer = tell(request.method, person.tokens, client=client, provider=provider, now=clock.now())
        except (SignInFailed, OSError):
            return {}, 503
        if status == 401:
            sessions.end(sid=person.id_claims.get("sid"), sub=None)
        return answer, status

    return pages
