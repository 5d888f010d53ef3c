"""Signing in with an identity proved elsewhere, and linking it to its holder's account, once (LNK; DECISIONS 5 and 6).

Only the exact identity, or the national identifier of a live link, finds an account; a name or an address never does, and no
account is ever made here (LNK-04). Before the credentials are proved nothing tells whether an account exists (LNK-13). Refuses
alike, with one text, whatever must be looked at by somebody else: another RPPS, another name, an identity of another account.
"""

from dataclasses import dataclass, replace

from gateway.accounts.account import Account, AccountStatus
from gateway.accounts.identity_link import IdentityLink, LinkProof
from gateway.accounts.one_time_link import LinkPurpose, OneTimeLink, new_link, sending, token_digest
from gateway.accounts.ports import Accounts, IdentityLinks, LinkRefusedError, OneTimeLinks, SessionsEnder
from gateway.clock import Clock
from gateway.journal.effects import NO_EFFECTS, Effects, Outgoing, because
from gateway.journal.events import Outcome
from gateway.keys.purposes import Purpose, PurposeKey
from gateway.randomness import PARTITIONS, Randomness, handle, identifier
from gateway.signin.demands import Demands, usable
from gateway.signin.enrolment.access_link import LinkGone
from gateway.signin.evidence import STRONG
from gateway.signin.gone import TransactionMoved, saved
from gateway.signin.journal_lines import Lines
from gateway.signin.linking.identity import ProvedIdentity, contradicts
from gateway.signin.linking.live_link import live_link
from gateway.signin.linking.name_comparison import compare_names
from gateway.signin.linking.pending import IdentitySeal, activation_digest, chosen, pending
from gateway.signin.linking.refusals import IdentityRefused, IdentityStale, LinkRefused
from gateway.signin.one_time_code.masking import masked_email
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import SigninTransactions, Spool
from gateway.signin.request_context import RequestContext
from gateway.signin.transaction import SigninTransaction

__all__ = ["IdentityRefused", "IdentityStale", "LinkPreview", "LinkRefused", "Linking", "pending_activation"]


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
        self._accounts = accounts
        self._identities = identities
        self._links = links
        self._sessions = sessions
        self._spool = spool
        self._demands = demands
        self._seal = seal
        self._link_key = link_key
        self._policy = policy
        self._clock = clock
        self._randomness = randomness

    # An identity comes in

    def begin(self, txn: SigninTransaction, identity: ProvedIdentity, context: RequestContext) -> SigninTransaction:
        """The transaction, under a new handle (LNK-02), signed in by this identity, or with it waiting to be linked. Raises
        IdentityStale, IdentityRefused, TransactionMoved."""
        now = self._clock.now()
        self._fit(txn, identity, now)
        lines = self._lines(txn, identity, now, context)
        link = self._identities.find(*identity.key)
        if link is not None:
            self._refuse_unless_good(link, identity, lines)
            self._identities.note_use(link.id, now)
            return self._signed_in(txn, identity, link.account_id, lines)
        relative = self._relative(identity)
        if relative is not None and self._joined(relative, identity, lines):
            return self._signed_in(txn, identity, relative.account_id, lines)
        return self._held(txn, identity, lines)

    def begin_activation(
        self, txn: SigninTransaction, token: str, identity: ProvedIdentity, context: RequestContext
    ) -> SigninTransaction:
        """The identity waits, with the activation link that landed in this browser in the place of credentials (DECISIONS 7).
        The link is consumed by `confirm` alone. Raises LinkGone, IdentityStale, TransactionMoved."""
        now = self._clock.now()
        self._fit(txn, identity, now)
        link, _ = self._activation(token_digest(token), now)
        lines = self._lines(txn, identity, now, context)
        waiting = self._renamed(txn, account_id=None, evidence=())
        extra = self._seal.held(identity, waiting.handle, chosen=True, activation=link.token_digest)
        return self._moved(txn, replace(waiting, extra=extra), now, self._noted(lines, None, "pending"))

    def choose_existing(self, txn: SigninTransaction) -> SigninTransaction:
        """ "I have an account": the credentials are asked next."""
        if pending(txn) is None or _over(txn):
            raise TransactionMoved("no identity waits here")
        return saved(self._transactions, replace(txn, extra=chosen(txn)), self._clock.now(), NO_EFFECTS)

    def give_up(self, txn: SigninTransaction) -> SigninTransaction:
        """The person goes on without linking; what they proved otherwise stays proved."""
        if pending(txn) is None or _over(txn):
            raise TransactionMoved("no identity waits here")
        return saved(self._transactions, replace(txn, extra={}), self._clock.now(), NO_EFFECTS)

    def holder(self, txn: SigninTransaction) -> ProvedIdentity:
        """The identity that waits, for the page that shows it, read-only. Raises TransactionMoved."""
        identity = self._seal.opened(txn)
        if identity is None:
            raise TransactionMoved("no identity waits here")
        return identity

    # The confirmation

    def preview(self, txn: SigninTransaction) -> LinkPreview:
        """What `confirm` would link to what. Raises TransactionMoved before the credentials are proved."""
        identity, account = self._provable(txn, self._clock.now())
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
        """Links, and the transaction is signed in by the identity. Every session of the account ends, before and after, and
        whatever was under way for it dies in the same transaction as the link (LNK-09). Raises LinkRefused (the identity no
        longer waits), LinkGone (the activation link), TransactionMoved."""
        now = self._clock.now()
        identity, account = self._provable(txn, now)
        lines = self._lines(txn, identity, now, context)
        activation = self._activation(activation_digest(txn), now)[0] if pending_activation(txn) else None
        likeness = compare_names(
            asserted_family=identity.family_name,
            asserted_given=identity.given_name,
            family=account.family_name,
            given=account.given_name,
        )
        details = {"means": identity.kind.value, "score": likeness.score, "names": self._names(identity, account)}
        reason = self._objection(identity, account, likeness.alike)
        if reason is not None:
            raise self._refused(txn, account, reason, details, lines)
        proof = LinkProof.CREDENTIALS if activation is None else LinkProof.ACTIVATION
        link = self._link(identity, account.id, proof, now)
        not_me = new_link(
            self._link_key,
            LinkPurpose.NOT_ME,
            account_id=account.id,
            contact_version=account.contact_version + 1,
            now=now,
            ttl_seconds=self._policy.not_me_seconds,
            randomness=self._randomness,
            link_id=link.id,
        )
        details |= {"proof": proof.value, "identity_link": link.id}
        effects = lines.said("identity.linked", Outcome.SUCCESS, account.id, details=details)
        if activation is not None:
            effects += lines.said(
                "link.used", Outcome.SUCCESS, account.id, details={"purpose": activation.purpose.value}
            )
            effects += lines.said("account.activated", Outcome.SUCCESS, account.id)
        effects += because(outgoing=(sending(not_me),))
        ended = lines.said("session.ended", Outcome.SUCCESS, account.id, reason="identity_linked")
        self._sessions.end_sessions_of(account.id, now, ended)
        try:
            self._identities.commit(link, account, effects, activation=activation, not_me=not_me)
        except LinkRefusedError as refusal:
            raise self._refused(txn, account, refusal.reason, details, lines) from None
        self._sessions.end_sessions_of(account.id, now, ended)
        return self._signed_in(txn, identity, account.id, lines)

    # What these are made of

    def _fit(self, txn: SigninTransaction, identity: ProvedIdentity, now: float) -> None:
        if _over(txn):
            raise TransactionMoved("the journey is over")
        if now >= min(identity.expires_at, identity.proved_at + self._policy.session_absolute_seconds):
            raise IdentityStale("proved too long ago")

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

    def _joined(self, relative: IdentityLink, identity: ProvedIdentity, lines: Lines) -> bool:
        """Whether the identity joins its relative's account. Not when the person once switched this means off there."""
        self._refuse_unless_good(relative, identity, lines)
        switched_off = any(
            link.ended_at is not None and link.kind is identity.kind and link.national_id == identity.national_id
            for link in self._identities.of(relative.account_id)
        )
        if switched_off:
            return False
        link = self._link(identity, relative.account_id, LinkProof.NATIONAL_ID, lines.at)
        details = {"means": link.kind.value, "proof": link.proof.value, "identity_link": link.id}
        notice = because(outgoing=(Outgoing("notice", {"account": link.account_id, "what": "identity_joined"}),))
        said = lines.said("identity.linked", Outcome.SUCCESS, link.account_id, details=details)
        try:
            self._identities.add(link, said + notice)
        except LinkRefusedError as refusal:
            self._spool.note(lines.said("signin.identity", Outcome.REFUSED, link.account_id, reason=refusal.reason))
            raise IdentityRefused(refusal.reason) from None
        return True

    def _signed_in(
        self, txn: SigninTransaction, identity: ProvedIdentity, account_id: str, lines: Lines
    ) -> SigninTransaction:
        """Nothing that another person, or another means, proved in this transaction outlives the identity."""
        signed = self._renamed(txn, account_id=account_id, evidence=(identity.evidence(),))
        signed = replace(signed, extra=self._seal.upstream(identity, account_id))
        said = lines.said("signin.identity", Outcome.SUCCESS, account_id, details={"means": identity.kind.value})
        return self._moved(txn, signed, lines.at, said)

    def _held(self, txn: SigninTransaction, identity: ProvedIdentity, lines: Lines) -> SigninTransaction:
        """The identity waits. Credentials proved while the very same one was waiting still count, as long as they are fresh."""
        before = self._seal.opened(txn)
        again = before is not None and before.key == identity.key and not pending_activation(txn)
        waiting = self._renamed(
            txn,
            account_id=txn.account_id if again else None,
            evidence=tuple(item for item in txn.evidence if item.means not in STRONG) if again else (),
        )
        was_chosen = again and (found := pending(txn)) is not None and found.chosen
        extra = self._seal.held(identity, waiting.handle, chosen=was_chosen)
        return self._moved(txn, replace(waiting, extra=extra), lines.at, self._noted(lines, None, "pending"))

    def _renamed(self, txn: SigninTransaction, **changes: object) -> SigninTransaction:
        return replace(
            txn,
            handle=handle(self._randomness, self._randomness(1)[0] % PARTITIONS),
            code_challenge_id=None,
            code_channel=None,
            device_challenge=None,
            device_skipped=False,
            chosen_structure=None,
            version=1,
            extra={},
            **changes,  # type: ignore[arg-type]
        )

    def _moved(
        self, txn: SigninTransaction, renamed: SigninTransaction, now: float, effects: Effects
    ) -> SigninTransaction:
        """Whoever knew the former handle, an attacker who planted it included, holds nothing any more (LNK-02)."""
        if not self._transactions.close(txn, now, effects):
            raise TransactionMoved("the transaction moved or is gone")
        self._transactions.open(renamed, NO_EFFECTS)
        return renamed

    def _provable(self, txn: SigninTransaction, now: float) -> tuple[ProvedIdentity, Account]:
        """The identity that waits and the account that proved itself, both fresh; the same judgement as `next_step`."""
        identity = self._seal.opened(txn)
        if identity is None or _over(txn):
            raise TransactionMoved("no identity waits here")
        if pending_activation(txn):
            if not self._demands.identity_fresh(identity.proved_at, now):
                raise TransactionMoved("the identity is not fresh")
            return identity, self._activation(activation_digest(txn), now)[1]
        account = self._accounts.get(txn.account_id) if txn.account_id is not None else None
        if account is None or not usable(account):
            raise TransactionMoved("no account is proved")
        if not self._demands.link_provable(identity.proved_at, txn.evidence, account, now):
            raise TransactionMoved("not everything is proved, or not recently")
        return identity, account

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
        self, txn: SigninTransaction, account: Account, reason: str, details: dict[str, str | int], lines: Lines
    ) -> LinkRefused:
        """The refusal, its journal line, and word to the account's holder; the identity no longer waits."""
        warned = because(outgoing=(Outgoing("notice", {"account": account.id, "what": "link_refused"}),))
        said = lines.said("identity.link_refused", Outcome.REFUSED, account.id, reason=reason, details=details)
        saved(self._transactions, replace(txn, extra={}), lines.at, said + warned)
        return LinkRefused(reason)

    def _link(self, identity: ProvedIdentity, account_id: str, proof: LinkProof, now: float) -> IdentityLink:
        return IdentityLink(
            id=identifier(self._randomness),
            account_id=account_id,
            kind=identity.kind,
            issuer=identity.issuer,
            subject=identity.subject,
            national_id=identity.national_id,
            rpps=identity.rpps,
            proof=proof,
            created_at=now,
            last_used_at=now,
        )

    def _names(self, identity: ProvedIdentity, account: Account) -> str:
        """What was compared, so that it can be found again and not read."""
        names = (identity.family_name, identity.given_name, account.family_name, account.given_name)
        return self._link_key.mac(Purpose.LINK, b"names", *(name.encode() for name in names)).hex()

    def _activation(self, found: bytes | None, now: float) -> tuple[OneTimeLink, Account]:
        link = live_link(self._links, found, LinkPurpose.ACTIVATION, now)
        account = self._accounts.get(link.account_id)
        if account is None or account.status is not AccountStatus.INVITED:
            raise LinkGone("nobody is invited by it")
        if account.contact_version != link.contact_version:
            raise LinkGone("the account changed")
        return link, account

    def _lines(self, txn: SigninTransaction, identity: ProvedIdentity, now: float, context: RequestContext) -> Lines:
        return Lines(now, context, txn.demand.client_id, identity.kind.value)

    def _noted(self, lines: Lines, account_id: str | None, reason: str) -> Effects:
        return lines.said("signin.identity", Outcome.REFUSED, account_id, reason=reason)


def pending_activation(txn: SigninTransaction) -> bool:
    found = pending(txn)
    return found is not None and found.activation


def _over(txn: SigninTransaction) -> bool:
    return txn.session_digest is not None or txn.refusal is not None
