"""Answers what the provider and the journey ask of people, from the accounts and the habilitations."""

import math
from collections.abc import Sequence

from gateway.accounts.account import Account, AccountStatus, KnownPerson
from gateway.accounts.ports import Accounts
from gateway.applications.ports import Clients
from gateway.habilitations.effective_rights import EffectiveRights, RightsInStructure
from gateway.habilitations.live_rights import LiveRights
from gateway.oidc.ports import HeldRights, Person, PersonAsked, Said, StructureRights


class PeopleFromAccounts:
    """`oidc.ports.People`."""

    def __init__(self, accounts: Accounts, rights: LiveRights) -> None:
        self._accounts, self._rights = accounts, rights

    def told(self, asked: Sequence[PersonAsked]) -> Sequence[tuple[Person, HeldRights | None] | None]:
        return [told for told, _, _ in self.told_between(asked)]

    def told_between(
        self, asked: Sequence[PersonAsked]
    ) -> Sequence[tuple[tuple[Person, HeldRights | None] | None, float, float]]:
        """Each answer with the two instants between which the clock alone does not change it."""
        known = self._accounts.known(
            {one.account_id for one in asked}, named={one.account_id for one in asked if one.named}
        )
        wanted = [
            (place, (known[one.account_id], one.role_application, one.acr, one.now))
            for place, one in enumerate(asked)
            if one.role_application is not None and one.account_id in known
        ]
        rights = self._rights.rights_of_many([question for _, question in wanted])
        held = {place: found for (place, _), found in zip(wanted, rights, strict=True)}
        return [
            _between(_person(known[one.account_id]), held.get(place))
            if one.account_id in known
            else (None, -math.inf, math.inf)
            for place, one in enumerate(asked)
        ]

    def person(self, account_id: str) -> Person | None:
        account = self._accounts.get(account_id)
        return None if account is None else _person(account)

    def rights(self, account_id: str, role_application: str, acr: str, now: float) -> HeldRights:
        held, version, as_of = self._rights.rights(account_id, role_application, acr, now)
        return _held(held, version, as_of)


def _person(account: Account | KnownPerson) -> Person:
    return Person(
        account_id=account.id,
        active=account.status is AccountStatus.ACTIVE,
        given_name=account.given_name,
        family_name=account.family_name,
        email=account.email,
        email_verified=account.email_verified_at is not None,
        rpps=account.rpps,
        rpps_proof=account.rpps_proof,
        profession=account.profession,
        language=account.language,
    )


def _between(
    person: Person, found: tuple[EffectiveRights, str] | None
) -> tuple[tuple[Person, HeldRights | None], float, float]:
    if found is None:
        return (person, None), -math.inf, math.inf
    effective, version = found
    return (person, _held(effective.structures, version, effective.as_of)), effective.since, effective.until


def _held(held: Sequence[RightsInStructure], version: str, as_of: float | None) -> HeldRights:
    rights = [
        StructureRights(
            id=item.structure.id,
            name=item.structure.name,
            roles=tuple(item.roles),
            entitlements=tuple(item.entitlements),
            end=item.end.isoformat(),
        )
        for item in held
    ]
    return HeldRights(rights, version, as_of, Said(rights))


class StructuresFromRights:
    """`signin.ports.ActiveStructures`: by the application's name in the mapping."""

    def __init__(self, clients: Clients, rights: LiveRights) -> None:
        self._clients, self._rights = clients, rights

    def structures_of(self, account_id: str, client_id: str, acr: str, now: float) -> Sequence[tuple[str, str]]:
        client = self._clients.find(client_id)
        if client is None or "ror" not in client.scopes:
            return ()
        held = self._rights.structures_of(account_id, client.role_application, acr, now)
        return [(structure.id, structure.name) for structure in held]
