"""Builds passkeys: for whom they are made, their doors at sign-in, their place on the account's pages."""

from dataclasses import dataclass

from gateway.keys.purposes import Purpose
from gateway.my_account.pages import AccountPages
from gateway.my_account.passkeys import pages as account_passkeys
from gateway.settings import ConfigurationError, Settings
from gateway.signin.colleagues import api as recovery_api
from gateway.signin.colleagues.own_recovery import OwnRecovery
from gateway.signin.journey import Journey
from gateway.signin.linking.renewal import Renewal
from gateway.signin.pages import Door, JourneyPages
from gateway.signin.passkey import api as passkey_api
from gateway.signin.passkey import pages as passkey_pages
from gateway.signin.passkey.enrolment import PasskeyEnrolment
from gateway.signin.passkey.signin import PasskeySignin
from gateway.signin.passkey.webauthn import RelyingParty, may_be_made_for
from gateway.signin.policy import SigninPolicy
from gateway.wiring.remaining_proofs import remaining_proofs
from gateway.wiring.stores import ReviewedConfig, Stores


@dataclass(frozen=True, slots=True)
class PasskeyParts:
    signin: PasskeySignin
    enrolment: PasskeyEnrolment

    def doors(self, shared: JourneyPages, account_pages: AccountPages, recovery: OwnRecovery) -> list[Door]:
        return [
            passkey_pages.pages(shared),
            passkey_api.api(shared, self.signin, self.enrolment),
            account_passkeys.pages(account_pages, self.enrolment),
            account_passkeys.calls(account_pages, self.enrolment),
            recovery_api.calls(shared, recovery, self.enrolment),
        ]


def check_passkey_domain(settings: Settings) -> None:
    """Raises ConfigurationError when no browser would make a passkey for it."""
    if "passkey" in settings.means and not may_be_made_for(settings.rp_id, settings.issuer):
        raise ConfigurationError(
            f"webauthn.rp_id: {settings.rp_id} is shared by strangers; write the host's own domain"
        )


def passkey_parts(
    settings: Settings,
    reviewed: ReviewedConfig,
    stores: Stores,
    *,
    journey: Journey,
    renewal: Renewal,
    policy: SigninPolicy,
) -> PasskeyParts:
    database, ephemeral, clock, randomness = stores.database, stores.ephemeral, stores.clock, stores.randomness
    check_passkey_domain(settings)
    relying_party = RelyingParty(
        rp_id=settings.rp_id, name=reviewed.tenant.name.get("fr", settings.rp_id), origins=[settings.issuer]
    )
    signin = PasskeySignin(
        journey=journey,
        renewal=renewal,
        challenges=ephemeral.passkey_challenges,
        accounts=database.accounts,
        passkeys=database.passkeys,
        sessions=ephemeral.sessions,
        throttle=ephemeral.throttle,
        spool=ephemeral.spool,
        relying_party=relying_party,
        throttle_key=database.purpose_keys.get(Purpose.THROTTLE),
        policy=policy,
        clock=clock,
        randomness=randomness,
    )
    enrolment = PasskeyEnrolment(
        passkeys=database.passkeys,
        challenges=ephemeral.passkey_challenges,
        accounts=database.accounts,
        links=database.links,
        sessions=ephemeral.sessions,
        remaining=remaining_proofs(stores, policy),
        relying_party=relying_party,
        policy=policy,
        clock=clock,
        randomness=randomness,
    )
    return PasskeyParts(signin, enrolment)
