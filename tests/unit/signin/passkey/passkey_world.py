"""A sign-in where passkeys are switched on, and people with authenticators made of software."""

import uuid
from dataclasses import replace
from typing import Any

from gateway.accounts.account import Account
from gateway.accounts.authenticator import Passkey
from gateway.signin.evidence import Means
from gateway.signin.passkey.enrolment import PasskeyEnrolment
from gateway.signin.passkey.signin import PasskeySignin
from gateway.signin.passkey.webauthn import RelyingParty
from gateway.signin.policy import DAY, SigninPolicy
from gateway.signin.session import Session
from gateway.signin.transaction import Demand, SigninTransaction
from tests.authenticator_fakes import FakePasskeyChallenges
from tests.unit.signin.linking.people import LinkingWorld
from tests.unit.signin.world import CONTEXT, ORIGIN, PASSWORD
from tests.webauthn_authenticator import SoftAuthenticator

RP_ID = "connexion.exemple.fr"
EVERY = frozenset({Means.PASSWORD, Means.PASSKEY, Means.PSC, Means.CARD})


def a_policy(**changes: Any) -> SigninPolicy:
    return SigninPolicy(**({"otp_interval_seconds": 30 * DAY, "means": EVERY} | changes))


class PasskeyWorld(LinkingWorld):
    def __init__(self, policy: SigninPolicy | None = None) -> None:
        super().__init__(policy or a_policy())
        self.challenges = FakePasskeyChallenges()
        self.relying_party = RelyingParty(rp_id=RP_ID, name="Portail", origins=[ORIGIN])
        at = {"clock": self.clock, "policy": self.policy, "randomness": self.randomness}
        self.passkey = PasskeySignin(
            journey=self.journey,
            renewal=self.renewal,
            challenges=self.challenges,
            accounts=self.accounts,
            passkeys=self.passkey_store,
            sessions=self.sessions,
            throttle=self.throttle,
            spool=self.written,
            relying_party=self.relying_party,
            throttle_key=self.throttle_key,
            **at,
        )
        self.passkeys = PasskeyEnrolment(
            passkeys=self.passkey_store,
            challenges=self.challenges,
            accounts=self.accounts,
            links=self.links,
            sessions=self.sessions,
            remaining=self.remaining,
            relying_party=self.relying_party,
            **at,
        )

    def person(self, username: str, *, password: str | None = PASSWORD, **fields: Any) -> Account:
        """With an identifier as real ones are: passkeys carry it."""
        made = super().person(username, password=None, **fields)
        del self.accounts.records[made.id]
        account_id = str(uuid.uuid5(uuid.NAMESPACE_DNS, username))
        hashed = self.hasher.hash(account_id, password) if password is not None else None
        return self.accounts.put(replace(made, id=account_id, password_hash=hashed))

    @staticmethod
    def authenticator(**changes: Any) -> SoftAuthenticator:
        return SoftAuthenticator(**({"origin": ORIGIN, "rp_id": RP_ID} | changes))

    def session_of(self, account: Account) -> Session:
        return self.complete(self.with_code(who=account.username))

    def enrol(self, authenticator: SoftAuthenticator, account: Account | None = None, **lies: Any) -> Passkey:
        account = account or self.claire
        session = self.session_of(account)
        answer = authenticator.create(self.passkeys.begin(account, session), **lies)
        return self.passkeys.finish(account, session, answer, "Mon ordinateur", CONTEXT)

    def with_passkey(
        self,
        authenticator: SoftAuthenticator,
        demand: Demand | None = None,
        *,
        session: Session | None = None,
        txn: SigninTransaction | None = None,
        **lies: Any,
    ) -> SigninTransaction:
        txn = txn or self.open(demand, session)
        return self.passkey.answered(txn, authenticator.get(self.passkey.begin(txn), **lies), CONTEXT)

    def refusals(self) -> list[str | None]:
        return [event.reason for event in self.written.of("signin.passkey") if event.outcome.value == "refused"]
