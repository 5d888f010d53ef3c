"""The session that a journey ends in: what it holds, how long it may live, what the journal says of it (SES-02, SES-10)."""

from gateway.accounts.account import Account
from gateway.journal.effects import Effects, Outgoing, because
from gateway.journal.events import Outcome
from gateway.randomness import Randomness, handle, identifier, partition_of
from gateway.signin.assurance import AssuranceScale
from gateway.signin.consent import with_agreement
from gateway.signin.evidence import LINKED
from gateway.signin.journal_lines import Lines
from gateway.signin.linking.pending import UPSTREAM
from gateway.signin.policy import SigninPolicy
from gateway.signin.request_context import RequestContext
from gateway.signin.session import Session
from gateway.signin.standing import Standing
from gateway.signin.transaction import SigninTransaction


class NewSessions:
    def __init__(
        self, *, standing: Standing, scale: AssuranceScale, policy: SigninPolicy, randomness: Randomness
    ) -> None:
        self._standing = standing
        self._scale = scale
        self._policy = policy
        self._randomness = randomness

    def made(
        self,
        txn: SigninTransaction,
        account: Account,
        previous: Session | None,
        now: float,
        context: RequestContext,
    ) -> Session:
        """`previous`: the session that this one replaces; of the same person, it hands over what it has, but for its age."""
        counted = self._standing.counted(txn, account)
        assurance = self._scale.level_of(counted)
        same_person = previous if previous is not None and previous.account_id == account.id else None
        structure = self._standing.settled(txn, self._standing.held(txn, account, counted))
        linked = any(item.means in LINKED for item in counted)
        upstream = txn.extra.get(UPSTREAM) if linked else None
        agreed = same_person.agreed if same_person else ()
        # A step-up proves one thing more; it does not give the person's password four more hours.
        absolute_end = assurance.auth_time + self._policy.session_absolute_seconds
        idle_seconds = self._policy.session_idle_seconds
        return Session(
            handle=handle(self._randomness, partition_of(account.id)),
            sid=same_person.sid if same_person else identifier(self._randomness),
            account_id=account.id,
            started_at=now,
            auth_time=assurance.auth_time,
            last_used_at=now,
            # Nor does a session outlive the means it rests on.
            absolute_end=absolute_end if upstream is None else min(absolute_end, upstream["expires_at"]),
            idle_seconds=idle_seconds if txn.shared is None else self._policy.idle_on_shared_post(idle_seconds),
            evidence=counted,
            clients=same_person.clients if same_person else (),
            active_structure=structure,
            upstream=upstream,
            agreed=with_agreement(agreed, txn.demand) if txn.agreed_by == account.id else agreed,
            received=same_person.received if same_person else (),
            device=context.device,
            place=context.place,
            signin_before=same_person.signin_before if same_person else _signin_before(account),
            shared=txn.shared,
        )

    def started(
        self, txn: SigninTransaction, session: Session, previous: Session | None, now: float, context: RequestContext
    ) -> Effects:
        """What the journal says of it, and of the one it replaces."""
        acr, lines = self._scale.level_of(session.evidence).acr, Lines(now, context, txn.demand.client_id)
        effects = lines.of_session("signin.completed", session, acr=acr)
        effects += lines.of_session("session.started", session, acr=acr)
        if previous is None:
            return effects
        reason = "renewed" if previous.account_id == session.account_id else "replaced"
        return effects + lines.of_session("session.ended", previous, reason=reason)

    @staticmethod
    def ousted(session: Session, now: float, context: RequestContext) -> Effects:
        """Too many sessions at once: the newest stays, and its holder is told (SES-10)."""
        notice = Outgoing("notice", {"account": session.account_id, "what": "sessions_limit"})
        ended = Lines(now, context).said("session.ended", Outcome.SUCCESS, session.account_id, reason="too_many")
        return ended + because(outgoing=(notice,))


def _signin_before(account: Account) -> tuple[float, str] | None:
    return None if account.last_signin_at is None else (account.last_signin_at, account.last_signin_acr or "")
