"""The journal lines of the sign-in: what the request says of itself is added in one place (LOG-02)."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.journal.effects import Effects, because
from gateway.journal.events import Event, Outcome
from gateway.randomness import digest
from gateway.signin.request_context import RequestContext
from gateway.signin.session import Session


@dataclass(frozen=True, slots=True)
class Lines:
    """Writes lines about one request: its instant, its context, the application it is for, the means."""

    at: float
    context: RequestContext
    client: str | None = None
    method: str | None = None

    def said(
        self,
        name: str,
        outcome: Outcome,
        account_id: str | None,
        *,
        reason: str | None = None,
        details: Mapping[str, str | int] | None = None,
    ) -> Effects:
        """The actor is known only of a success; before it, somebody claims to be the target."""
        return because(
            Event(
                name=name,
                outcome=outcome,
                at=self.at,
                reason=reason,
                actor=account_id if outcome is Outcome.SUCCESS else None,
                target=account_id,
                client=self.client,
                method=self.method,
                ip=self.context.ip,
                user_agent=self.context.user_agent,
                request=self.context.request,
                details=details or {},
            )
        )

    def acted(
        self,
        name: str,
        *,
        actor: str,
        target: str,
        structure: str | None = None,
        outcome: Outcome = Outcome.SUCCESS,
        reason: str | None = None,
        details: Mapping[str, str | int] | None = None,
    ) -> Effects:
        """Somebody, who is known, acts for somebody else."""
        return because(
            Event(
                name=name,
                outcome=outcome,
                at=self.at,
                reason=reason,
                actor=actor,
                target=target,
                structure=structure,
                ip=self.context.ip,
                user_agent=self.context.user_agent,
                request=self.context.request,
                details=details or {},
            )
        )

    def of_session(self, name: str, session: Session, *, acr: str | None = None, reason: str | None = None) -> Effects:
        post = {"post": session.shared, "place": self.context.place}
        return because(
            Event(
                name=name,
                outcome=Outcome.SUCCESS,
                at=self.at,
                reason=reason,
                actor=session.account_id,
                target=session.account_id,
                structure=session.active_structure,
                client=self.client,
                acr=acr,
                session=digest(session.handle),
                ip=self.context.ip,
                user_agent=self.context.user_agent,
                request=self.context.request,
                details={name: str(value) for name, value in post.items() if value is not None},
            )
        )
