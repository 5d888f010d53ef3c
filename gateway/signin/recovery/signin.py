"""The step of a recovery code in a sign-in (FID-12): a way back into one's own account, at the level of the weakest code; never
a proof for linking an identity (LNK-08).
"""

from dataclasses import replace

from gateway.accounts.ports import Accounts, RecoveryCodeSets
from gateway.clock import Clock
from gateway.journal.effects import NO_EFFECTS, Outgoing, because
from gateway.journal.events import Outcome
from gateway.keys.purposes import PurposeKey
from gateway.signin.demands import Demands
from gateway.signin.evidence import Evidence, Means
from gateway.signin.first_factor import proved_person
from gateway.signin.gone import TransactionMoved
from gateway.signin.journal_lines import Lines
from gateway.signin.linking.pending import pending
from gateway.signin.linking.renewal import Renewal
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import SigninTransactions, Spool
from gateway.signin.recovery.codes import recovery_digest, typed_recovery_code
from gateway.signin.request_context import RequestContext
from gateway.signin.transaction import SigninTransaction
from gateway.signin.tries import FactorRefused, tried


class RecoverySignin:
    def __init__(
        self,
        *,
        transactions: SigninTransactions,
        renewal: Renewal,
        accounts: Accounts,
        codes: RecoveryCodeSets,
        spool: Spool,
        demands: Demands,
        key: PurposeKey,
        policy: SigninPolicy,
        clock: Clock,
    ) -> None:
        self._transactions = transactions
        self._renewal = renewal
        self._accounts = accounts
        self._codes = codes
        self._spool = spool
        self._demands = demands
        self._key = key
        self._policy = policy
        self._clock = clock

    def submit(self, txn: SigninTransaction, code: str, context: RequestContext) -> SigninTransaction:
        """The transaction with this proof. Raises FactorRefused, TransactionMoved."""
        now = self._clock.now()
        account = proved_person(self._accounts, self._demands, txn)
        possible = self._demands.second_factors(account, txn.demand)
        if pending(txn) is not None or Means.RECOVERY_CODE not in possible:
            raise TransactionMoved("no recovery code can give what is demanded")
        lines = Lines(now, context, txn.demand.client_id, "recovery_code")
        txn, left = tried(self._transactions, txn, Means.RECOVERY_CODE, at_most=self._policy.code_attempts, now=now)
        used = lines.said("signin.recovery_code", Outcome.SUCCESS, account.id)
        used += because(outgoing=(Outgoing("notice", {"account": account.id, "what": "recovery_code_used"}),))
        digest = recovery_digest(self._key, account.id, typed_recovery_code(code))
        if not self._codes.use(account.id, digest, now, used):
            wrong = lines.said("signin.recovery_code", Outcome.REFUSED, account.id, reason="wrong_code")
            if left <= 0:
                wrong += because(outgoing=(Outgoing("notice", {"account": account.id, "what": "password_wrong_code"}),))
            self._spool.note(wrong)
            raise FactorRefused("wrong or spent code", attempts_left=left)
        evidence = Evidence(Means.RECOVERY_CODE, now)

        def with_proof(current: SigninTransaction) -> SigninTransaction:
            return replace(current, evidence=(*current.evidence, evidence), code_challenge_id=None, code_channel=None)

        return self._renewal.amended(txn, with_proof, now, NO_EFFECTS)
