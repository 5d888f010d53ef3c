"""An identity comes in: it signs its holder in, joins an account that has proved the same national identifier, or waits.

Only the exact identity, or the national identifier of a live link, finds an account (LNK-04, LNK-05). Refuses an identity
that was frozen, or that now says to be somebody else, and never says which account it knows.
"""

from dataclasses import replace

from gateway.accounts.identity_link import IdentityLink, LinkProof
from gateway.accounts.one_time_link import token_digest
from gateway.accounts.ports import Accounts, IdentityLinks, LinkRefusedError, OneTimeLinks
from gateway.clock import Clock
from gateway.journal.effects import Effects, Outgoing, because
from gateway.journal.events import Outcome
from gateway.randomness import Randomness
from gateway.signin.evidence import LINKED
from gateway.signin.gone import TransactionMoved
from gateway.signin.journal_lines import Lines
from gateway.signin.linking.identity import ProvedIdentity, contradicts, link_of
from gateway.signin.linking.live_link import live_activation
from gateway.signin.linking.pending import IdentitySeal, over, pending, pending_activation
from gateway.signin.linking.refusals import IdentityRefused, IdentityStale
from gateway.signin.linking.renewal import Renewal
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import Spool
from gateway.signin.request_context import RequestContext
from gateway.signin.transaction import SigninTransaction


class Arrival:
    def __init__(
        self,
        *,
        accounts: Accounts,
        identities: IdentityLinks,
        links: OneTimeLinks,
        spool: Spool,
        seal: IdentitySeal,
        renewal: Renewal,
        policy: SigninPolicy,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._accounts = accounts
        self._identities = identities
        self._links = links
        self._spool = spool
        self._seal = seal
        self._renewal = renewal
        self._policy = policy
        self._clock = clock
        self._randomness = randomness

    def begin(self, txn: SigninTransaction, identity: ProvedIdentity, context: RequestContext) -> SigninTransaction:
        """Raises IdentityStale, IdentityRefused, TransactionMoved."""
        lines = self._fit(txn, identity, context)
        link = self._identities.find(*identity.key)
        if link is not None:
            self._refuse_unless_good(link, identity, lines)
            self._identities.note_use(link.id, lines.at)
            return self.signed_in(txn, identity, link, lines)
        relative = self._relative(identity)
        joined = self._joined(relative, identity, lines) if relative is not None else None
        if joined is not None:
            return self.signed_in(txn, identity, joined, lines)
        return self._held(txn, identity, lines)

    def begin_activation(
        self, txn: SigninTransaction, token: str, identity: ProvedIdentity, context: RequestContext
    ) -> SigninTransaction:
        """Raises LinkGone, IdentityStale, TransactionMoved."""
        lines = self._fit(txn, identity, context)
        link, _ = live_activation(self._links, self._accounts, token_digest(token), lines.at)
        waiting = self._renamed(txn, account_id=None, evidence=())
        extra = self._seal.held(identity, waiting.handle, chosen=True, activation=link.token_digest)
        return self._renewal.replaced(txn, replace(waiting, extra=extra), lines.at, _waits(lines))

    def signed_in(
        self, txn: SigninTransaction, identity: ProvedIdentity, link: IdentityLink, lines: Lines
    ) -> SigninTransaction:
        """Nothing that another person, or another means, proved in this transaction outlives the identity."""
        signed = self._renamed(txn, account_id=link.account_id, evidence=(identity.evidence(),))
        signed = replace(signed, extra=self._seal.upstream(identity, link))
        said = lines.said("signin.identity", Outcome.SUCCESS, link.account_id, details={"means": identity.kind.value})
        return self._renewal.replaced(txn, signed, lines.at, said)

    def _fit(self, txn: SigninTransaction, identity: ProvedIdentity, context: RequestContext) -> Lines:
        now = self._clock.now()
        if over(txn):
            raise TransactionMoved("the journey is over")
        if now >= min(identity.expires_at, identity.proved_at + self._policy.session_absolute_seconds):
            raise IdentityStale("proved too long ago")
        return Lines(now, context, txn.demand.client_id, identity.kind.value)

    def _refuse_unless_good(self, link: IdentityLink, identity: ProvedIdentity, lines: Lines) -> None:
        reason = "frozen" if link.is_frozen(lines.at) else "contradiction" if contradicts(identity, link) else None
        if reason is None:
            return
        details = {"identity_link": link.id}
        self._spool.note(
            lines.said("signin.identity", Outcome.REFUSED, link.account_id, reason=reason, details=details)
        )
        raise IdentityRefused(reason)

    def _relative(self, identity: ProvedIdentity) -> IdentityLink | None:
        """A live link of the same person: by the national identifier alone, typed and exact."""
        if identity.national_id is None:
            return None
        return self._identities.find_by_national_id(identity.national_id)

    def _joined(self, relative: IdentityLink, identity: ProvedIdentity, lines: Lines) -> IdentityLink | None:
        """The link by which it joins its relative's account; None when the person once switched this means off there."""
        self._refuse_unless_good(relative, identity, lines)
        switched_off = any(
            link.ended_at is not None and link.kind is identity.kind and link.national_id == identity.national_id
            for link in self._identities.of(relative.account_id)
        )
        if switched_off:
            return None
        link = link_of(identity, relative.account_id, LinkProof.NATIONAL_ID, lines.at, self._randomness)
        details = {"means": link.kind.value, "proof": link.proof.value, "identity_link": link.id}
        notice = because(outgoing=(Outgoing("notice", {"account": link.account_id, "what": "identity_joined"}),))
        said = lines.said("identity.linked", Outcome.SUCCESS, link.account_id, details=details)
        try:
            self._identities.add(link, said + notice)
        except LinkRefusedError as refusal:
            self._spool.note(lines.said("signin.identity", Outcome.REFUSED, link.account_id, reason=refusal.reason))
            raise IdentityRefused(refusal.reason) from None
        return link

    def _held(self, txn: SigninTransaction, identity: ProvedIdentity, lines: Lines) -> SigninTransaction:
        """The identity waits. Credentials proved while the very same one was waiting still count, as long as they are fresh."""
        before = self._seal.opened(txn)
        again = before is not None and before.key == identity.key and not pending_activation(txn)
        waiting = self._renamed(
            txn,
            account_id=txn.account_id if again else None,
            evidence=tuple(item for item in txn.evidence if item.means not in LINKED) if again else (),
        )
        was_chosen = again and (found := pending(txn)) is not None and found.chosen
        extra = self._seal.held(identity, waiting.handle, chosen=was_chosen)
        return self._renewal.replaced(txn, replace(waiting, extra=extra), lines.at, _waits(lines))

    def _renamed(self, txn: SigninTransaction, **changes: object) -> SigninTransaction:
        """Under a new handle, without anything that was under way."""
        return replace(
            txn,
            handle=self._renewal.handle(),
            code_challenge_id=None,
            code_channel=None,
            device_challenge=None,
            device_skipped=False,
            chosen_structure=None,
            extra={},
            **changes,  # type: ignore[arg-type]
        )


def _waits(lines: Lines) -> Effects:
    return lines.said("signin.identity", Outcome.REFUSED, None, reason="pending")
