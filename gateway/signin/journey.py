"""The sign-in journey: one state machine over the stored transaction.

`next_step` is the one place that decides what a person does next, from stored state only: what the transaction has proved,
what its demand asks, what the account and the device are now. Request parameters never raise the result (LOA-01). Refuses a
transaction shown by another browser, and an account that is not active, at every step.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any

from gateway.accounts.account import Account
from gateway.accounts.ports import Accounts, IdentityLinks, TrustedDevices
from gateway.clock import Clock
from gateway.journal.effects import NO_EFFECTS, Effects
from gateway.journal.events import Outcome
from gateway.quota import Allowance, Quota
from gateway.randomness import PARTITIONS, Randomness, digest, handle
from gateway.refusal import Refusal
from gateway.signin.assurance import AssuranceScale
from gateway.signin.consent import has_agreed
from gateway.signin.demands import Demands, usable
from gateway.signin.evidence import Evidence, Means
from gateway.signin.factors import CHANNEL_OF_MEANS, EnrolledFactors
from gateway.signin.gone import TooManySignins, TransactionGone, TransactionMoved, saved
from gateway.signin.journal_lines import Lines
from gateway.signin.known_browsers import KnownBrowsers
from gateway.signin.linking.pending import (
    UPSTREAM,
    Pending,
    pending,
    situation_open,
    situations_of,
    with_situation,
)
from gateway.signin.new_session import NewSessions
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import ActiveStructures, Sessions, SigninTransactions, StructureChoice
from gateway.signin.request_context import RequestContext
from gateway.signin.session import Session
from gateway.signin.shared_post.post import SharedBy
from gateway.signin.shared_post.same_person import answered, is_asked, lender, short_name
from gateway.signin.standing import ACCESS_DENIED, Standing
from gateway.signin.throttle import ip_block
from gateway.signin.transaction import Demand, SigninTransaction

__all__ = ["Journey", "SituationNotTold", "Step", "StructureNotHeld", "TransactionGone", "TransactionMoved"]

STARTS = 5
"""How often a session is made again when the one it replaces changes meanwhile, as when an application joins it."""
OPENED_PER_ORIGIN = 2000
"""Sign-ins that one address may have under way: a hospital's morning behind one address, and about six megabytes."""


class Step(StrEnum):
    SAME_PERSON = "same_person"
    """On a shared post: is the session that is open here yours?"""
    LINK = "link"
    """An identity that nobody here has: "I have an account", or "I do not"."""
    IDENTITY = "identity"
    """The identity to link was proved too long ago: Pro Santé Connect, or the card, is asked again."""
    MEANS = "means"
    """A means that proves more than a password is needed, or a password is none here: the choice of the others."""
    PASSWORD = "password"
    DEVICE = "device"
    FACTOR = "factor"
    """The second factor that is asked can be tried no more: the choice of the others."""
    TOTP = "totp"
    CODE = "code"
    RECOVERY_CODE = "recovery_code"
    PASSKEY = "passkey"
    """Only a passkey will do, or little else."""
    CONFIRM_LINK = "confirm_link"
    NEW_PASSWORD = "new_password"
    """Both factors are proved; another password must be chosen before anything is issued (R001-08)."""
    SITUATION = "situation"
    """As what the person acts, of the situations that Pro Santé Connect tells (PSC-R15)."""
    STRUCTURE = "structure"
    CONSENT = "consent"
    """What the application learns, where somebody wants the person to be asked."""
    COMPLETE = "complete"
    REFUSED = "refused"


STEP_OF_FACTOR = {
    Means.TOTP: Step.TOTP,
    Means.EMAIL_CODE: Step.CODE,
    Means.SMS_CODE: Step.CODE,
    Means.RECOVERY_CODE: Step.RECOVERY_CODE,
}


FACTOR_STEPS = frozenset({Step.FACTOR, Step.PASSKEY, *STEP_OF_FACTOR.values()})
"""Where a second factor is asked."""


class SituationNotTold(Refusal):
    """Somebody chose a situation that was not told."""

    code = "situation_not_told"
    text = "signin.situation_not_told"


class StructureNotHeld(Refusal):
    """Somebody chose a structure that was not proposed."""

    code = "structure_not_held"
    text = "signin.structure_not_held"


class Journey:
    def __init__(
        self,
        *,
        transactions: SigninTransactions,
        sessions: Sessions,
        accounts: Accounts,
        identities: IdentityLinks,
        devices: TrustedDevices,
        factors: EnrolledFactors,
        structures: ActiveStructures,
        browsers: KnownBrowsers,
        scale: AssuranceScale,
        policy: SigninPolicy,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._transactions = transactions
        self._sessions = sessions
        self._accounts = accounts
        self._browsers = browsers
        self._scale = scale
        self._demands = Demands(scale, policy, factors)
        self._standing = Standing(
            accounts=accounts,
            identities=identities,
            devices=devices,
            structures=structures,
            scale=scale,
            demands=self._demands,
            clock=clock,
        )
        self._new = NewSessions(standing=self._standing, scale=scale, policy=policy, randomness=randomness)
        self._policy = policy
        self._clock = clock
        self._randomness = randomness
        self._opened = Quota(limit=OPENED_PER_ORIGIN, seconds=policy.transaction_ttl_seconds)

    def open(
        self,
        demand: Demand,
        continuation: Mapping[str, Any],
        *,
        browser_cookie: str,
        session: Session | None,
        context: RequestContext,
    ) -> SigninTransaction:
        """A new transaction. A live session of the browser lends its account and the proofs that still count (step-up); what
        a shared session opens is shared too. Raises TooManySignins."""
        shared = context.shared or (session.shared if session is not None else None)
        return self._open(demand, continuation, browser_cookie, session, shared, context)

    def begin_again(
        self, txn: SigninTransaction, *, browser_cookie: str, session: Session | None, context: RequestContext
    ) -> SigninTransaction:
        """For another person: a new transaction for the same demand, from nothing or from their own live session. The one
        before is closed, once. Raises TransactionMoved, TooManySignins."""
        if not self._transactions.close(txn, self._clock.now(), NO_EFFECTS):
            raise TransactionMoved("the transaction moved or is gone")
        demand, shared = replace(txn.demand, login_hint=None), txn.shared or context.shared
        return self._open(demand, txn.continuation, browser_cookie, session, shared, context)

    def _open(
        self,
        demand: Demand,
        continuation: Mapping[str, Any],
        browser_cookie: str,
        session: Session | None,
        shared: SharedBy | None,
        context: RequestContext,
    ) -> SigninTransaction:
        now = self._clock.now()
        if shared is not None:
            demand = demand.on_shared_post()
        if self._opened.take(ip_block(context.ip), now) is not Allowance.YES:
            raise TooManySignins(f"more than {OPENED_PER_ORIGIN} from {context.ip}")
        account_id, evidence, extra = self._standing.lent(session, demand)
        txn = SigninTransaction(
            handle=handle(self._randomness, self._randomness(1)[0] % PARTITIONS),
            browser=digest(browser_cookie),
            demand=demand,
            continuation=continuation,
            opened_at=now,
            expires_at=now + self._policy.transaction_ttl_seconds,
            account_id=account_id,
            evidence=evidence,
            extra=extra,
            # Also when no proof of the session counts any more: whoever it was has agreed, and need not be asked twice.
            agreed_by=session.account_id if session is not None and has_agreed(session, demand) else None,
            shared=shared,
        )
        self._transactions.open(txn, NO_EFFECTS)
        return txn

    def find(self, handle: str, *, browser_cookie: str | None) -> SigninTransaction:
        """The transaction, in the browser that opened it. Raises TransactionGone."""
        txn = self._transactions.find(handle, self._clock.now())
        if txn is None or not browser_cookie or not hmac.compare_digest(txn.browser, digest(browser_cookie)):
            raise TransactionGone("unknown, expired, or not this browser's")
        return txn

    def on_post(self, txn: SigninTransaction, context: RequestContext) -> SigninTransaction:
        """The transaction, stricter for good when this request comes from a shared post. Raises TransactionMoved."""
        if context.shared is None or txn.shared is not None or txn.session_digest is not None:
            return txn
        demand = txn.demand.on_shared_post()
        stricter = replace(txn, shared=context.shared, demand=demand, device_challenge=None)
        return saved(self._transactions, stricter, self._clock.now(), NO_EFFECTS)

    def next_step(self, txn: SigninTransaction, *, device_id: str | None) -> Step:
        demands = self._demands.of_one_decision()
        standing = self._standing.judging_by(demands)
        if txn.refusal is not None:
            return Step.REFUSED
        if txn.session_digest is not None:
            return Step.COMPLETE
        if is_asked(txn):
            return Step.SAME_PERSON
        waiting = pending(txn)
        if waiting is not None:
            return self._linking_step(txn, waiting, demands, standing)
        if txn.account_id is None:
            return self._first_step(txn.demand)
        account = self._accounts.get(txn.account_id)
        if account is None or standing.refusal(txn, account) is not None:
            return Step.REFUSED
        counted = standing.counted(txn, account)
        if not counted:
            return self._first_step(txn.demand)
        if not demands.met(counted, account, txn.demand):
            if not demands.code_could_do(account, txn.demand):
                return Step.MEANS
            if standing.device_would_do(txn, account, counted, device_id):
                return Step.DEVICE
            possible = demands.second_factors(account, txn.demand)
            by_passkey = demands.passkey_could_do(account, txn.demand)
            return self._factor_step(txn, possible, by_passkey=by_passkey)
        return self._last_steps(txn, account, counted)

    def _last_steps(self, txn: SigninTransaction, account: Account, counted: Sequence[Evidence]) -> Step:
        """What is asked once the person is proved."""
        if self._demands.must_renew(counted, account, self._clock.now()):
            return Step.NEW_PASSWORD
        if situation_open(txn):
            return Step.SITUATION
        if not self._standing.structure_settled(txn, account, counted):
            return Step.STRUCTURE
        return Step.COMPLETE if not txn.demand.consent or txn.agreed_by == account.id else Step.CONSENT

    def _first_step(self, demand: Demand) -> Step:
        """Every means on one page; without the password's form when no password can give what is demanded."""
        if Means.PASSWORD not in self._policy.means:
            return Step.MEANS
        by_password = self._demands.code_could_do(None, demand) or not self._demands.strong_could_do(demand)
        return Step.PASSWORD if by_password else Step.MEANS

    def username(self, txn: SigninTransaction) -> str:
        """Under which a password manager keeps what is chosen now; "" before anybody is known."""
        account = self._standing.account(txn)
        return account.username if account is not None else ""

    def person(self, txn: SigninTransaction) -> str:
        """Whose sign-in this is, as a shared post may say it; "" before anybody is known."""
        account = self._standing.account(txn)
        return short_name(account) if account is not None else ""

    @staticmethod
    def is_under_way(txn: SigninTransaction) -> bool:
        """Whether it can still take a proof."""
        return txn.refusal is None and txn.session_digest is None

    @property
    def links_by_credentials(self) -> bool:
        """Whether people can link an identity to their account: that asks their password or a passkey."""
        return not self._policy.means.isdisjoint({Means.PASSWORD, Means.PASSKEY})

    @property
    def by_password(self) -> bool:
        """Whether accounts may have a password here."""
        return Means.PASSWORD in self._policy.means

    @property
    def by_passkey(self) -> bool:
        return Means.PASSKEY in self._policy.means

    def passkey_could_do(self, txn: SigninTransaction) -> bool:
        """Whether a passkey can take this journey further: not when what is demanded is above it, nor when the person is known
        and has none, nor before somebody with an identity to link has said that they have an account."""
        waiting = pending(txn)
        account = self._standing.account(txn)
        if not self.by_passkey or not self.is_under_way(txn):
            return False
        if waiting is not None:
            return waiting.chosen and not waiting.activation
        return self._demands.passkey_could_do(account, txn.demand)

    def _linking_step(self, txn: SigninTransaction, waiting: Pending, demands: Demands, standing: Standing) -> Step:
        """An identity waits for an account: both are proved afresh, whatever this browser or this device proved before, and
        before the account is, nothing depends on whether there is one (LNK-01, LNK-13)."""
        now = self._clock.now()
        if not waiting.chosen or not (waiting.activation or self.links_by_credentials):
            return Step.LINK
        if not demands.identity_fresh(waiting.proved_at, now):
            return Step.IDENTITY
        if waiting.activation:
            return Step.CONFIRM_LINK
        first = Step.PASSWORD if self.by_password else Step.PASSKEY
        if txn.account_id is None:
            return first
        account = self._accounts.get(txn.account_id)
        if account is None or standing.refusal(txn, account) is not None:
            return Step.REFUSED
        if demands.link_provable(waiting.proved_at, txn.evidence, account, now):
            return Step.CONFIRM_LINK
        if not any(item.means is Means.PASSWORD for item in demands.credentials_for_link(txn.evidence, account, now)):
            return first
        by_passkey = demands.has_passkey(account)
        return self._factor_step(txn, demands.link_factors(account), by_passkey=by_passkey)

    def _factor_step(self, txn: SigninTransaction, possible: Sequence[Means], *, by_passkey: bool) -> Step:
        """The best second factor, or the one that the person chose; a code of recovery only when it was chosen. A passkey where
        no other would do."""
        usual = possible[0] if possible and possible[0] is not Means.RECOVERY_CODE else None
        asked = next((factor for factor in possible if factor == txn.factor), usual)
        if asked is None and by_passkey:
            return Step.PASSKEY
        return Step.FACTOR if asked is None or self._tried_out(txn, asked) else STEP_OF_FACTOR[asked]

    def _tried_out(self, txn: SigninTransaction, factor: Means) -> bool:
        """Codes that are sent count their own tries."""
        return factor not in CHANNEL_OF_MEANS and txn.tries.get(factor, 0) >= self._policy.code_attempts

    def second_factors(self, txn: SigninTransaction) -> Sequence[Means]:
        """Those that the person may choose between now, the best first; empty unless one is what is asked (OTP-14)."""
        account = self._standing.account(txn)
        step = self.next_step(txn, device_id=None)
        if account is None or step not in FACTOR_STEPS:
            return ()
        linking = pending(txn) is not None
        possible = self._demands.link_factors(account) if linking else self._demands.second_factors(account, txn.demand)
        return tuple(factor for factor in possible if not self._tried_out(txn, factor))

    def disabled_factors(self, txn: SigninTransaction) -> frozenset[Means]:
        """Those that twenty wrong codes in a row have disabled; none before the first factor is proved."""
        account = self._standing.account(txn)
        if account is None or not self._standing.counted(txn, account):
            return frozenset()
        return self._demands.disabled(account)

    def choose_factor(self, txn: SigninTransaction, factor: str) -> SigninTransaction:
        """Raises TransactionMoved when it is not among them."""
        if factor not in self.second_factors(txn):
            raise TransactionMoved("not a second factor to choose now")
        channel = CHANNEL_OF_MEANS.get(Means(factor))
        chosen = replace(txn, factor=factor, code_channel=channel.value if channel is not None else txn.code_channel)
        return saved(self._transactions, chosen, self._clock.now(), NO_EFFECTS)

    def structures(self, txn: SigninTransaction) -> Sequence[StructureChoice]:
        """Where the person may act in the application; empty before the proofs are complete."""
        account = self._standing.account(txn)
        if account is None or not usable(account):
            return ()
        counted = self._standing.counted(txn, account)
        return self._standing.held(txn, account, counted) if self._demands.met(counted, account, txn.demand) else ()

    def confirm_person(self, txn: SigninTransaction, *, previous_session: str | None) -> SigninTransaction:
        """The person says that the session which lent its proofs is theirs, and this is using it (SES-03). Raises
        TransactionGone when that session is not this browser's, or no more."""
        if self.next_step(txn, device_id=None) is not Step.SAME_PERSON:
            raise TransactionMoved("this is not asked")
        now = self._clock.now()
        if not self.is_lent_by(txn, previous_session) or self._sessions.use(previous_session or "", now) is None:
            raise TransactionGone("the session that lent its proofs has ended")
        return saved(self._transactions, replace(txn, extra=answered(txn)), now, NO_EFFECTS)

    @staticmethod
    def is_lent_by(txn: SigninTransaction, session: str | None) -> bool:
        """Whether the proofs come from the session of this handle."""
        return session is not None and hmac.compare_digest(lender(txn) or "", digest(session))

    def choose_situation(self, txn: SigninTransaction, place: int) -> SigninTransaction:
        """Of those told, by their order. Raises SituationNotTold."""
        if not 0 <= place < len(situations_of(txn.extra.get(UPSTREAM))):
            raise SituationNotTold("not among those told")
        return saved(self._transactions, replace(txn, extra=with_situation(txn, place)), self._clock.now(), NO_EFFECTS)

    def choose_structure(self, txn: SigninTransaction, structure_id: str) -> SigninTransaction:
        """Raises StructureNotHeld."""
        if structure_id not in {choice.id for choice in self.structures(txn)}:
            raise StructureNotHeld("not among the structures proposed")
        return saved(self._transactions, replace(txn, chosen_structure=structure_id), self._clock.now(), NO_EFFECTS)

    def agree(self, txn: SigninTransaction, context: RequestContext) -> SigninTransaction:
        """The person lets the application learn what was shown. Raises TransactionMoved."""
        if self.next_step(txn, device_id=None) is not Step.CONSENT:
            raise TransactionMoved("this is not asked")
        now = self._clock.now()
        details = {"scope": " ".join(txn.demand.consent)}
        lines = Lines(now, context, txn.demand.client_id)
        effects = lines.said("consent.given", Outcome.SUCCESS, txn.account_id, details=details)
        return saved(self._transactions, replace(txn, agreed_by=txn.account_id), now, effects)

    def complete(self, txn: SigninTransaction, *, previous_session: str | None, context: RequestContext) -> Session:
        """The session this journey ends in, under a new handle (SES-02); the previous one dies in the same step. Asked again
        by the same browser, gives the same session. Raises TransactionMoved when the next step is another."""
        now = self._clock.now()
        txn = self.on_post(txn, context)
        previous = self._sessions.find(previous_session, now) if previous_session else None
        if txn.session_digest is not None:
            if previous is None or not hmac.compare_digest(digest(previous.handle), txn.session_digest):
                raise TransactionGone("already complete")
            return previous
        if self.next_step(txn, device_id=None) is not Step.COMPLETE:
            raise TransactionMoved("not the last step")
        account = self._accounts.get(txn.account_id or "")
        if account is None:
            raise TransactionMoved("the account is gone")
        if lender(txn) is not None and not (previous and self.is_lent_by(txn, previous.handle)):
            # The proofs were lent by a session that has ended: nothing rises from a dead session.
            raise TransactionGone("the session that lent its proofs has ended")
        session = self._new.made(txn, account, previous, now, context)
        txn = replace(txn, session_digest=digest(session.handle), chosen_structure=session.active_structure)
        saved(self._transactions, txn, now, NO_EFFECTS)
        session = self._started(txn, session, account, previous, now, context)
        if self._standing.counted(txn, account) != session.evidence:
            # A link frozen, a passkey revoked, while the session was being made: whoever did it did not see it to end it.
            reason = "not_me" if session.upstream is not None else "authenticator_revoked"
            ended = Lines(now, context, txn.demand.client_id).of_session("session.ended", session, reason=reason)
            self._sessions.end(session.handle, now, ended)
            raise TransactionGone("the link, or the passkey, stands no more")
        self._accounts.note_signin(account.id, now, self._scale.level_of(session.evidence).acr)
        return session

    def _started(
        self,
        txn: SigninTransaction,
        session: Session,
        account: Account,
        previous: Session | None,
        now: float,
        context: RequestContext,
    ) -> Session:
        """The session as it was started. When the one it replaces moved since it was read, what joined it is taken over too;
        when it ended, nothing of it is: neither may be lost, for applications are told by what a session holds (SES-07)."""
        for _ in range(STARTS):
            effects = self._new.started(txn, session, previous, now, context)
            if previous is None or previous.account_id != account.id:
                effects += self._browsers.notice(account, session, context.unverified_marks, now)
            if self._sessions.start(
                session,
                now,
                effects,
                replacing=previous,
                at_most=self._policy.sessions_at_once,
                if_ousted=self._new.ousted(session, now, context),
            ):
                return session
            previous = self._sessions.find(previous.handle, now) if previous is not None else None
            if previous is None and lender(txn) is not None:
                raise TransactionGone("the session that lent its proofs has ended")
            session = replace(self._new.made(txn, account, previous, now, context), handle=session.handle)
        raise TransactionMoved("the session to replace does not stand still")

    def marks(self, session: Session, context: RequestContext) -> str:
        """What this browser keeps, now that the session was opened in it."""
        account = self._accounts.get(session.account_id)
        shown = context.unverified_marks
        return shown if account is None else self._browsers.remembering(shown, account)

    def refuse(self, txn: SigninTransaction, error: str, context: RequestContext) -> SigninTransaction:
        """The person gave up: the application is told `error`. A journey that is over cannot be refused."""
        if txn.session_digest is not None:
            raise TransactionMoved("already complete")
        now = self._clock.now()
        return saved(self._transactions, replace(txn, refusal=error), now, self._refused(txn, error, now, context))

    def take(
        self, handle: str, *, browser_cookie: str | None, session: Session | None, context: RequestContext
    ) -> SigninTransaction:
        """Ends the transaction, once, for the room that opened it: complete (in the very session it ended in) or refused
        (`refusal` is set). Raises TransactionGone otherwise."""
        now = self._clock.now()
        txn = self.find(handle, browser_cookie=browser_cookie)
        effects = NO_EFFECTS
        if txn.refusal is None:
            account = self._standing.account(txn)
            ended = txn.session_digest is not None
            refusal = (None if usable(account) else ACCESS_DENIED) if ended else self._standing.refusal(txn, account)
            if refusal is not None:
                txn = replace(txn, refusal=refusal)
                effects = self._refused(txn, refusal, now, context)
            elif (
                txn.session_digest is None
                or session is None
                or not hmac.compare_digest(digest(session.handle), txn.session_digest)
            ):
                raise TransactionGone("not complete, or not in this session")
        if not self._transactions.close(txn, now, effects):
            raise TransactionGone("taken meanwhile")
        return txn

    def _refused(self, txn: SigninTransaction, error: str, now: float, context: RequestContext) -> Effects:
        lines = Lines(now, context, txn.demand.client_id)
        return lines.said("signin.refused", Outcome.REFUSED, txn.account_id, reason=error)
