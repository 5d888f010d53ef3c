"""Answers what the provider and the journey ask of people, from the accounts and the habilitations."""

from collections.abc import Sequence

from gateway.accounts.account import AccountStatus
from gateway.accounts.ports import Accounts
from gateway.applications.ports import Clients
from gateway.habilitations.live_rights import LiveRights
from gateway.oidc.ports import Person, StructureRights


class PeopleFromAccounts:
    """`oidc.ports.People`."""

    def __init__(self, accounts: Accounts, rights: LiveRights) -> None:
        self._accounts, self._rights = accounts, rights

    def person(self, account_id: str) -> Person | None:
        account = self._accounts.get(account_id)
        if account is None:
            return None
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

    def rights(
        self, account_id: str, role_application: str, acr: str, now: float
    ) -> tuple[Sequence[StructureRights], str, float | None]:
        held, version, as_of = self._rights.rights(account_id, role_application, acr, now)
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
        return rights, version, as_of


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
