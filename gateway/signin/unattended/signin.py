"""Puts the declared proofs of one person in a transaction, and walks it to its end without a page.

What the person may not do stays refused, to the application: an archived account, a structure that is not held, a level
above the declared proofs. Each sign-in leaves its line, `signin.unattended`, in the journal.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway.accounts.account import Account
from gateway.accounts.identity_link import IdentityLink, LinkKind, LinkProof
from gateway.accounts.ports import Accounts, IdentityLinks
from gateway.clock import Clock
from gateway.journal.events import Outcome
from gateway.randomness import Randomness, identifier
from gateway.signin.evidence import STRONG, Evidence, Means
from gateway.signin.gone import saved
from gateway.signin.journal_lines import Lines
from gateway.signin.journey import Journey, Step
from gateway.signin.linking.pending import UPSTREAM
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import SigninTransactions
from gateway.signin.request_context import RequestContext
from gateway.signin.standing import ACCESS_DENIED, UNMET
from gateway.signin.transaction import SigninTransaction

ISSUER = "urn:passerelle:unattended"
"""In the place of Pro Santé Connect's issuer, or of the card's authority."""
_QUESTIONS = 8
"""More than any journey asks."""


@dataclass(frozen=True, slots=True)
class UnattendedSignin:
    """`account` is of the demo's person; `proofs` what they are said to have proved, at each sign-in."""

    account_id: str
    proofs: tuple[Means, ...]
    journey: Journey
    transactions: SigninTransactions
    accounts: Accounts
    identities: IdentityLinks
    policy: SigninPolicy
    clock: Clock
    randomness: Randomness

    def settled(self, txn: SigninTransaction, context: RequestContext) -> SigninTransaction:
        """The transaction at its last step, complete or refused. Raises TransactionMoved."""
        if not self.journey.is_under_way(txn):
            return txn
        txn = self._proved(txn, context)
        for _ in range(_QUESTIONS):
            step = self.journey.next_step(txn, device_id=None)
            match step:
                case Step.COMPLETE | Step.REFUSED:
                    return txn
                case Step.SITUATION:
                    txn = self.journey.choose_situation(txn, 0)
                case Step.STRUCTURE:
                    txn = self.journey.choose_structure(txn, self.journey.structures(txn)[0].id)
                case Step.CONSENT:
                    txn = self.journey.agree(txn, context)
                case Step.CODE | Step.DEVICE | Step.MEANS | Step.PASSWORD:
                    return self.journey.refuse(txn, UNMET, context)
                case _:
                    break
        return self.journey.refuse(txn, ACCESS_DENIED, context)

    def _proved(self, txn: SigninTransaction, context: RequestContext) -> SigninTransaction:
        now = self.clock.now()
        account = self.accounts.get(self.account_id)
        strong = next((means for means in self.proofs if means in STRONG), None)
        proved = replace(
            txn,
            account_id=self.account_id,
            evidence=tuple(Evidence(means, now) for means in self.proofs),
            extra={} if strong is None or account is None else self._upstream(account, LinkKind(strong.value), now),
        )
        lines = Lines(now, context, txn.demand.client_id, "unattended")
        details = {"means": " ".join(self.proofs)}
        said = lines.said("signin.unattended", Outcome.SUCCESS, self.account_id, details=details)
        return saved(self.transactions, proved, now, said)

    def _upstream(self, account: Account, kind: LinkKind, now: float) -> Mapping[str, object]:
        """The account's link to the identity that the means stands for, made the first time."""
        link = self.identities.find(kind, ISSUER, account.id) or self._linked(account, kind, now)
        return {
            UPSTREAM: {
                "link": link.id,
                "kind": kind.value,
                "issuer": ISSUER,
                "acr": None,
                "amr": [],
                "expires_at": now + self.policy.session_absolute_seconds,
                "id_token": None,
                "situations": [],
                "situation": None,
            }
        }

    def _linked(self, account: Account, kind: LinkKind, now: float) -> IdentityLink:
        link = IdentityLink(
            id=identifier(self.randomness),
            account_id=account.id,
            kind=kind,
            issuer=ISSUER,
            subject=account.id,
            national_id=None,
            rpps=account.rpps,
            proof=LinkProof.CREDENTIALS,
            created_at=now,
            last_used_at=now,
        )
        lines = Lines(now, RequestContext("", "", ""), None, "unattended")
        self.identities.commit(link, account, lines.said("identity.linked", Outcome.SUCCESS, account.id))
        return link
