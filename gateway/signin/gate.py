"""What the provider and the pages ask of a session: is there one, how good is it, is it enough for a demand.

A session is found by its cookie alone; what it is worth is computed from its stored evidence (LOA-01). Refuses the session of
an account that is no longer active, and proofs older than a demand, a reset or a change of contact.
"""

from dataclasses import replace

from gateway.accounts.ports import Accounts
from gateway.clock import Clock
from gateway.journal.effects import NO_EFFECTS
from gateway.signin.assurance import Assurance, AssuranceScale
from gateway.signin.demands import Demands, usable
from gateway.signin.journal_lines import Lines
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import Sessions
from gateway.signin.request_context import RequestContext
from gateway.signin.session import Session
from gateway.signin.transaction import Demand

_TRIES = 8


class Gate:
    def __init__(
        self, *, sessions: Sessions, accounts: Accounts, scale: AssuranceScale, policy: SigninPolicy, clock: Clock
    ) -> None:
        self._sessions = sessions
        self._accounts = accounts
        self._scale = scale
        self._demands = Demands(scale, policy)
        self._clock = clock

    def find(self, cookie: str | None) -> Session | None:
        """The live session; looking is not using (SES-03)."""
        return self._sessions.find(cookie, self._clock.now()) if cookie else None

    def use(self, cookie: str | None) -> Session | None:
        """The live session, whose idle time starts again."""
        return self._sessions.use(cookie, self._clock.now()) if cookie else None

    def assurance(self, session: Session) -> Assurance:
        return self._scale.level_of(session.evidence)

    def is_enough(self, session: Session, demand: Demand) -> bool:
        """Whether the demand is met without asking the person anything. A trusted device's proof is not enough for an
        application with a shorter interval than ours: the journey looks at the device itself, often silently."""
        account = self._accounts.get(session.account_id)
        if account is None or not usable(account):
            return False
        return self._demands.met(self._demands.carried(session.evidence, account, demand), account, demand)

    def remember_client(self, session: Session, client_id: str, structure: str | None) -> None:
        """The application joins the session; `structure` becomes the active one. Quiet when the session has ended."""
        now = self._clock.now()
        current: Session | None = session
        for _ in range(_TRIES):
            if current is None:
                return
            clients = current.clients if client_id in current.clients else (*current.clients, client_id)
            changed = replace(current, clients=clients, active_structure=structure or current.active_structure)
            if changed == current or self._sessions.amend(changed, now, NO_EFFECTS):
                return
            current = self._sessions.find(session.handle, now)

    def end(self, cookie: str | None, context: RequestContext, reason: str) -> Session | None:
        """Ends the session; gives what it was, to one caller only."""
        session = self.find(cookie)
        if session is None or cookie is None:
            return None
        now = self._clock.now()
        return self._sessions.end(cookie, now, Lines(now, context).of_session("session.ended", session, reason=reason))
