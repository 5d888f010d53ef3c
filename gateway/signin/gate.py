"""What the provider and the pages ask of a session: is there one, how good is it, is it enough for a demand.

A session is found by its cookie alone; what it is worth is computed from its stored evidence (LOA-01). Refuses the session of
an account that is no longer active, and proofs older than a demand, a reset or a change of contact.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from gateway.accounts.ports import Accounts
from gateway.clock import Clock
from gateway.journal.effects import NO_EFFECTS, Effects
from gateway.journal.events import Outcome
from gateway.signin.assurance import Assurance, AssuranceScale
from gateway.signin.consent import has_agreed
from gateway.signin.demands import Demands, usable
from gateway.signin.factors import EnrolledFactors
from gateway.signin.journal_lines import Lines
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import Sessions
from gateway.signin.request_context import RequestContext
from gateway.signin.session import Session
from gateway.signin.transaction import Demand

_TRIES = 8


class Gate:
    def __init__(
        self,
        *,
        sessions: Sessions,
        accounts: Accounts,
        factors: EnrolledFactors,
        scale: AssuranceScale,
        policy: SigninPolicy,
        clock: Clock,
    ) -> None:
        self._sessions = sessions
        self._accounts = accounts
        self._scale = scale
        self._demands = Demands(scale, policy, factors)
        self._policy = policy
        self._clock = clock

    def find(self, cookie: str | None, context: RequestContext | None = None) -> Session | None:
        """The live session; looking is not using (SES-03). Presented from a shared post, it is shared from then on."""
        session = self._sessions.find(cookie, self._clock.now()) if cookie else None
        if session is None or session.shared is not None or context is None or context.shared is None:
            return session
        return self._made_shared(session, context)

    def use(self, cookie: str | None, context: RequestContext | None = None) -> Session | None:
        """The live session, whose idle time starts again; not a shared one's, before somebody has said that it is theirs."""
        session = self.find(cookie, context)
        if session is None or session.shared is not None:
            return session
        return self._sessions.use(session.handle, self._clock.now())

    def _made_shared(self, session: Session, context: RequestContext) -> Session | None:
        """Its shorter idle limit is judged at once: it may have been over for a while."""

        def shared(current: Session) -> Session:
            idle_seconds = self._policy.idle_on_shared_post(current.idle_seconds)
            return replace(current, shared=current.shared or context.shared, idle_seconds=idle_seconds)

        now = self._clock.now()
        said = Lines(now, context).of_session("session.shared", shared(session))
        changed = self._amended(session, shared, now, said)
        return changed if changed is not None and now < changed.expires_at() else None

    def assurance(self, session: Session) -> Assurance:
        return self._scale.level_of(session.evidence)

    def is_enough(self, session: Session, demand: Demand) -> bool:
        """Whether the demand is met without asking the person anything. A trusted device's proof is not enough for an
        application with a shorter interval than ours: the journey looks at the device itself, often silently."""
        account = self._accounts.get(session.account_id)
        if account is None or not usable(account) or not has_agreed(session, demand):
            return False
        if self._demands.must_renew(session.evidence, account, self._clock.now()):
            return False
        if session.shared is not None:
            demand = demand.on_shared_post()
        return self._demands.met(self._demands.carried(session.evidence, account, demand), account, demand)

    def remember_client(
        self, session: Session, client_id: str, structure: str | None, learns: Sequence[str] = ()
    ) -> None:
        """The application joins the session, and learns so much; `structure` becomes the active one. Quiet when the session has
        ended."""

        def joined(current: Session) -> Session:
            clients = current.clients if client_id in current.clients else (*current.clients, client_id)
            given = (f"{client_id} {scope}" for scope in learns)
            return replace(
                current,
                clients=clients,
                active_structure=structure or current.active_structure,
                received=tuple(dict.fromkeys((*current.received, *given))),
            )

        self._amended(session, joined, self._clock.now(), NO_EFFECTS)

    def withdraw(self, session: Session, client_id: str, context: RequestContext) -> bool:
        """The application leaves this session: what it was given in it dies, what its holder agreed to is forgotten, and it is
        told. False when it was not in it, or the session has ended (OID-17)."""
        now = self._clock.now()
        of_client = f"{client_id} "
        said = Lines(now, context, client_id).of_session("application.withdrawn", session)
        current: Session | None = session
        for _ in range(_TRIES):
            if current is None or client_id not in current.clients:
                break
            without = replace(
                current,
                clients=tuple(one for one in current.clients if one != client_id),
                agreed=tuple(one for one in current.agreed if not one.startswith(of_client)),
                received=tuple(one for one in current.received if not one.startswith(of_client)),
            )
            if self._sessions.withdraw(without, client_id, now, said):
                return True
            current = self._sessions.find(session.handle, now)
        return False

    def _amended(
        self, session: Session, change: Callable[[Session], Session], now: float, effects: Effects
    ) -> Session | None:
        """The session with this change, as it is stored now; None when it has ended."""
        current: Session | None = session
        for _ in range(_TRIES):
            if current is None:
                break
            changed = change(current)
            if changed == current:
                return current
            if self._sessions.amend(changed, now, effects):
                return replace(changed, version=current.version + 1)
            current = self._sessions.find(session.handle, now)
        return None

    def end(self, cookie: str | None, context: RequestContext, reason: str) -> Session | None:
        """Ends the session; gives what it was, to one caller only."""
        session = self.find(cookie)
        if session is None or cookie is None:
            return None
        now = self._clock.now()
        return self._sessions.end(cookie, now, Lines(now, context).of_session("session.ended", session, reason=reason))

    def end_named(self, account_id: str, sid: str, context: RequestContext, reason: str) -> bool:
        """For who has proved, without its cookie, which session is meant. False when it has ended already."""
        now = self._clock.now()
        said = Lines(now, context).said("session.ended", Outcome.SUCCESS, account_id, reason=reason)
        return self._sessions.end_one_of(account_id, sid, now, said)
