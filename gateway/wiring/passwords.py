"""Builds what asks for a password: the sign-in with its guard against sprays, and the choice of another one."""

from gateway.accounts.password_hash import PasswordHasher
from gateway.accounts.password_policy import PasswordPolicy
from gateway.keys.purposes import Purpose
from gateway.settings import Settings
from gateway.signin.fresh_proof import FreshProof
from gateway.signin.journey import Journey
from gateway.signin.linking.renewal import Renewal
from gateway.signin.pages import Door, JourneyPages
from gateway.signin.password import pages as password_pages
from gateway.signin.password.new_password import NewPassword
from gateway.signin.password.signin import PasswordSignin
from gateway.signin.password.spray_guard import SprayGuard
from gateway.signin.policy import SigninPolicy
from gateway.signin.throttle import ThrottleKeys
from gateway.wiring.policies import breached_passwords
from gateway.wiring.stores import Stores


def password_doors(
    settings: Settings,
    stores: Stores,
    shared: JourneyPages,
    *,
    renewal: Renewal,
    renewed: NewPassword,
    hasher: PasswordHasher,
    policy: SigninPolicy,
) -> list[Door]:
    database, ephemeral = stores.database, stores.ephemeral
    throttle_key = database.purpose_keys.get(Purpose.THROTTLE)
    spray = SprayGuard(
        failed=ephemeral.failed_identifiers,
        transactions=ephemeral.transactions,
        keys=ThrottleKeys(throttle_key),
        policy=policy,
        clock=stores.clock,
    )
    password = PasswordSignin(
        renewal=renewal,
        accounts=database.accounts,
        throttle=ephemeral.throttle,
        spray=spray,
        spool=ephemeral.spool,
        hasher=hasher,
        throttle_key=throttle_key,
        policy=policy,
        clock=stores.clock,
        breached=breached_passwords(settings) or frozenset(),
    )
    return [
        password_pages.pages(shared, password),
        password_pages.new_password_pages(shared, renewed, min_length=settings.values["pwd.min_length"]),
    ]


def new_password(
    stores: Stores,
    *,
    journey: Journey,
    fresh_proof: FreshProof,
    hasher: PasswordHasher,
    passwords: PasswordPolicy,
    policy: SigninPolicy,
) -> NewPassword:
    """For the step of the sign-in, and for the account's page."""
    return NewPassword(
        journey=journey,
        fresh_proof=fresh_proof,
        accounts=stores.database.accounts,
        sessions=stores.ephemeral.sessions,
        throttle=stores.ephemeral.throttle,
        spool=stores.ephemeral.spool,
        hasher=hasher,
        passwords=passwords,
        throttle_key=stores.database.purpose_keys.get(Purpose.THROTTLE),
        policy=policy,
        clock=stores.clock,
    )
