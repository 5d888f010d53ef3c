"""What must follow the end of a session: every application that took part in it is told (SES-07).

The store of sessions appends these items in the very step that ends a live session, because it alone knows at that instant
which applications had joined; so no end forgets them, whoever asked for it. A session renewed under the same `sid` goes on.
"""

from gateway.journal.effects import NO_EFFECTS, Effects, Outgoing
from gateway.signin.session import Session

LOGOUT_CALL = "backchannel_logout"


def logout_calls(session: Session) -> Effects:
    """One item for each application; the job leaves out those that declare no address to be told at."""
    return sum((logout_call(session, client) for client in session.clients), NO_EFFECTS)


def logout_call(session: Session, client_id: str) -> Effects:
    """The item for one application: the session ends for it, or as a whole."""
    names = {"sid": session.sid, "account": session.account_id}
    return Effects(outgoing=(Outgoing(LOGOUT_CALL, {"client": client_id, **names}),))
