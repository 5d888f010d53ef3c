"""Enrolling, naming and removing passkeys, and activating an account with one (FID-10; DECISIONS 7).

Whoever calls has just proved themselves afresh, or holds the activation link that reached their address. The options, and the
answer to them, are bound to that very session or link by the challenge. Refuses a credential that is anybody's already,
one that may leave its device where an administrator's must not, and to remove the last proof that is better than a code sent to
a contact. Removing one ends the other sessions of its holder: whoever has it may have opened one (SES-08).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gateway.accounts.account import Account, AccountStatus
from gateway.accounts.authenticator import Passkey
from gateway.accounts.one_time_link import token_digest
from gateway.accounts.ports import Accounts, OneTimeLinks, PasskeyExistsError, Passkeys
from gateway.clock import Clock
from gateway.journal.effects import Effects, Outgoing, because
from gateway.journal.events import Outcome
from gateway.randomness import Randomness, identifier
from gateway.signin.enrolment.access_link import LinkGone
from gateway.signin.enrolment.welcome import activated
from gateway.signin.journal_lines import Lines
from gateway.signin.label import bounded
from gateway.signin.linking.live_link import live_activation
from gateway.signin.passkey.challenge import (
    PasskeyChallenges,
    challenge_digest,
    new_challenge,
    to_activate,
    to_enrol,
)
from gateway.signin.passkey.refusals import (
    LastPasskey,
    PasskeyGone,
    PasskeyKnown,
    PasskeyMayTravel,
    PasskeyNotAdded,
    PasskeyRefused,
    TooManyPasskeys,
)
from gateway.signin.passkey.webauthn import NewCredential, RelyingParty, unverified
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import Sessions
from gateway.signin.remaining_proofs import RemainingProofs
from gateway.signin.request_context import RequestContext
from gateway.signin.session import Session


class PasskeyEnrolment:
    def __init__(
        self,
        *,
        passkeys: Passkeys,
        challenges: PasskeyChallenges,
        accounts: Accounts,
        links: OneTimeLinks,
        sessions: Sessions,
        remaining: RemainingProofs,
        relying_party: RelyingParty,
        policy: SigninPolicy,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._passkeys = passkeys
        self._challenges = challenges
        self._accounts = accounts
        self._links = links
        self._sessions = sessions
        self._remaining = remaining
        self._relying_party = relying_party
        self._policy = policy
        self._clock = clock
        self._randomness = randomness

    def of(self, account: Account) -> Sequence[Passkey]:
        """Flagged ones too: their holder removes them."""
        return self._passkeys.of(account.id)

    def mine(self, account: Account, passkey_id: str) -> Passkey:
        """Raises PasskeyGone."""
        for one in self.of(account):
            if one.id == passkey_id:
                return one
        raise PasskeyGone("not one of this account")

    def begin(self, account: Account, session: Session) -> Mapping[str, Any]:
        """The options for the browser. Raises TooManyPasskeys."""
        if len(self.of(account)) >= self._policy.passkeys_per_account:
            raise TooManyPasskeys(limit=self._policy.passkeys_per_account)
        return self._options(account, to_enrol(account.id, session.handle), session.expires_at())

    def finish(
        self, account: Account, session: Session, answer: object, label: str, context: RequestContext
    ) -> Passkey:
        """Raises PasskeyNotAdded, PasskeyKnown, PasskeyMayTravel, TooManyPasskeys."""
        lines = Lines(self._clock.now(), context, method="passkey")
        passkey = self._made(account, to_enrol(account.id, session.handle), answer, label, lines)
        said = _said("authenticator.added", passkey, lines, notice="passkey_added")
        try:
            if not self._passkeys.enrol(passkey, said, at_most=self._policy.passkeys_per_account):
                raise TooManyPasskeys(limit=self._policy.passkeys_per_account)
        except PasskeyExistsError:
            raise PasskeyKnown("this credential is somebody's") from None
        return passkey

    def begin_activation(self, token: str) -> Mapping[str, Any]:
        """Raises LinkGone."""
        link, account = live_activation(self._links, self._accounts, token_digest(token), self._clock.now())
        return self.begin_for(account, token, link.expires_at)

    def begin_for(self, account: Account, token: str, until: float) -> Mapping[str, Any]:
        """The options for whoever holds this link of the account."""
        return self._options(account, to_activate(token), until)

    def made_for(self, account: Account, token: str, answer: object, label: str, context: RequestContext) -> Passkey:
        """The passkey that answers them, stored nowhere yet. Raises PasskeyNotAdded, PasskeyMayTravel."""
        lines = Lines(self._clock.now(), context, method="passkey")
        return self._made(account, to_activate(token), answer, label, lines)

    def activate(self, token: str, answer: object, label: str, context: RequestContext) -> Account:
        """The account, active, with its first passkey and no password. A link that came by its address verified the address.
        Raises LinkGone, PasskeyNotAdded, PasskeyKnown, PasskeyMayTravel."""
        lines = Lines(self._clock.now(), context, method="passkey")
        link, account = live_activation(self._links, self._accounts, token_digest(token), lines.at)
        passkey = self._made(account, to_activate(token), answer, label, lines)
        verified_at = lines.at if link.proves_address else account.email_verified_at
        changed = replace(account, status=AccountStatus.ACTIVE, email_verified_at=verified_at)
        purpose = {"purpose": link.purpose.value}
        effects = lines.said("link.used", Outcome.SUCCESS, account.id, details=purpose)
        effects += activated(account.id, lines)
        effects += _said("authenticator.added", passkey, lines, notice="passkey_added")
        try:
            if not self._passkeys.activate(passkey, changed, link, lines.at, effects):
                raise LinkGone("used meanwhile")
        except PasskeyExistsError:
            raise PasskeyKnown("this credential is somebody's") from None
        return changed

    def rename(self, account: Account, passkey_id: str, label: str, context: RequestContext) -> None:
        """Raises PasskeyGone."""
        one = self.mine(account, passkey_id)
        lines = Lines(self._clock.now(), context, method="passkey")
        if not self._passkeys.rename(one.id, bounded(label), _said("authenticator.renamed", one, lines)):
            raise PasskeyGone("removed meanwhile")

    def remove(self, account: Account, passkey_id: str, context: RequestContext, *, sparing: str) -> None:
        """What its sign-ins proved is worth nothing from now on, in the session `sparing` either, which alone stays. Raises
        LastPasskey, PasskeyGone."""
        one = self.mine(account, passkey_id)
        lines = Lines(self._clock.now(), context, method="passkey")
        said = _said("authenticator.removed", one, lines, notice="passkey_removed")

        def the_last() -> bool:
            return not self._remaining.without(account, one.id)

        if not self._passkeys.revoke(one.id, lines.at, said, unless=the_last):
            self.mine(account, passkey_id)
            raise LastPasskey("the last one")
        ended = lines.said("session.ended", Outcome.SUCCESS, account.id, reason="authenticator_revoked")
        self._sessions.end_sessions_of(account.id, lines.at, ended, sparing=sparing)

    def _options(self, account: Account, bound_to: str, until: float) -> Mapping[str, Any]:
        now = self._clock.now()
        challenge, kept = new_challenge(bound_to, now=now, until=until, randomness=self._randomness)
        self._challenges.issue(kept, now)
        return self._relying_party.creation_options(
            challenge,
            account_id=account.id,
            username=account.username,
            display_name=f"{account.given_name} {account.family_name}",
            exclude=self.of(account),
            timeout_seconds=int(kept.expires_at - now),
        )

    def _made(self, account: Account, bound_to: str, answer: object, label: str, lines: Lines) -> Passkey:
        new = self._credential(bound_to, answer, lines.at)
        if not self._policy.takes_passkey(account, backup_eligible=new.backup_eligible):
            raise PasskeyMayTravel("an administrator's stays on its device")
        return Passkey(
            id=identifier(self._randomness),
            account_id=account.id,
            credential_id=new.credential_id,
            public_key=new.public_key,
            sign_count=new.sign_count,
            aaguid=new.aaguid,
            backup_eligible=new.backup_eligible,
            backed_up=new.backed_up,
            transports=new.transports,
            label=bounded(label),
            created_at=lines.at,
        )

    def _credential(self, bound_to: str, answer: object, now: float) -> NewCredential:
        try:
            claimed = unverified(answer)
            challenge = self._challenges.take(challenge_digest(claimed.challenge), now)
            if challenge is not None and challenge.bound_to == bound_to:
                return self._relying_party.new_credential(answer, expected_challenge=claimed.challenge)
        except PasskeyRefused as refusal:
            raise PasskeyNotAdded(refusal.detail) from None
        raise PasskeyNotAdded("challenge")


def _said(name: str, passkey: Passkey, lines: Lines, *, notice: str | None = None) -> Effects:
    details = {"authenticator": passkey.id, "means": "passkey"}
    said = lines.said(name, Outcome.SUCCESS, passkey.account_id, details=details)
    if notice is None:
        return said
    return said + because(outgoing=(Outgoing("notice", {"account": passkey.account_id, "what": notice}),))
