"""Signing in with an identity proved elsewhere, and linking it to its holder's account, once (LNK; DECISIONS 5 and 6).

The one door of linking: an identity arrives (arrival.py), its holder says whether they have an account, proves it as at any
sign-in, and confirms (confirmation.py). No account is ever made here (LNK-04), and before the credentials are proved nothing
tells whether one exists (LNK-13).
"""

from dataclasses import replace

from gateway.accounts.ports import Accounts, IdentityLinks, OneTimeLinks, SessionsEnder
from gateway.clock import Clock
from gateway.journal.effects import NO_EFFECTS
from gateway.keys.purposes import PurposeKey
from gateway.randomness import Randomness
from gateway.signin.demands import Demands
from gateway.signin.gone import TransactionMoved, saved
from gateway.signin.linking.arrival import Arrival
from gateway.signin.linking.confirmation import Confirmation, LinkPreview
from gateway.signin.linking.identity import ProvedIdentity
from gateway.signin.linking.pending import IdentitySeal, chosen, over, pending, pending_activation
from gateway.signin.linking.refusals import IdentityRefused, IdentityStale, LinkRefused
from gateway.signin.linking.renewal import Renewal
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import SigninTransactions, Spool
from gateway.signin.request_context import RequestContext
from gateway.signin.transaction import SigninTransaction

__all__ = ["IdentityRefused", "IdentityStale", "LinkPreview", "LinkRefused", "Linking", "pending_activation"]


class Linking:
    def __init__(
        self,
        *,
        transactions: SigninTransactions,
        accounts: Accounts,
        identities: IdentityLinks,
        links: OneTimeLinks,
        sessions: SessionsEnder,
        spool: Spool,
        demands: Demands,
        seal: IdentitySeal,
        link_key: PurposeKey,
        policy: SigninPolicy,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._transactions = transactions
        self._seal = seal
        self._clock = clock
        self._arrival = Arrival(
            accounts=accounts,
            identities=identities,
            links=links,
            spool=spool,
            seal=seal,
            renewal=Renewal(transactions=transactions, seal=seal, randomness=randomness),
            policy=policy,
            clock=clock,
            randomness=randomness,
        )
        self._confirmation = Confirmation(
            transactions=transactions,
            accounts=accounts,
            identities=identities,
            links=links,
            sessions=sessions,
            arrival=self._arrival,
            demands=demands,
            seal=seal,
            link_key=link_key,
            policy=policy,
            clock=clock,
            randomness=randomness,
        )

    def begin(self, txn: SigninTransaction, identity: ProvedIdentity, context: RequestContext) -> SigninTransaction:
        """The transaction, under a new handle (LNK-02), signed in by this identity, or with it waiting to be linked. Raises
        IdentityStale, IdentityRefused, TransactionMoved."""
        return self._arrival.begin(txn, identity, context)

    def begin_activation(
        self, txn: SigninTransaction, token: str, identity: ProvedIdentity, context: RequestContext
    ) -> SigninTransaction:
        """The identity waits, with the activation link that landed in this browser in the place of credentials (DECISIONS 7).
        The link is consumed by `confirm` alone. Raises LinkGone, IdentityStale, TransactionMoved."""
        return self._arrival.begin_activation(txn, token, identity, context)

    def choose_existing(self, txn: SigninTransaction) -> SigninTransaction:
        """ "I have an account": the credentials are asked next."""
        self._must_wait(txn)
        return saved(self._transactions, replace(txn, extra=chosen(txn)), self._clock.now(), NO_EFFECTS)

    def give_up(self, txn: SigninTransaction) -> SigninTransaction:
        """The person goes on without linking; what they proved otherwise stays proved."""
        self._must_wait(txn)
        return saved(self._transactions, replace(txn, extra={}), self._clock.now(), NO_EFFECTS)

    def holder(self, txn: SigninTransaction) -> ProvedIdentity:
        """The identity that waits, for the page that shows it, read-only. Raises TransactionMoved."""
        identity = self._seal.opened(txn)
        if identity is None:
            raise TransactionMoved("no identity waits here")
        return identity

    def preview(self, txn: SigninTransaction) -> LinkPreview:
        """What `confirm` would link to what. Raises TransactionMoved before the credentials are proved, LinkGone."""
        return self._confirmation.preview(txn)

    def confirm(self, txn: SigninTransaction, context: RequestContext) -> SigninTransaction:
        """Links, and the transaction is signed in by the identity, under a new handle; every session of the account ends.
        Raises LinkRefused (the identity no longer waits), LinkGone (the activation link), TransactionMoved."""
        return self._confirmation.confirm(txn, context)

    def _must_wait(self, txn: SigninTransaction) -> None:
        if pending(txn) is None or over(txn):
            raise TransactionMoved("no identity waits here")
