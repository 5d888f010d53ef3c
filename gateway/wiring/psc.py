"""Builds Pro Santé Connect: its client, its doors, and the way out through its logout."""

from gateway.clock import Clock
from gateway.keys.purposes import Purpose
from gateway.settings import ConfigurationError, Settings
from gateway.signin.pages import Door, JourneyPages, Leave
from gateway.signin.psc import pages as psc_pages
from gateway.signin.psc.client import PscClient
from gateway.signin.psc.client_secret import read_client_secret
from gateway.signin.psc.environment import PscEnvironment
from gateway.signin.psc.leaving import PscLeaving
from gateway.signin.psc.relying_party import PscRelyingParty
from gateway.signin.psc.signin import PscSignin
from gateway.signin.psc.ways_back import RETURN
from gateway.wiring.linking import LinkingParts
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
    settings: Settings, environment: PscEnvironment, stores: Stores, shared: JourneyPages, parts: LinkingParts
) -> tuple[Door, Leave]:
    ephemeral, clock, randomness = stores.ephemeral, stores.clock, stores.randomness
    provider = psc_client(settings, environment, clock)
    party = PscRelyingParty(environment, provider, clock=clock, randomness=randomness)
    signin = PscSignin(party, parts.linking, ephemeral.transactions, ephemeral.spool, clock)
    form_key = stores.database.purpose_keys.get(Purpose.FORM)
    leaving = PscLeaving(
        environment,
        parts.seal,
        mac=lambda message: form_key.mac(Purpose.FORM, message),
        randomness=randomness,
        return_address=f"{settings.issuer}{RETURN}",
    )
    return psc_pages.pages(shared, signin, leaving), psc_pages.leave(shared.shell, leaving)
