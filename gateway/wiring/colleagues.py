"""Builds what a référent does for a colleague, the sheet that the colleague comes back with, and the console's pages."""

from dataclasses import dataclass

from gateway.accounts.password_hash import PasswordHasher
from gateway.accounts.password_policy import PasswordPolicy
from gateway.console.pages import ConsolePages
from gateway.console.team import pages as team_pages
from gateway.habilitations.team import Teams
from gateway.keys.purposes import Purpose
from gateway.my_account.pages import ROOT, AccountPages
from gateway.settings import Settings
from gateway.signin.assurance import ACR_PASSKEY
from gateway.signin.colleagues import pages as sheet_pages
from gateway.signin.colleagues.address import SheetAddress
from gateway.signin.colleagues.asking import AskingAgain
from gateway.signin.colleagues.desk import SheetDesk
from gateway.signin.colleagues.invitations import Invitations
from gateway.signin.colleagues.own_recovery import OwnRecovery
from gateway.signin.colleagues.reach import Reach
from gateway.signin.colleagues.recoveries import ColleagueRecoveries
from gateway.signin.fresh_proof import FreshProof
from gateway.signin.gate import Gate
from gateway.signin.journey import Journey
from gateway.signin.one_time_code.sending import CodeSending
from gateway.signin.pages import Door, JourneyPages
from gateway.signin.policy import SigninPolicy
from gateway.signin.strong_means import StrongMeans
from gateway.signin.throttle import ThrottleKeys
from gateway.wiring.factors import stored_factors
from gateway.wiring.policies import signin_policy
from gateway.wiring.stores import ReviewedConfig, Stores


def teams_of(settings: Settings, reviewed: ReviewedConfig, stores: Stores) -> Teams:
    return Teams(
        accounts=stores.database.accounts,
        habilitations=stores.database.habilitations,
        mapping=lambda: reviewed.mapping,
        stale_after=settings.values["directory.stale_after"],
    )


def strong_means(stores: Stores, policy: SigninPolicy) -> StrongMeans:
    database = stores.database
    factors = stored_factors(database, policy)
    return StrongMeans(identities=database.identities, factors=factors, policy=policy, clock=stores.clock)


def _reach(stores: Stores, teams: Teams, policy: SigninPolicy) -> Reach:
    return Reach(
        accounts=stores.database.accounts,
        teams=teams,
        throttle=stores.ephemeral.throttle,
        spool=stores.ephemeral.spool,
        throttle_key=stores.database.purpose_keys.get(Purpose.THROTTLE),
        policy=policy,
    )


def colleague_recoveries(settings: Settings, reviewed: ReviewedConfig, stores: Stores) -> ColleagueRecoveries:
    policy, database = signin_policy(settings), stores.database
    teams = teams_of(settings, reviewed, stores)
    return ColleagueRecoveries(
        reach=_reach(stores, teams, policy),
        accounts=database.accounts,
        teams=teams,
        strong=strong_means(stores, policy),
        recoveries=database.recoveries,
        links=database.links,
        link_key=database.purpose_keys.get(Purpose.LINK),
        ttl_seconds=settings.values["link.activation.ttl"],
        clock=stores.clock,
        randomness=stores.randomness,
    )


@dataclass(frozen=True, slots=True)
class SheetParts:
    desk: SheetDesk
    address: SheetAddress
    recovery: OwnRecovery
    asking: AskingAgain

    def door(self, shared: JourneyPages, settings: Settings) -> Door:
        return sheet_pages.pages(
            shared,
            self.desk,
            self.address,
            self.recovery,
            self.asking,
            min_length=settings.values["pwd.min_length"],
            by_password="password" in settings.means,
            by_passkey="passkey" in settings.means,
        )


def sheet_parts(
    stores: Stores, *, hasher: PasswordHasher, passwords: PasswordPolicy, policy: SigninPolicy
) -> SheetParts:
    database, ephemeral, clock, randomness = stores.database, stores.ephemeral, stores.clock, stores.randomness
    keys = database.purpose_keys
    throttle_key, code_key = keys.get(Purpose.THROTTLE), keys.get(Purpose.ONE_TIME_CODE)
    desk = SheetDesk(
        accounts=database.accounts,
        links=database.links,
        recoveries=database.recoveries,
        throttle=ephemeral.throttle,
        spool=ephemeral.spool,
        link_key=keys.get(Purpose.LINK),
        throttle_key=throttle_key,
        clock=clock,
    )
    address = SheetAddress(
        desk=desk,
        accounts=database.accounts,
        changes=database.contact_changes,
        links=database.links,
        codes=ephemeral.one_time_codes,
        sending=CodeSending(
            throttle=ephemeral.throttle,
            code_key=code_key,
            throttle_key=throttle_key,
            policy=policy,
            randomness=randomness,
        ),
        code_key=code_key,
        policy=policy,
        clock=clock,
        randomness=randomness,
    )
    recovery = OwnRecovery(
        desk=desk,
        recoveries=database.recoveries,
        changes=database.contact_changes,
        links=database.links,
        sessions=ephemeral.sessions,
        throttle=ephemeral.throttle,
        throttle_keys=ThrottleKeys(throttle_key),
        hasher=hasher,
        passwords=passwords,
        clock=clock,
        randomness=randomness,
    )
    asking = AskingAgain(
        accounts=database.accounts,
        throttle=ephemeral.throttle,
        spool=ephemeral.spool,
        throttle_key=throttle_key,
        policy=policy,
        clock=clock,
    )
    return SheetParts(desk, address, recovery, asking)


def console_door(
    settings: Settings,
    reviewed: ReviewedConfig,
    stores: Stores,
    account_pages: AccountPages,
    shared: JourneyPages,
    *,
    journey: Journey,
    gate: Gate,
    policy: SigninPolicy,
) -> Door:
    database, clock = stores.database, stores.clock
    teams = teams_of(settings, reviewed, stores)
    reach = _reach(stores, teams, policy)
    console = ConsolePages(
        account_pages=account_pages,
        journey_pages=shared,
        gate=gate,
        teams=teams,
        strong=strong_means(stores, policy),
        fresh_proof=FreshProof(journey=journey, gate=gate, policy=policy, clock=clock, min_acr=ACR_PASSKEY),
        get_one=f"{ROOT}/passkeys" if "passkey" in settings.means else f"{ROOT}/identites",
        clock=clock,
    )
    team = team_pages.TeamPages(
        console,
        accounts=database.accounts,
        teams=teams,
        reach=reach,
        links=database.links,
        recoveries=database.recoveries,
        invitations=Invitations(
            reach=reach,
            links=database.links,
            spool=stores.ephemeral.spool,
            link_key=database.purpose_keys.get(Purpose.LINK),
            ttl_seconds=settings.values["link.activation.ttl"],
            clock=clock,
            randomness=stores.randomness,
        ),
        colleague_recoveries=colleague_recoveries(settings, reviewed, stores),
    )
    return team_pages.pages(team)
