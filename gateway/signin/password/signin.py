"""Sign-in with an identifier and a password (THR-01, THR-02, THR-06, THR-07, THR-09, PWD-05).

Refuses alike a wrong password, an unknown identifier, an account that is not active, and any password during a delay: one
text, one hash, one line in the journal. The attempt is counted before the hash is computed. A store that does not answer
refuses (THR-10): its exception goes through.
"""

from dataclasses import replace

from gateway.accounts.account import Account
from gateway.accounts.password_hash import PasswordHasher
from gateway.accounts.ports import Accounts
from gateway.accounts.resolve_identifier import resolve_identifier
from gateway.clock import Clock
from gateway.journal.effects import NO_EFFECTS
from gateway.journal.events import Outcome
from gateway.keys.purposes import PurposeKey
from gateway.refusal import Refusal
from gateway.signin.demands import usable
from gateway.signin.evidence import Evidence, Means
from gateway.signin.gone import TransactionMoved
from gateway.signin.journal_lines import Lines
from gateway.signin.linking.pending import kept_by_password
from gateway.signin.linking.renewal import Renewal
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import Admission, Spool, Throttle
from gateway.signin.request_context import RequestContext
from gateway.signin.throttle import ThrottleKeys
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
        spool: Spool,
        hasher: PasswordHasher,
        throttle_key: PurposeKey,
        policy: SigninPolicy,
        clock: Clock,
    ) -> None:
        self._renewal = renewal
        self._accounts = accounts
        self._throttle = throttle
        self._spool = spool
        self._hasher = hasher
        self._keys = ThrottleKeys(throttle_key)
        self._policy = policy
        self._clock = clock

    def submit(
        self, txn: SigninTransaction, identifier: str, password: str, context: RequestContext
    ) -> SigninTransaction:
        """The transaction with this proof. Raises SigninRefused."""
        if txn.session_digest is not None or txn.refusal is not None:
            raise TransactionMoved("the journey is over")
        now = self._clock.now()
        account = resolve_identifier(self._accounts, identifier)
        # The second key bounds one account's failures whichever of its identifiers is typed. It delays nothing, so that
        # nobody can learn from it that two identifiers are of one account.
        typed = self._keys.typed("password", identifier)
        whose = self._keys.of("password-account", account.id) if account else self._keys.typed("nobody", identifier)
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
        if not self._right(account, _bounded(password)):
            self._spool.note(lines.said("signin.password", Outcome.REFUSED, target, reason=_reason(account)))
            raise self._refusal(admission, now)
        assert account is not None  # noqa: S101 -- `_right` says so; for the type checker
        self._throttle.succeeded(typed)
        self._throttle.succeeded(whose)
        self._hash_again_if_needed(account, password)
        proved = lines.said("signin.password", Outcome.SUCCESS, account.id)
        return self._renewal.saved(_proved(txn, account, now), now, proved)

    def _right(self, account: Account | None, password: str) -> bool:
        """Exactly one hash is computed, whatever the account is."""
        if account is None or not usable(account) or account.password_hash is None:
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
    return "wrong_password" if usable(account) else "account_not_active"


def _bounded(password: str) -> str:
    """A password too long to be anybody's is hashed as an empty one, which is nobody's either."""
    return password if len(password) <= _LONGEST_HASHED else ""


def _whole(seconds: float) -> int:
    return max(1, int(-(-seconds // 1)))
