"""Sign-in with an identifier and a password (THR-01…THR-03, THR-06, THR-07, THR-09, PWD-05, PWD-07).

Refuses alike a wrong password, an unknown identifier, an account that is not active, and any password during a delay: one
text, one hash, one line in the journal. The attempt is counted before the hash is computed. A store that does not answer
refuses (THR-10): its exception goes through. The hundredth failure in a row of one account orders its password put out of
use; the order is carried out beside the request, which costs the same whoever is named.
"""

from collections.abc import Container
from dataclasses import replace

from gateway.accounts.account import Account
from gateway.accounts.password_hash import PasswordHasher
from gateway.accounts.ports import Accounts
from gateway.accounts.resolve_identifier import resolve_identifier
from gateway.clock import Clock
from gateway.journal.effects import NO_EFFECTS, because
from gateway.journal.events import Outcome
from gateway.keys.purposes import PurposeKey
from gateway.refusal import Refusal
from gateway.signin.demands import usable
from gateway.signin.evidence import Evidence, Means
from gateway.signin.gone import TransactionMoved
from gateway.signin.journal_lines import Lines
from gateway.signin.linking.pending import kept_by_password
from gateway.signin.linking.renewal import Renewal
from gateway.signin.password.disabling import disabling_order
from gateway.signin.password.spray_guard import SprayGuard
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import Admission, Spool, Throttle
from gateway.signin.request_context import RequestContext
from gateway.signin.throttle import BY_ACCOUNT, BY_IDENTIFIER, ThrottleKeys
from gateway.signin.transaction import SigninTransaction

_LONGEST_HASHED = 1024
"""Code points; nobody's password is longer, and a megabyte is not worth hashing."""


class SigninRefused(Refusal):
    """One text whatever the reason; `facts["retry_seconds"]` when the next try must wait."""

    code = "signin_refused"
    text = "signin.refused"


class PasswordSignin:
    def __init__(
        self,
        *,
        renewal: Renewal,
        accounts: Accounts,
        throttle: Throttle,
        spray: SprayGuard,
        spool: Spool,
        hasher: PasswordHasher,
        throttle_key: PurposeKey,
        policy: SigninPolicy,
        clock: Clock,
        breached: Container[str] = frozenset(),
    ) -> None:
        self._renewal = renewal
        self._accounts = accounts
        self._throttle = throttle
        self._spray = spray
        self._spool = spool
        self._hasher = hasher
        self._keys = ThrottleKeys(throttle_key)
        self._policy = policy
        self._clock = clock
        self._breached = breached

    def turn(self, txn: SigninTransaction, context: RequestContext) -> tuple[SigninTransaction, int]:
        """For the page: how many seconds the next try from this address waits, and the transaction that holds its turn."""
        return self._spray.turn(txn, context)

    def submit(
        self, txn: SigninTransaction, identifier: str, password: str, context: RequestContext
    ) -> SigninTransaction:
        """The transaction with this proof. Raises SigninRefused, MustWait."""
        if txn.session_digest is not None or txn.refusal is not None:
            raise TransactionMoved("the journey is over")
        txn = self._spray.admit(txn, identifier, context)
        now = self._clock.now()
        account = resolve_identifier(self._accounts, identifier)
        # The second key bounds one account's failures whichever of its identifiers is typed. It delays nothing, so that
        # nobody can learn from it that two identifiers are of one account.
        typed = self._keys.typed(BY_IDENTIFIER, identifier)
        whose = self._keys.of(BY_ACCOUNT, account.id) if account else self._keys.typed("nobody", identifier)
        lines = Lines(now, context, txn.demand.client_id, "password")
        target = account.id if account else None
        delayed = lines.said("signin.delayed", Outcome.REFUSED, target, reason="delay")
        admission = self._throttle.admit(typed, self._policy.password_rule(), now, delayed)
        capped = None
        if admission.admitted:
            capped = self._throttle.admit(whose, self._policy.account_rule(), now, delayed)
        if capped is None or not capped.admitted:
            self._hasher.dummy(_bounded(password))
            raise self._refusal(admission, now)
        spent = capped.failures > self._policy.password_disabled_after
        if not self._right(None if spent else account, _bounded(password)):
            refused = lines.said("signin.password", Outcome.REFUSED, target, reason=_reason(account))
            if account is not None and capped.failures >= self._policy.password_disabled_after:
                refused += because(outgoing=(disabling_order(account, now),))
            self._spool.note(refused)
            raise self._refusal(admission, now)
        assert account is not None  # noqa: S101 -- `_right` says so; for the type checker
        self._spray.succeeded(identifier, context)
        self._throttle.succeeded(typed)
        self._throttle.succeeded(whose)
        self._hash_again_if_needed(account, password)
        if password in self._breached:
            demanded = lines.said("password.demanded", Outcome.SUCCESS, account.id, reason="breached")
            self._accounts.demand_new_password(account.id, demanded)
        proved = lines.said("signin.password", Outcome.SUCCESS, account.id)
        return self._renewal.saved(_proved(txn, account, now), now, proved)

    def _right(self, account: Account | None, password: str) -> bool:
        """Exactly one hash is computed, whatever the account is."""
        if account is None or not usable(account) or account.password_hash is None or account.password_disabled_at:
            return self._hasher.dummy(password)
        return self._hasher.verify(account.id, account.password_hash, password)

    def _hash_again_if_needed(self, account: Account, password: str) -> None:
        old = account.password_hash
        if old is not None and self._hasher.needs_rehash(account.id, old):
            new = self._hasher.hash(account.id, password)
            self._accounts.replace_password_hash(account.id, expected=old, new=new, effects=NO_EFFECTS)

    def _refusal(self, admission: Admission, now: float) -> SigninRefused:
        if not admission.admitted:
            return SigninRefused("delayed", retry_seconds=_whole(admission.retry_at - now))
        delays = self._policy.password_delays
        wait = delays[min(admission.failures, len(delays)) - 1]
        return SigninRefused("refused", retry_seconds=wait) if wait else SigninRefused("refused")


def _proved(txn: SigninTransaction, account: Account, now: float) -> SigninTransaction:
    """A password stands by itself: proofs of another person, or lent by a session, go. An identity that waits to be linked
    stays: this password is what it waits for."""
    same = account.id == txn.account_id
    return replace(
        txn,
        account_id=account.id,
        evidence=(Evidence(Means.PASSWORD, now),),
        code_challenge_id=txn.code_challenge_id if same else None,
        code_channel=txn.code_channel if same else None,
        device_challenge=None,
        chosen_structure=None,
        extra=kept_by_password(txn.extra),
    )


def _reason(account: Account | None) -> str:
    if account is None:
        return "unknown_identifier"
    if not usable(account):
        return "account_not_active"
    return "password_disabled" if account.password_disabled_at else "wrong_password"


def _bounded(password: str) -> str:
    """A password too long to be anybody's is hashed as an empty one, which is nobody's either."""
    return password if len(password) <= _LONGEST_HASHED else ""


def _whole(seconds: float) -> int:
    return max(1, int(-(-seconds // 1)))
