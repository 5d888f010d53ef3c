"""A fresh proof before a change of contact, password or authenticator: the password and the best factor enrolled, or a strong
means, all young (FID-10, PWD-09; DECISIONS 6).

It is a sign-in like any other, for a stricter demand, that comes back to the page it was asked for. Nobody proves themselves so
on a shared post: the next person there would find the proof still young.
"""

from dataclasses import replace

from gateway.clock import Clock
from gateway.signin.gate import Gate
from gateway.signin.journey import Journey
from gateway.signin.policy import SigninPolicy
from gateway.signin.request_context import RequestContext
from gateway.signin.session import Session
from gateway.signin.transaction import Demand, SigninTransaction


class FreshProof:
    """`min_acr`: below this level no proof is enough, however fresh."""

    def __init__(
        self, *, journey: Journey, gate: Gate, policy: SigninPolicy, clock: Clock, min_acr: str | None = None
    ) -> None:
        self._journey = journey
        self._gate = gate
        self._policy = policy
        self._clock = clock
        self._min_acr = min_acr

    def stands(self, session: Session) -> bool:
        """Whether what this session proved is fresh enough now."""
        return session.shared is None and self._gate.is_enough(session, self._demand())

    def ask(
        self,
        back: str,
        *,
        resume: str,
        login_hint: str,
        browser_cookie: str,
        session: Session,
        context: RequestContext,
    ) -> SigninTransaction:
        """A sign-in that ends on `back`, one of our own pages (a path); `resume` is where our own sign-ins end. What the
        session proved a moment ago is not asked again. Raises TooManySignins."""
        return self._journey.open(
            replace(self._demand(), login_hint=login_hint),
            {"resume": resume, "back": back},
            browser_cookie=browser_cookie,
            session=session,
            context=context,
        )

    def _demand(self) -> Demand:
        fresh_since = self._clock.now() - self._policy.sensitive_change_seconds
        return Demand(fresh_since=fresh_since, best_factor=True, min_acr=self._min_acr)
