"""One password tried on many identifiers from one address (THR-05, THR-13).

Identifiers that fail from one address (a /64 of IPv6) are counted over five minutes; a declared establishment has more.
Beyond it nothing is blocked: each try waits for its turn, a few seconds that run while the person types, without puzzle or
script. A turn belongs to one transaction and serves once. Unknown identifiers count like any other.
"""

from dataclasses import replace

from gateway.clock import Clock
from gateway.journal.effects import NO_EFFECTS
from gateway.journal.events import Outcome
from gateway.refusal import Refusal
from gateway.signin.gone import saved
from gateway.signin.journal_lines import Lines
from gateway.signin.password.failed_identifiers import FailedIdentifiers, SprayLimit, Turns
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import SigninTransactions
from gateway.signin.request_context import RequestContext
from gateway.signin.throttle import ThrottleKeys, ip_block
from gateway.signin.transaction import SigninTransaction

_TURN = "password_turn_at"
_DECLARED_AT_ONCE = 4


class MustWait(Refusal):
    """The password was not looked at; `facts["retry_seconds"]`."""

    code = "must_wait"
    text = "signin.many_failures"


class SprayGuard:
    def __init__(
        self,
        *,
        failed: FailedIdentifiers,
        transactions: SigninTransactions,
        keys: ThrottleKeys,
        policy: SigninPolicy,
        clock: Clock,
    ) -> None:
        self._failed = failed
        self._transactions = transactions
        self._keys = keys
        self._policy = policy
        self._clock = clock

    def turn(self, txn: SigninTransaction, context: RequestContext) -> tuple[SigninTransaction, int]:
        """For the page: the transaction with its turn, if tries from this address wait for one, and the seconds left."""
        now = self._clock.now()
        if _TURN not in txn.extra:
            if not self._failed.crossed(self._origin(context), self._limit(context), now):
                return txn, 0
            txn = self._queued(txn, context, now)
        return txn, _left(txn, now)

    def admit(self, txn: SigninTransaction, identifier: str, context: RequestContext) -> SigninTransaction:
        """The transaction, whose turn is spent if it had one. Raises MustWait, TransactionMoved."""
        now = self._clock.now()
        waited = _TURN in txn.extra and now >= txn.extra[_TURN]
        if waited:
            extra = {name: value for name, value in txn.extra.items() if name != _TURN}
            txn = saved(self._transactions, replace(txn, extra=extra), now, NO_EFFECTS)
        limit = self._limit(context)
        crossed = Lines(now, context, txn.demand.client_id, "password").said(
            "signin.spray", Outcome.REFUSED, None, reason="identifiers", details={"count": limit.most}
        )
        origin, typed = self._origin(context), self._typed(identifier)
        if self._failed.admit(origin, typed, limit, now, waited=waited, if_crossed=crossed):
            return txn
        if _TURN not in txn.extra:
            txn = self._queued(txn, context, now)
        raise MustWait("many identifiers failed from this address", retry_seconds=_left(txn, now))

    def succeeded(self, identifier: str, context: RequestContext) -> None:
        self._failed.succeeded(self._origin(context), self._typed(identifier))

    def _queued(self, txn: SigninTransaction, context: RequestContext, now: float) -> SigninTransaction:
        at_least, at_most = self._policy.spray_wait_seconds
        interval = self._policy.spray_interval_seconds / (1 if context.place is None else _DECLARED_AT_ONCE)
        at = self._failed.next_turn(self._origin(context), Turns(at_least, at_most, interval), now)
        return saved(self._transactions, replace(txn, extra={**txn.extra, _TURN: at}), now, NO_EFFECTS)

    def _limit(self, context: RequestContext) -> SprayLimit:
        policy = self._policy
        most = policy.spray_identifiers if context.place is None else policy.spray_identifiers_declared
        return SprayLimit(most, policy.spray_seconds)

    def _origin(self, context: RequestContext) -> str:
        return self._keys.of("spray", ip_block(context.ip))

    def _typed(self, identifier: str) -> str:
        return self._keys.typed("spray-identifier", identifier)


def _left(txn: SigninTransaction, now: float) -> int:
    return max(0, int(-(-(txn.extra[_TURN] - now) // 1)))
