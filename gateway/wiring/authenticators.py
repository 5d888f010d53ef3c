"""Builds authenticator applications and recovery sheets: their doors at sign-in, their place on the account's pages."""

from gateway.keys.purposes import Purpose
from gateway.my_account.authenticators import pages as authenticators_pages
from gateway.my_account.pages import AccountPages
from gateway.signin.assurance import AssuranceScale
from gateway.signin.demands import Demands
from gateway.signin.linking.renewal import Renewal
from gateway.signin.pages import Door, JourneyPages
from gateway.signin.policy import SigninPolicy
from gateway.signin.recovery import pages as recovery_pages
from gateway.signin.recovery.sheet import RecoverySheets
from gateway.signin.recovery.signin import RecoverySignin
from gateway.signin.totp import pages as totp_pages
from gateway.signin.totp.enrolment import TotpEnrolment
from gateway.signin.totp.signin import TotpSignin
from gateway.wiring.factors import stored_factors
from gateway.wiring.remaining_proofs import remaining_proofs
from gateway.wiring.stores import Stores


def authenticator_doors(
    shared: JourneyPages,
    account_pages: AccountPages,
    stores: Stores,
    *,
    scale: AssuranceScale,
    policy: SigninPolicy,
    renewal: Renewal,
) -> list[Door]:
    database, ephemeral, clock, randomness = stores.database, stores.ephemeral, stores.clock, stores.randomness
    recovery_key = database.purpose_keys.get(Purpose.RECOVERY_CODE)
    demands = Demands(scale, policy, stored_factors(database, policy))
    totp = TotpSignin(
        transactions=ephemeral.transactions,
        renewal=renewal,
        accounts=database.accounts,
        devices=database.devices,
        totp=database.totp,
        demands=demands,
        policy=policy,
        clock=clock,
        randomness=randomness,
    )
    recovery = RecoverySignin(
        transactions=ephemeral.transactions,
        renewal=renewal,
        accounts=database.accounts,
        codes=database.recovery_codes,
        spool=ephemeral.spool,
        demands=demands,
        key=recovery_key,
        policy=policy,
        clock=clock,
    )
    enrolment = TotpEnrolment(
        totp=database.totp,
        sessions=ephemeral.sessions,
        remaining=remaining_proofs(stores, policy),
        policy=policy,
        clock=clock,
        randomness=randomness,
    )
    sheets = RecoverySheets(codes=database.recovery_codes, key=recovery_key, clock=clock, randomness=randomness)
    return [
        totp_pages.pages(shared, totp, trust_days=(policy.otp_interval_seconds or 0) // 86400),
        recovery_pages.pages(shared, recovery),
        authenticators_pages.pages(account_pages, enrolment, sheets),
    ]
