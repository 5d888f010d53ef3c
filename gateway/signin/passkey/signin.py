"""Signing in with a passkey: a challenge, an answer to believe or refuse (FID-04…FID-09).

Only discoverable credentials are asked for, so that nothing says who exists (FID-09). The order of an answer: the challenge,
taken once; the credential and its holder; the assertion; the account; the signature counter, judged where it is stored. All
refusals are one outside; inside each leaves its reason in the journal, a flood of them a bounded number of lines.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.accounts.account import Account
from gateway.accounts.authenticator import Passkey
from gateway.accounts.ports import Accounts, Passkeys, PasskeyUse, SessionsEnder
from gateway.clock import Clock
from gateway.journal.effects import NO_EFFECTS, Effects, Outgoing, because
from gateway.journal.events import Outcome
from gateway.journal.quota import LineQuota
from gateway.keys.purposes import PurposeKey
from gateway.randomness import Randomness
from gateway.signin.demands import usable
from gateway.signin.evidence import Evidence, Means
from gateway.signin.gone import TransactionMoved
from gateway.signin.journal_lines import Lines
from gateway.signin.journey import Journey
from gateway.signin.linking.pending import kept_by_password
from gateway.signin.linking.renewal import Renewal
from gateway.signin.passkey.challenge import (
    LIFE_SECONDS,
    PasskeyChallenges,
    challenge_digest,
    new_challenge,
    to_sign_in,
)
from gateway.signin.passkey.refusals import PasskeyRefused
from gateway.signin.passkey.webauthn import RelyingParty, Unverified, VerifiedAssertion, unverified, user_handle
from gateway.signin.policy import SigninPolicy, Window
from gateway.signin.ports import Spool, Throttle
from gateway.signin.request_context import RequestContext
from gateway.signin.shared_post.same_person import is_asked
from gateway.signin.throttle import ThrottleKeys, ip_block, within
from gateway.signin.transaction import SigninTransaction

_CHALLENGES = (Window(30, LIFE_SECONDS),)
"""For one login transaction: pages that are loaded again and again, within reason."""


class PasskeySignin:
    def __init__(
        self,
        *,
        journey: Journey,
        renewal: Renewal,
        challenges: PasskeyChallenges,
        accounts: Accounts,
        passkeys: Passkeys,
        sessions: SessionsEnder,
        throttle: Throttle,
        spool: Spool,
        relying_party: RelyingParty,
        throttle_key: PurposeKey,
        policy: SigninPolicy,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._journey = journey
        self._renewal = renewal
        self._challenges = challenges
        self._accounts = accounts
        self._passkeys = passkeys
        self._sessions = sessions
        self._throttle = throttle
        self._spool = spool
        self._relying_party = relying_party
        self._keys = ThrottleKeys(throttle_key)
        self._policy = policy
        self._clock = clock
        self._randomness = randomness
        self._quota = LineQuota()

    def begin(self, txn: SigninTransaction) -> Mapping[str, Any]:
        """The options for the browser, with a challenge of their own. Raises PasskeyRefused, TransactionMoved."""
        self._refuse_pointless(txn)
        now = self._clock.now()
        if not within(self._throttle, self._keys.of("passkey-challenge", txn.handle), _CHALLENGES, now):
            raise PasskeyRefused("too_many")
        challenge, kept = new_challenge(
            to_sign_in(txn.handle), now=now, until=txn.expires_at, randomness=self._randomness
        )
        self._challenges.issue(kept, now)
        return self._relying_party.request_options(challenge, timeout_seconds=int(kept.expires_at - now))

    def answered(self, txn: SigninTransaction, answer: object, context: RequestContext) -> SigninTransaction:
        """The transaction with this proof. Raises PasskeyRefused, TransactionMoved."""
        self._refuse_pointless(txn)
        lines = Lines(self._clock.now(), context, txn.demand.client_id, "passkey")
        passkey: Passkey | None = None
        try:
            claimed = self._with_our_challenge(txn, answer, lines.at)
            passkey = self._known(claimed)
            verified = self._relying_party.assertion(answer, expected_challenge=claimed.challenge, expected=passkey)
            account = self._holder(passkey)
        except PasskeyRefused as refusal:
            self._note(refusal, passkey, lines)
            raise
        self._use(passkey, verified, lines)
        evidence = Evidence(Means.PASSKEY, lines.at, passkey=passkey.id, synced=passkey.backup_eligible)
        if txn.account_id == account.id and not is_asked(txn):

            def with_proof(current: SigninTransaction) -> SigninTransaction:
                return replace(current, evidence=(*current.evidence, evidence))

            return self._renewal.amended(txn, with_proof, lines.at, NO_EFFECTS)
        return self._renewal.saved(_alone(txn, account, evidence), lines.at, NO_EFFECTS)

    def _refuse_pointless(self, txn: SigninTransaction) -> None:
        if not self._journey.passkey_could_do(txn):
            raise TransactionMoved("no passkey can give what is demanded, or the journey is over")

    def _with_our_challenge(self, txn: SigninTransaction, answer: object, now: float) -> Unverified:
        claimed = unverified(answer)
        challenge = self._challenges.take(challenge_digest(claimed.challenge), now)
        if challenge is None or challenge.bound_to != to_sign_in(txn.handle):
            raise PasskeyRefused("challenge")
        return claimed

    def _known(self, claimed: Unverified) -> Passkey:
        """The passkey of this credential, which says whose it is: the two must agree."""
        passkey = self._passkeys.find(claimed.credential_id)
        if passkey is None:
            raise PasskeyRefused("unknown_credential")
        if claimed.user_handle != user_handle(passkey.account_id):
            raise PasskeyRefused("user_handle")
        return passkey

    def _holder(self, passkey: Passkey) -> Account:
        account = self._accounts.get(passkey.account_id)
        if account is None or not usable(account):
            raise PasskeyRefused("account_not_active")
        if not passkey.is_alive:
            raise PasskeyRefused("revoked" if passkey.revoked_at is not None else "flagged")
        if not self._policy.takes_passkey(account, backup_eligible=passkey.backup_eligible):
            raise PasskeyRefused("may_travel")
        return account

    def _use(self, passkey: Passkey, verified: VerifiedAssertion, lines: Lines) -> None:
        """Counts the use. A counter that did not go forward is a copy's: the passkey signs nobody in from now on, the sessions
        that it may have opened end, and its holder and the operator are told (FID-07)."""
        account_id = passkey.account_id
        details = {"authenticator": passkey.id}
        alerts = (
            Outgoing("notice", {"account": account_id, "what": "passkey_flagged"}),
            Outgoing("operator_alert", {"what": "passkey_flagged"}),
        )
        flagged = lines.said(
            "authenticator.flagged", Outcome.REFUSED, account_id, reason="counter_back", details=details
        )
        use = self._passkeys.use(
            passkey.id,
            sign_count=verified.sign_count,
            backed_up=verified.backed_up,
            at=lines.at,
            if_used=lines.said("signin.passkey", Outcome.SUCCESS, account_id, details=details),
            if_counter_back=flagged + because(outgoing=alerts),
        )
        if use is PasskeyUse.COUNTER_BACK:
            ended = lines.said("session.ended", Outcome.SUCCESS, account_id, reason="passkey_flagged")
            self._sessions.end_sessions_of(account_id, lines.at, ended)
        if use is not PasskeyUse.USED:
            refusal = PasskeyRefused(use.value)
            self._note(refusal, passkey, lines)
            raise refusal

    def _note(self, refusal: PasskeyRefused, passkey: Passkey | None, lines: Lines) -> None:
        details = {} if passkey is None else {"authenticator": passkey.id}
        whose = None if passkey is None else passkey.account_id
        said = lines.said("signin.passkey", Outcome.REFUSED, whose, reason=refusal.detail, details=details)
        self._spool.note(self._spared(said, lines.context))

    def _spared(self, effects: Effects, context: RequestContext) -> Effects:
        (event,) = effects.events
        kept = self._quota.within(event, ip_block(context.ip))
        return NO_EFFECTS if kept is None else because(kept)


def _alone(txn: SigninTransaction, account: Account, evidence: Evidence) -> SigninTransaction:
    """A passkey stands by itself: proofs of another person, or lent by a session, go. An identity that waits to be linked
    stays."""
    return replace(
        txn,
        account_id=account.id,
        evidence=(evidence,),
        code_challenge_id=None,
        code_channel=None,
        device_challenge=None,
        chosen_structure=None,
        factor=None,
        extra=kept_by_password(txn.extra),
    )
