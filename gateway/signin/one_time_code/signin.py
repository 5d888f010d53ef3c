"""The one-time-code step of a sign-in (section OTP)."""

from collections.abc import Sequence

from gateway.accounts.ports import Accounts, TrustedDevices
from gateway.accounts.trusted_device import TrustedDevice
from gateway.clock import Clock
from gateway.keys.purposes import PurposeKey
from gateway.randomness import Randomness
from gateway.refusal import Refusal
from gateway.signin.assurance import AssuranceScale
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import OneTimeCodes, SigninTransactions, Spool, Throttle
from gateway.signin.request_context import RequestContext
from gateway.signin.transaction import SigninTransaction


class CodeRefused(Refusal):
    """A wrong code; `facts["attempts_left"]`."""

    code = "code_refused"
    text = "signin.code_refused"


class CodeDead(Refusal):
    """The code cannot be used any more: expired, used, replaced, too many tries, contact changed."""

    code = "code_dead"
    text = "signin.code_dead"


class ResendTooSoon(Refusal):
    """`facts["wait_seconds"]`."""

    code = "resend_too_soon"
    text = "signin.resend_too_soon"


class CodeSignin:
    def __init__(
        self,
        *,
        transactions: SigninTransactions,
        codes: OneTimeCodes,
        accounts: Accounts,
        devices: TrustedDevices,
        throttle: Throttle,
        spool: Spool,
        scale: AssuranceScale,
        code_key: PurposeKey,
        throttle_key: PurposeKey,
        policy: SigninPolicy,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        raise NotImplementedError

    def start(
        self, txn: SigninTransaction, context: RequestContext, *, channel: str | None = None
    ) -> SigninTransaction:
        raise NotImplementedError

    def resend(self, txn: SigninTransaction, context: RequestContext) -> SigninTransaction:
        raise NotImplementedError

    def submit(
        self,
        txn: SigninTransaction,
        code: str,
        context: RequestContext,
        *,
        device_public_key: bytes | None = None,
        device_label: str = "",
    ) -> tuple[SigninTransaction, TrustedDevice | None]:
        raise NotImplementedError

    def masked_contact(self, txn: SigninTransaction) -> str:
        raise NotImplementedError

    def channels(self, txn: SigninTransaction) -> Sequence[str]:
        raise NotImplementedError
