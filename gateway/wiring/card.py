"""Builds the card as a way in: its doors, and the jobs that fetch revocation lists ahead of anybody's sign-in, and end the
sessions of those who are on them."""

from pathlib import Path

from gateway.directory.revocation_lists import PublishedLists
from gateway.jobs.fetch_crls import CrlFetch
from gateway.settings import ConfigurationError, Settings
from gateway.signin.card import api as card_api
from gateway.signin.card import pages as card_pages
from gateway.signin.card.environment import CardEnvironment
from gateway.signin.card.revocation import RevocationLists
from gateway.signin.card.revoked_sessions import RevokedCardSessions
from gateway.signin.card.signin import CardSignin
from gateway.signin.card.trust import CardTrust, read_trust
from gateway.signin.card.verification import CardVerifier
from gateway.signin.pages import Door, JourneyPages
from gateway.wiring.linking import LinkingParts
from gateway.wiring.policies import signin_policy
from gateway.wiring.stores import Stores


def card_doors(
    settings: Settings, environment: CardEnvironment, stores: Stores, shared: JourneyPages, parts: LinkingParts
) -> list[Door]:
    trust = _trust(settings, environment)
    signin = CardSignin(
        transactions=stores.ephemeral.transactions,
        spool=stores.ephemeral.spool,
        verifier=CardVerifier(environment, trust, RevocationLists(stores.database.revocation_lists, trust)),
        linking=parts.linking,
        environment=environment,
        origin=settings.issuer,
        clock=stores.clock,
        randomness=stores.randomness,
    )
    return [card_pages.pages(shared, environment), card_api.api(shared, signin)]


def crl_fetch(settings: Settings, environment: CardEnvironment, stores: Stores) -> CrlFetch:
    return CrlFetch(
        trust=_trust(settings, environment),
        source=PublishedLists(_certificates(settings)),
        store=stores.database.revocation_lists,
        limits=environment.limits,
        clock=stores.clock,
    )


def revoked_card_sessions(settings: Settings, environment: CardEnvironment, stores: Stores) -> RevokedCardSessions:
    trust = _trust(settings, environment)
    return RevokedCardSessions(
        identities=stores.database.identities,
        sessions=stores.ephemeral.sessions,
        lists=RevocationLists(stores.database.revocation_lists, trust),
        trust=trust,
        policy=signin_policy(settings),
        clock=stores.clock,
    )


def _trust(settings: Settings, environment: CardEnvironment) -> CardTrust:
    return read_trust(environment, _certificates(settings))


def _certificates(settings: Settings) -> Path:
    if settings.card is None:
        raise ConfigurationError("card.certificates: name the folder of the authorities' certificates")
    return settings.card.certificates
