"""Sign-in from a trusted device: a signature over a fresh challenge, beside the password (LOA-07, DECISIONS 2)."""

from gateway.accounts.ports import Accounts, TrustedDevices
from gateway.clock import Clock
from gateway.randomness import Randomness
from gateway.signin.assurance import AssuranceScale
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import SigninTransactions
from gateway.signin.request_context import RequestContext
from gateway.signin.transaction import SigninTransaction


class DeviceSignin:
    def __init__(
        self,
        *,
        transactions: SigninTransactions,
        accounts: Accounts,
        devices: TrustedDevices,
        scale: AssuranceScale,
        policy: SigninPolicy,
        origin: str,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        raise NotImplementedError

    def challenge(self, txn: SigninTransaction, device_id: str) -> tuple[SigninTransaction, str]:
        raise NotImplementedError

    def submit(
        self, txn: SigninTransaction, device_id: str, signature: bytes, context: RequestContext
    ) -> SigninTransaction:
        raise NotImplementedError

    def skip(self, txn: SigninTransaction) -> SigninTransaction:
        raise NotImplementedError
