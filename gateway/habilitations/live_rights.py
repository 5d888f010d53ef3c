"""The rights of a person as the provider asks for them, read live at each issuance: nothing is remembered (TOK-05, TOK-06).

Also which structures the person can choose from after sign-in: those where the application would receive something.
"""

from collections.abc import Callable, Sequence

from gateway.accounts.account import Account, KnownPerson
from gateway.accounts.ports import Accounts
from gateway.habilitations.effective_rights import STALE_AFTER, EffectiveRights, RightsInStructure, effective_rights
from gateway.habilitations.habilitation import Habilitation
from gateway.habilitations.ports import AcrScale, Habilitations
from gateway.habilitations.role_mapping import RoleMapping
from gateway.habilitations.structure import Structure


class LiveRights:
    """`mapping` is asked at each call, so that a reloaded mapping is used at once."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        habilitations: Habilitations,
        mapping: Callable[[], RoleMapping],
        scale: AcrScale,
        stale_after: float = STALE_AFTER,
    ) -> None:
        self._accounts = accounts
        self._habilitations = habilitations
        self._mapping = mapping
        self._scale = scale
        self._stale_after = stale_after

    def rights(
        self, account_id: str, role_application: str, acr: str, now: float
    ) -> tuple[Sequence[RightsInStructure], str, float | None]:
        """Rights by structure, the mapping's version, and the oldest instant at which a source was read (or None)."""
        mapping = self._mapping()
        effective = self._effective(mapping, account_id, role_application, acr, now)
        return effective.structures, mapping.version, effective.as_of

    def rights_of_many(
        self, asked: Sequence[tuple[KnownPerson, str, str, float]]
    ) -> Sequence[tuple[EffectiveRights, str]]:
        """The same for many people, whose accounts have just been read: (person, application, acr, now)."""
        mapping = self._mapping()
        held = self._habilitations.of_many({person.id for person, *_ in asked}) if asked else {}
        return [
            (self._judged(mapping, person, held.get(person.id, ()), application, acr, now), mapping.version)
            for person, application, acr, now in asked
        ]

    def version(self) -> str:
        """The mapping's, at this instant."""
        return self._mapping().version

    def structures_of(self, account_id: str, role_application: str, acr: str, now: float) -> Sequence[Structure]:
        """The structures where this application gives the person something, in the order of their names."""
        effective = self._effective(self._mapping(), account_id, role_application, acr, now)
        return tuple(rights.structure for rights in effective.structures)

    def _effective(
        self, mapping: RoleMapping, account_id: str, application: str, acr: str, now: float
    ) -> EffectiveRights:
        account = self._accounts.get(account_id)
        if account is None:
            return EffectiveRights()
        return self._judged(mapping, account, self._habilitations.of(account_id), application, acr, now)

    def _judged(
        self,
        mapping: RoleMapping,
        account: Account | KnownPerson,
        habilitations: Sequence[tuple[Habilitation, Structure]],
        application: str,
        acr: str,
        now: float,
    ) -> EffectiveRights:
        return effective_rights(
            account=account,
            habilitations=habilitations,
            mapping=mapping,
            application=application,
            acr=acr,
            scale=self._scale,
            now=now,
            stale_after=self._stale_after,
        )
