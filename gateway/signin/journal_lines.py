"""The journal lines of the sign-in: what the request says of itself is added in one place (LOG-02)."""

from collections.abc import Mapping

from gateway.journal.events import Event, Outcome
from gateway.randomness import digest
from gateway.signin.request_context import RequestContext
from gateway.signin.session import Session


def line(
    name: str,
    outcome: Outcome,
    at: float,
    context: RequestContext,
    *,
    account_id: str | None = None,
    reason: str | None = None,
    client: str | None = None,
    method: str | None = None,
    details: Mapping[str, str | int] | None = None,
) -> Event:
    """`account_id` is both actor and target: here people act on their own account, or somebody claims to."""
    return Event(
        name=name,
        outcome=outcome,
        at=at,
        reason=reason,
        actor=account_id if outcome is Outcome.SUCCESS else None,
        target=account_id,
        client=client,
        method=method,
        ip=context.ip,
        user_agent=context.user_agent,
        request=context.request,
        details=details or {},
    )


def session_line(
    name: str,
    at: float,
    context: RequestContext,
    session: Session,
    *,
    acr: str | None = None,
    client: str | None = None,
    reason: str | None = None,
) -> Event:
    return Event(
        name=name,
        outcome=Outcome.SUCCESS,
        at=at,
        reason=reason,
        actor=session.account_id,
        target=session.account_id,
        structure=session.active_structure,
        client=client,
        acr=acr,
        session=digest(session.handle),
        ip=context.ip,
        user_agent=context.user_agent,
        request=context.request,
    )
