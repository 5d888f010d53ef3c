"""The step of an authenticator application in a sign-in (FID-02, OTP-09).

Refuses a code that is not of this moment, that was accepted before, or that is older than the last one accepted: all with one
text. Tries are counted in the transaction, and consecutive failures on the account.
"""

from dataclasses import replace

from gateway.accounts.account import Account
from gateway.accounts.authenticator import TotpAuthenticator
from gateway.accounts.ports import Accounts, TotpAuthenticators, TrustedDevices
from gateway.accounts.trusted_device import TrustedDevice
from gateway.clock import Clock
from gateway.journal.effects import NO_EFFECTS, Outgoing, because
from gateway.journal.events import Outcome
from gateway.randomness import Randomness
from gateway.signin.demands import Demands
from gateway.signin.device_trust import trust_device
from gateway.signin.evidence import Evidence, Means
from gateway.signin.first_factor import proved_person
from gateway.signin.gone import TransactionMoved
from gateway.signin.journal_lines import Lines
from gateway.signin.linking.pending import pending
from gateway.signin.linking.renewal import Renewal
from gateway.signin.one_time_code.code import typed_code
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import SigninTransactions
from gateway.signin.request_context import RequestContext
from gateway.signin.totp.application import time_step_of
from gateway.signin.transaction import SigninTransaction
from gateway.signin.tries import FactorRefused, tried


class TotpSignin:
    def __init__(
        self,
        *,
        transactions: SigninTransactions,
        renewal: Renewal,
        accounts: Accounts,
        devices: TrustedDevices,
        totp: TotpAuthenticators,
        demands: Demands,
        policy: SigninPolicy,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._transactions = transactions
        self._renewal = renewal
        self._accounts = accounts
        self._devices = devices
        self._totp = totp
        self._demands = demands
        self._policy = policy
        self._clock = clock
        self._randomness = randomness

    def submit(
        self,
        txn: SigninTransaction,
        code: str,
        context: RequestContext,
        *,
        device_public_key: bytes | None = None,
        device_label: str = "",
    ) -> tuple[SigninTransaction, TrustedDevice | None]:
        """The transaction with this proof, and the device that is trusted from now on. Raises FactorRefused,
        TransactionMoved."""
        now = self._clock.now()
        account = proved_person(self._accounts, self._demands, txn)
        if Means.TOTP not in self._possible(txn, account):
            raise TransactionMoved("no application can give what is demanded")
        lines = Lines(now, context, txn.demand.client_id, "totp")
        txn, left = tried(self._transactions, txn, Means.TOTP, at_most=self._policy.code_attempts, now=now)
        self._judge(account, typed_code(code), left, lines)
        evidence = Evidence(Means.TOTP, now)

        def with_proof(current: SigninTransaction) -> SigninTransaction:
            return replace(current, evidence=(*current.evidence, evidence), code_challenge_id=None, code_channel=None)

        txn = self._renewal.amended(txn, with_proof, now, NO_EFFECTS)
        if device_public_key is None or self._demands.interval(txn.demand) is None or pending(txn) is not None:
            return txn, None
        return txn, trust_device(
            self._devices, account, device_public_key, label=device_label, lines=lines, randomness=self._randomness
        )

    def _possible(self, txn: SigninTransaction, account: Account) -> tuple[Means, ...]:
        if pending(txn) is not None:
            return self._demands.link_factors(account)
        return self._demands.second_factors(account, txn.demand)

    def _judge(self, account: Account, code: str, left: int, lines: Lines) -> None:
        wrong = lines.said("signin.totp", Outcome.REFUSED, account.id, reason="wrong_code")
        if left <= 0:
            # Somebody knows the password and not the code: its holder is told (THR-11).
            wrong += because(outgoing=(Outgoing("notice", {"account": account.id, "what": "password_wrong_code"}),))
        disabled = lines.said("authenticator.disabled", Outcome.REFUSED, account.id, reason="failures")
        disabled += because(outgoing=(Outgoing("notice", {"account": account.id, "what": "totp_disabled"}),))

        def judge(authenticator: TotpAuthenticator) -> int | None:
            return time_step_of(authenticator.secret, code, lines.at)

        accepted = self._totp.attempt(
            account.id,
            judge,
            disabled_after=self._policy.factor_disabled_after,
            if_accepted=lines.said("signin.totp", Outcome.SUCCESS, account.id),
            if_wrong=wrong,
            if_disabled=disabled,
        )
        if accepted is None:
            raise FactorRefused("wrong, spent or stale code", attempts_left=left)
