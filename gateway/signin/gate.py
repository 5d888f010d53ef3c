"""What the provider and the pages ask of a session: is there one, how good is it, is it enough."""

from gateway.accounts.ports import Accounts
from gateway.clock import Clock
from gateway.signin.assurance import Assurance, AssuranceScale
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import Sessions
from gateway.signin.request_context import RequestContext
from gateway.signin.session import Session
from gateway.signin.transaction import Demand


class Gate:
    def __init__(
        self, *, sessions: Sessions, accounts: Accounts, scale: AssuranceScale, policy: SigninPolicy, clock: Clock
    ) -> None:
        raise NotImplementedError

    def find(self, cookie: str | None) -> Session | None:
        raise NotImplementedError

    def use(self, cookie: str | None) -> Session | None:
        raise NotImplementedError

    def assurance(self, session: Session) -> Assurance:
        raise NotImplementedError

    def is_enough(self, session: Session, demand: Demand) -> bool:
        raise NotImplementedError

    def remember_client(self, session: Session, client_id: str, structure: str | None) -> None:
        raise NotImplementedError

    def end(self, cookie: str | None, context: RequestContext, reason: str) -> Session | None:
        raise NotImplementedError
