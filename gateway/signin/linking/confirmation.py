"""The confirmation: what would be linked to what, and the link itself (LNK-03, LNK-06…LNK-09, LNK-14).

Identity and account are both proved in this very transaction, and fresh (LNK-01). Refuses alike, with one text, whatever must
be looked at by somebody else: another RPPS, another name, an identity of another account. The store judges once more, under
a lock on the account's row.
"""

from dataclasses import dataclass, replace

from gateway.accounts.account import Account, AccountStatus
from gateway.accounts.identity_link import IdentityLink, LinkProof
from gateway.accounts.one_time_link import LinkPurpose, OneTimeLink, new_link, sending
from gateway.accounts.ports import Accounts, IdentityLinks, LinkRefusedError, OneTimeLinks, SessionsEnder
from gateway.clock import Clock
from gateway.journal.effects import NO_EFFECTS, Effects, Outgoing, because
from gateway.journal.events import Outcome
from gateway.keys.purposes import Purpose, PurposeKey
from gateway.randomness import Randomness
from gateway.signin.demands import Demands, usable
from gateway.signin.enrolment.welcome import activated
from gateway.signin.gone import TransactionMoved, saved
from gateway.signin.journal_lines import Lines
from gateway.signin.linking.arrival import Arrival
from gateway.signin.linking.identity import ProvedIdentity, link_of
from gateway.signin.linking.live_link import live_activation
from gateway.signin.linking.name_comparison import compare_names
from gateway.signin.linking.pending import IdentitySeal, activation_digest, over, pending_activation
from gateway.signin.linking.refusals import LinkRefused
from gateway.signin.one_time_code.masking import masked_email
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import SigninTransactions
from gateway.signin.request_context import RequestContext
from gateway.signin.transaction import SigninTransaction

Details = dict[str, str | int]


@dataclass(frozen=True, slots=True)
class LinkPreview:
    """What the confirmation page names. `binding` changes with any of it: the form token is made for it (LNK-03)."""

    holder_family_name: str
    holder_given_name: str
    kind: str
    account_username: str
    account_email_masked: str
    activation: bool
    binding: str


class Confirmation:
    def __init__(
        self,
        *,
        transactions: SigninTransactions,
        accounts: Accounts,
        identities: IdentityLinks,
        links: OneTimeLinks,
        sessions: SessionsEnder,
        arrival: Arrival,
        demands: Demands,
        seal: IdentitySeal,
        link_key: PurposeKey,
        policy: SigninPolicy,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._transactions = transactions
        self._accounts = accounts
        self._identities = identities
        self._links = links
        self._sessions = sessions
        self._arrival = arrival
        self._demands = demands
        self._seal = seal
        self._link_key = link_key
        self._policy = policy
        self._clock = clock
        self._randomness = randomness

    def preview(self, txn: SigninTransaction) -> LinkPreview:
        """Raises TransactionMoved before the credentials are proved, LinkGone."""
        identity, account, _ = self._provable(txn, self._clock.now())
        parts = (account.id, str(account.contact_version), *identity.key, identity.family_name, identity.given_name)
        binding = self._link_key.mac(Purpose.LINK, b"confirmation", *(part.encode() for part in parts))
        return LinkPreview(
            holder_family_name=identity.family_name,
            holder_given_name=identity.given_name,
            kind=identity.kind.value,
            account_username=account.username,
            account_email_masked=masked_email(account.email),
            activation=account.status is AccountStatus.INVITED,
            binding=binding.hex(),
        )

    def confirm(self, txn: SigninTransaction, context: RequestContext) -> SigninTransaction:
        """Raises LinkRefused (the identity no longer waits), LinkGone (the activation link), TransactionMoved."""
        now = self._clock.now()
        identity, account, activation = self._provable(txn, now)
        lines = Lines(now, context, txn.demand.client_id, identity.kind.value)
        likeness = compare_names(
            asserted_family=identity.family_name,
            asserted_given=identity.given_name,
            family=account.family_name,
            given=account.given_name,
        )
        details: Details = {
            "means": identity.kind.value,
            "score": likeness.score,
            "names": self._names(identity, account),
        }
        reason = self._objection(identity, account, likeness.alike)
        if reason is not None:
            raise self._refused(txn, account, reason, details, lines)
        # Of two confirmations at once one goes on, and one that was given up meanwhile does not.
        txn = saved(self._transactions, txn, now, NO_EFFECTS)
        try:
            link = self._commit(identity, account, activation, details, lines)
        except LinkRefusedError as refusal:
            raise self._refused(txn, account, refusal.reason, details, lines) from None
        return self._arrival.signed_in(txn, identity, link, lines)

    def _commit(
        self, identity: ProvedIdentity, account: Account, activation: OneTimeLink | None, details: Details, lines: Lines
    ) -> IdentityLink:
        """Every session of the account ends, before and after, and whatever was under way for it dies in the same
        transaction as the link (LNK-09). Raises LinkRefusedError."""
        proof = LinkProof.CREDENTIALS if activation is None else LinkProof.ACTIVATION
        link = link_of(identity, account.id, proof, lines.at, self._randomness)
        not_me = new_link(
            self._link_key,
            LinkPurpose.NOT_ME,
            account_id=account.id,
            contact_version=account.contact_version + 1,
            now=lines.at,
            ttl_seconds=self._policy.not_me_seconds,
            randomness=self._randomness,
            link_id=link.id,
        )
        details = details | {"proof": proof.value, "identity_link": link.id}
        effects = lines.said("identity.linked", Outcome.SUCCESS, account.id, details=details)
        if activation is not None:
            effects += _activated(activation, lines)
        effects += because(outgoing=(sending(not_me),))
        ended = lines.said("session.ended", Outcome.SUCCESS, account.id, reason="identity_linked")
        self._sessions.end_sessions_of(account.id, lines.at, ended)
        self._identities.commit(link, account, effects, activation=activation, not_me=not_me)
        self._sessions.end_sessions_of(account.id, lines.at, ended)
        return link

    def _provable(self, txn: SigninTransaction, now: float) -> tuple[ProvedIdentity, Account, OneTimeLink | None]:
        """The identity that waits and the account that proved itself, or that an activation link stands for; the same
        judgement as `Journey.next_step`."""
        identity = self._seal.opened(txn)
        if identity is None or over(txn):
            raise TransactionMoved("no identity waits here")
        if pending_activation(txn):
            if not self._demands.identity_fresh(identity.proved_at, now):
                raise TransactionMoved("the identity is not fresh")
            link, invited = live_activation(self._links, self._accounts, activation_digest(txn), now)
            return identity, invited, link
        account = self._accounts.get(txn.account_id) if txn.account_id is not None else None
        if account is None or not usable(account):
            raise TransactionMoved("no account is proved")
        if not self._demands.link_provable(identity.proved_at, txn.evidence, account, now):
            raise TransactionMoved("not everything is proved, or not recently")
        return identity, account, None

    def _objection(self, identity: ProvedIdentity, account: Account, names_alike: bool) -> str | None:
        """Why a person has to look at this first. The store judges again what others could change meanwhile (LNK-14)."""
        if account.rpps is not None and account.rpps != identity.rpps:
            return "account_has_other_rpps"
        if identity.rpps is not None:
            owner = self._accounts.find_by_rpps(identity.rpps)
            if owner is not None and owner.id != account.id:
                return "rpps_elsewhere"
        if not names_alike:
            return "names_differ"
        return None

    def _refused(
        self, txn: SigninTransaction, account: Account, reason: str, details: Details, lines: Lines
    ) -> LinkRefused:
        """The refusal, its journal line, and word to the account's holder; the identity no longer waits."""
        warned = because(outgoing=(Outgoing("notice", {"account": account.id, "what": "link_refused"}),))
        said = lines.said("identity.link_refused", Outcome.REFUSED, account.id, reason=reason, details=details)
        saved(self._transactions, replace(txn, extra={}), lines.at, said + warned)
        return LinkRefused(reason)

    def _names(self, identity: ProvedIdentity, account: Account) -> str:
        """What was compared, so that it can be found again and not read."""
        names = (identity.family_name, identity.given_name, account.family_name, account.given_name)
        return self._link_key.mac(Purpose.LINK, b"names", *(name.encode() for name in names)).hex()


def _activated(activation: OneTimeLink, lines: Lines) -> Effects:
    account_id, details = activation.account_id, {"purpose": activation.purpose.value}
    used = lines.said("link.used", Outcome.SUCCESS, account_id, details=details)
    return used + activated(account_id, lines)
