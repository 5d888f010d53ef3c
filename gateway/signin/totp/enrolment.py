"""Enrolling, naming and removing authenticator applications (FID-03, FID-10).

Whoever calls has just proved themselves afresh, but to confirm: the first code proves that the secret was seen by somebody who
had. An application signs nobody in before its first code. Removing one ends the other sessions of its holder (SES-08). Refuses
to remove the last factor that is better than a code sent to a contact: an administrator does it.
"""

from dataclasses import replace

from gateway.accounts.account import Account
from gateway.accounts.authenticator import TotpAuthenticator
from gateway.accounts.ports import TotpAuthenticators
from gateway.clock import Clock
from gateway.journal.effects import Effects, Outgoing, because
from gateway.journal.events import Outcome
from gateway.randomness import Randomness, identifier
from gateway.refusal import Refusal
from gateway.signin.journal_lines import Lines
from gateway.signin.label import bounded
from gateway.signin.one_time_code.code import typed_code
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import Sessions
from gateway.signin.remaining_proofs import RemainingProofs
from gateway.signin.request_context import RequestContext
from gateway.signin.totp.application import new_secret, time_step_of


class EnrolmentGone(Refusal):
    """It was confirmed, given up or replaced, or waited too long: begin again."""

    code = "enrolment_gone"
    text = "authenticators.gone"


class WrongFirstCode(Refusal):
    code = "wrong_first_code"
    text = "authenticators.wrong_code"


class TooManyApplications(Refusal):
    """`facts["limit"]`."""

    code = "too_many_applications"
    text = "authenticators.too_many"


class LastFactor(Refusal):
    code = "last_factor"
    text = "authenticators.last"


class TotpEnrolment:
    def __init__(
        self,
        *,
        totp: TotpAuthenticators,
        sessions: Sessions,
        remaining: RemainingProofs,
        policy: SigninPolicy,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._totp = totp
        self._sessions = sessions
        self._remaining = remaining
        self._policy = policy
        self._clock = clock
        self._randomness = randomness

    def of(self, account: Account) -> list[TotpAuthenticator]:
        """Those that sign their holder in."""
        return [one for one in self._totp.of(account.id) if one.confirmed_at is not None]

    def is_disabled(self, authenticator: TotpAuthenticator) -> bool:
        return authenticator.failures >= self._policy.factor_disabled_after

    def begin(self, account: Account, label: str, context: RequestContext) -> TotpAuthenticator:
        """One that waits for its first code. Raises TooManyApplications."""
        if len(self.of(account)) >= self._policy.totp_applications:
            raise TooManyApplications(limit=self._policy.totp_applications)
        now = self._clock.now()
        authenticator = TotpAuthenticator(
            id=identifier(self._randomness),
            account_id=account.id,
            label=bounded(label),
            secret=new_secret(self._randomness),
            created_at=now,
        )
        self._totp.enrol(authenticator, self._said("authenticator.enrolling", authenticator, context))
        return authenticator

    def waiting(self, account: Account, authenticator_id: str) -> TotpAuthenticator:
        """The one under way. Raises EnrolmentGone."""
        found = self._totp.get(authenticator_id)
        if (
            found is None
            or found.account_id != account.id
            or found.confirmed_at is not None
            or found.revoked_at is not None
            or self._clock.now() - found.created_at >= self._policy.transaction_ttl_seconds
        ):
            raise EnrolmentGone("nothing waits under this name")
        return found

    def confirm(self, account: Account, authenticator_id: str, code: str, context: RequestContext) -> TotpAuthenticator:
        """Raises EnrolmentGone, WrongFirstCode."""
        waiting, now = self.waiting(account, authenticator_id), self._clock.now()
        step = time_step_of(waiting.secret, typed_code(code), now)
        if step is None:
            raise WrongFirstCode("not the code of this moment")
        said = self._said("authenticator.added", waiting, context, notice="totp_added")
        confirmed = self._totp.confirm(
            waiting.id,
            time_step=step,
            at=now,
            at_most=self._policy.totp_applications,
            effects=said,
        )
        if not confirmed:
            raise EnrolmentGone("confirmed or replaced meanwhile")
        return replace(waiting, confirmed_at=now, last_time_step=step)

    def mine(self, account: Account, authenticator_id: str) -> TotpAuthenticator:
        """One of those that sign their holder in. Raises EnrolmentGone."""
        for one in self.of(account):
            if one.id == authenticator_id:
                return one
        raise EnrolmentGone("not one of this account")

    def rename(self, account: Account, authenticator_id: str, label: str, context: RequestContext) -> None:
        """Raises EnrolmentGone."""
        one = self.mine(account, authenticator_id)
        if not self._totp.rename(one.id, bounded(label), self._said("authenticator.renamed", one, context)):
            raise EnrolmentGone("removed meanwhile")

    def remove(self, account: Account, authenticator_id: str, context: RequestContext, *, sparing: str) -> None:
        """`sparing`: the handle of the session that stays. Raises LastFactor, EnrolmentGone."""
        one = self.mine(account, authenticator_id)
        said = self._said("authenticator.removed", one, context, notice="totp_removed")

        def the_last(_: object) -> bool:
            return not self._remaining.without(account, one.id)

        now = self._clock.now()
        if not self._totp.revoke(one.id, now, said, unless=the_last):
            self.mine(account, authenticator_id)
            raise LastFactor("the last one")
        lines = Lines(now, context, method="totp")
        ended = lines.said("session.ended", Outcome.SUCCESS, account.id, reason="authenticator_revoked")
        self._sessions.end_sessions_of(account.id, now, ended, sparing=sparing)

    def _said(
        self, name: str, authenticator: TotpAuthenticator, context: RequestContext, *, notice: str | None = None
    ) -> Effects:
        details = {"authenticator": authenticator.id, "means": "totp"}
        lines = Lines(self._clock.now(), context, method="totp")
        said = lines.said(name, Outcome.SUCCESS, authenticator.account_id, details=details)
        if notice is None:
            return said
        return said + because(outgoing=(Outgoing("notice", {"account": authenticator.account_id, "what": notice}),))
