"""Sign-in with an identifier and a password (THR-01, THR-02, THR-06, THR-07, THR-09)."""

from gateway.accounts.password_hash import PasswordHasher
from gateway.accounts.ports import Accounts
from gateway.clock import Clock
from gateway.keys.purposes import PurposeKey
from gateway.refusal import Refusal
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import SigninTransactions, Spool, Throttle
from gateway.signin.request_context import RequestContext
from gateway.signin.transaction import SigninTransaction


class SigninRefused(Refusal):
    """One text whatever the reason; `facts["retry_seconds"]` when the next try must wait."""

    code = "signin_refused"
    text = "signin.refused"


class PasswordSignin:
    def __init__(
        self,
        *,
        transactions: SigninTransactions,
        accounts: Accounts,
        throttle: Throttle,
        spool: Spool,
        hasher: PasswordHasher,
        throttle_key: PurposeKey,
        policy: SigninPolicy,
        clock: Clock,
    ) -> None:
        raise NotImplementedError

    def submit(
        self, txn: SigninTransaction, identifier: str, password: str, context: RequestContext
    ) -> SigninTransaction:
        raise NotImplementedError
