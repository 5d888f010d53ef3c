"""Builds linking, which every means that proves an identity leads to, and its pages."""

from dataclasses import dataclass

from gateway.keys.purposes import Purpose
from gateway.settings import Settings
from gateway.signin.assurance import AssuranceScale
from gateway.signin.demands import Demands
from gateway.signin.linking import pages as linking_pages
from gateway.signin.linking.link import Linking
from gateway.signin.linking.not_me import LinkDisputes
from gateway.signin.linking.pending import IdentitySeal
from gateway.signin.pages import Door, JourneyPages
from gateway.wiring.factors import stored_factors
from gateway.wiring.policies import signin_policy
from gateway.wiring.stores import Stores


@dataclass(frozen=True, slots=True)
class LinkingParts:
    linking: Linking
    disputes: LinkDisputes
    seal: IdentitySeal

    def door(self, shared: JourneyPages) -> Door:
        return linking_pages.pages(shared, self.linking)

    def disputes_door(self, shared: JourneyPages) -> Door:
        return linking_pages.dispute_pages(shared, self.disputes)


def linking_parts(settings: Settings, scale: AssuranceScale, stores: Stores) -> LinkingParts:
    database, ephemeral, clock, randomness = stores.database, stores.ephemeral, stores.clock, stores.randomness
    keys, policy = database.purpose_keys, signin_policy(settings)
    seal = IdentitySeal(keys.get(Purpose.PENDING_IDENTITY), randomness)
    linking = Linking(
        transactions=ephemeral.transactions,
        accounts=database.accounts,
        identities=database.identities,
        links=database.links,
        sessions=ephemeral.sessions,
        spool=ephemeral.spool,
        demands=Demands(scale, policy, stored_factors(database, policy)),
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
    return LinkingParts(linking, disputes, seal)
