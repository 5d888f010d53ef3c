"""Builds Pro Santé Connect and what it brings: its doors, those of linking, and the way out through its logout."""

from gateway.clock import Clock
from gateway.keys.purposes import Purpose
from gateway.settings import ConfigurationError, Settings
from gateway.signin.assurance import AssuranceScale
from gateway.signin.demands import Demands
from gateway.signin.linking import pages as linking_pages
from gateway.signin.linking.link import Linking
from gateway.signin.linking.not_me import LinkDisputes
from gateway.signin.linking.pending import IdentitySeal
from gateway.signin.pages import Door, JourneyPages, Leave
from gateway.signin.psc import pages as psc_pages
from gateway.signin.psc.client import PscClient
from gateway.signin.psc.client_secret import read_client_secret
from gateway.signin.psc.environment import PscEnvironment
from gateway.signin.psc.leaving import RETURN, PscLeaving
from gateway.signin.psc.relying_party import PscRelyingParty
from gateway.signin.psc.signin import PscSignin
from gateway.wiring.policies import signin_policy
from gateway.wiring.stores import Stores


def psc_client(settings: Settings, environment: PscEnvironment, clock: Clock) -> PscClient:
    """Raises ConfigurationError when the settings name no secret."""
    if settings.psc is None:
        raise ConfigurationError("psc.client_secret_file: name the file that holds our secret at Pro Santé Connect")
    secret_file = settings.psc.client_secret_file
    return PscClient(
        environment,
        client_secret=lambda: read_client_secret(secret_file, environment),
        clock=clock,
        ca_file=settings.psc.ca_file,
    )


def psc_doors(
    settings: Settings, scale: AssuranceScale, environment: PscEnvironment, stores: Stores, shared: JourneyPages
) -> tuple[list[Door], Leave]:
    """Pro Santé Connect and what it brings: its own doors, those of linking, and the way out through its logout."""
    database, ephemeral, clock, randomness = stores.database, stores.ephemeral, stores.clock, stores.randomness
    keys, policy, shell = database.purpose_keys, signin_policy(settings), shared.shell
    seal = IdentitySeal(keys.get(Purpose.PENDING_IDENTITY), randomness)
    linking = Linking(
        transactions=ephemeral.transactions,
        accounts=database.accounts,
        identities=database.identities,
        links=database.links,
        sessions=ephemeral.sessions,
        spool=ephemeral.spool,
        demands=Demands(scale, policy),
        seal=seal,
        link_key=keys.get(Purpose.LINK),
        policy=policy,
        clock=clock,
        randomness=randomness,
    )
    disputes = LinkDisputes(
        identities=database.identities,
        links=database.links,
        sessions=ephemeral.sessions,
        policy=policy,
        clock=clock,
    )
    provider = psc_client(settings, environment, clock)
    party = PscRelyingParty(environment, provider, clock=clock, randomness=randomness)
    signin = PscSignin(party, linking, ephemeral.transactions, ephemeral.spool, clock)
    form_key = keys.get(Purpose.FORM)
    leaving = PscLeaving(
        environment,
        seal,
        mac=lambda message: form_key.mac(Purpose.FORM, message),
        randomness=randomness,
        return_address=f"{settings.issuer}{RETURN}",
    )
    doors = [psc_pages.pages(shared, signin, leaving), linking_pages.pages(shared, linking, disputes)]
    return doors, psc_pages.leave(shell, leaving)
