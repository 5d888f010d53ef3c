"""Choosing another password: because one is demanded (R001-08, PWD-07, PWD-08), or because its holder wants to (PWD-09).

The first is a step of the sign-in, once both factors are proved, and nothing is issued before it. The second asks the current
password, whose guesses are counted, and a fresh proof. Refuses the same password again, and what the policy refuses. Every
session of the account ends: whoever else knew the former password is out of every application (OID-09).
"""

from gateway.accounts.account import Account
from gateway.accounts.password_hash import PasswordHasher
from gateway.accounts.password_policy import PasswordPolicy, PasswordTooWeak, PasswordUnchanged
from gateway.accounts.ports import Accounts, SessionsEnder
from gateway.clock import Clock
from gateway.journal.effects import Effects, Outgoing, because
from gateway.journal.events import Outcome
from gateway.keys.purposes import PurposeKey
from gateway.refusal import Refusal
from gateway.signin.demands import usable
from gateway.signin.fresh_proof import FreshProof
from gateway.signin.gone import TransactionMoved
from gateway.signin.journal_lines import Lines
from gateway.signin.journey import Journey, Step
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import Spool, Throttle
from gateway.signin.request_context import RequestContext
from gateway.signin.session import Session
from gateway.signin.throttle import ThrottleKeys
from gateway.signin.transaction import SigninTransaction

__all__ = ["CurrentPasswordRefused", "NewPassword", "NoFreshProof", "PasswordTooWeak"]

_CHANGE = "password-change"


class CurrentPasswordRefused(Refusal):
    """The current password is wrong, or may not be tried now; `facts["retry_seconds"]` when the next try must wait."""

    code = "current_password_refused"
    text = "password.current_refused"


class NoFreshProof(Refusal):
    """The session proved nothing lately: its holder is asked to first."""

    code = "no_fresh_proof"
    text = "signin.refused"


class NewPassword:
    def __init__(
        self,
        *,
        journey: Journey,
        fresh_proof: FreshProof,
        accounts: Accounts,
        sessions: SessionsEnder,
        throttle: Throttle,
        spool: Spool,
        hasher: PasswordHasher,
        passwords: PasswordPolicy,
        throttle_key: PurposeKey,
        policy: SigninPolicy,
        clock: Clock,
    ) -> None:
        self._journey = journey
        self._fresh_proof = fresh_proof
        self._accounts = accounts
        self._sessions = sessions
        self._throttle = throttle
        self._spool = spool
        self._hasher = hasher
        self._passwords = passwords
        self._keys = ThrottleKeys(throttle_key)
        self._policy = policy
        self._clock = clock

    def renew(self, txn: SigninTransaction, new: str, context: RequestContext) -> None:
        """The step of the sign-in. Raises PasswordTooWeak, TransactionMoved."""
        account = self._accounts.get(txn.account_id or "")
        if account is None or self._journey.next_step(txn, device_id=None) is not Step.NEW_PASSWORD:
            raise TransactionMoved("no other password is demanded here")
        self._passwords.check(new, account)
        if self._hasher.verify(account.id, account.password_hash or "", new):
            raise PasswordUnchanged("the same as before")
        if not self._written(account, new, Lines(self._clock.now(), context, txn.demand.client_id, "password")):
            raise TransactionMoved("the password was changed meanwhile")

    def change(self, session: Session, current: str, new: str, context: RequestContext) -> None:
        """For the account's page. Raises NoFreshProof, CurrentPasswordRefused, PasswordTooWeak."""
        account = self._accounts.get(session.account_id)
        if account is None or not usable(account) or not self._fresh_proof.stands(session):
            raise NoFreshProof("no fresh proof, or the account is not active")
        lines = Lines(self._clock.now(), context, method="password")
        self._prove(account, current, lines)
        self._passwords.check(new, account)
        if self._hasher.verify(account.id, account.password_hash or "", new):
            raise PasswordUnchanged("the same as before")
        if not self._written(account, new, lines):
            raise CurrentPasswordRefused("changed or disabled meanwhile")

    def _prove(self, account: Account, current: str, lines: Lines) -> None:
        """Counted under a key of its own: a stolen session guesses no quicker, and delays no sign-in of the holder."""
        key = self._keys.of(_CHANGE, account.id)
        delayed = lines.said("signin.delayed", Outcome.REFUSED, account.id, reason="delay")
        admission = self._throttle.admit(key, self._policy.password_rule(), lines.at, delayed)
        if not admission.admitted:
            raise CurrentPasswordRefused("delayed", retry_seconds=max(1, int(-(-(admission.retry_at - lines.at) // 1))))
        stored = account.password_hash
        if stored is None or account.password_disabled_at is not None:
            raise CurrentPasswordRefused("no password, or a disabled one")
        if not self._hasher.verify(account.id, stored, current):
            self._spool.note(lines.said("password.refused", Outcome.REFUSED, account.id, reason="wrong_password"))
            raise CurrentPasswordRefused("wrong")
        self._throttle.succeeded(key)

    def _written(self, account: Account, new: str, lines: Lines) -> bool:
        """Sessions end before and after: whenever the process dies, none of the old password is left with the new one."""
        hashed = self._hasher.hash(account.id, new)
        ended = lines.said("session.ended", Outcome.SUCCESS, account.id, reason="password_changed")
        self._sessions.end_sessions_of(account.id, lines.at, ended)
        written = self._accounts.change_password(
            account.id, expected=account.password_hash or "", new=hashed, at=lines.at, effects=_changed(account, lines)
        )
        self._sessions.end_sessions_of(account.id, lines.at, ended)
        return written


def _changed(account: Account, lines: Lines) -> Effects:
    notice = Outgoing("notice", {"account": account.id, "what": "password_changed"})
    return lines.said("account.password_set", Outcome.SUCCESS, account.id, reason="changed") + because(
        outgoing=(notice,)
    )
