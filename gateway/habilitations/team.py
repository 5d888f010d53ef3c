"""Whom a référent answers for, and who the référents of somebody are (ADM-02; DECISIONS 15).

A référent leads the structures where a role of theirs, in force today, is one of the mapping's `referents`; their colleagues
are those who hold something there today. What a source said too long ago counts for neither (DECISIONS 16). Nobody is their own
colleague.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from gateway.accounts.account import Account, AccountStatus, KnownPerson
from gateway.accounts.ports import Accounts
from gateway.clock import civil_date
from gateway.habilitations.effective_rights import STALE_AFTER, in_force, is_stale
from gateway.habilitations.habilitation import Habilitation
from gateway.habilitations.ports import Habilitations
from gateway.habilitations.role_mapping import RoleMapping
from gateway.habilitations.structure import Structure


@dataclass(frozen=True, slots=True)
class Colleague:
    """`structures`: those of the référent where they hold something, in the order of their names."""

    person: KnownPerson
    structures: tuple[Structure, ...]


class Teams:
    """`mapping` is asked at each call, as for the live rights."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        habilitations: Habilitations,
        mapping: Callable[[], RoleMapping],
        stale_after: float = STALE_AFTER,
    ) -> None:
        self._accounts = accounts
        self._habilitations = habilitations
        self._mapping = mapping
        self._stale_after = stale_after

    def led_by(self, account: Account, now: float) -> Mapping[str, Structure]:
        """By identifier."""
        if account.status is not AccountStatus.ACTIVE:
            return {}
        mapping = self._mapping()
        return {
            site.id: site
            for one, site in self._habilitations.of(account.id)
            if self._counts(one, site, now) and mapping.role_of(one.role_label) in mapping.referents
        }

    def colleagues(self, referent: Account, now: float) -> Sequence[Colleague]:
        """Whatever the state of their account, in the order of their names."""
        found: dict[str, dict[str, Structure]] = {}
        for one, site in self._habilitations.in_structures(self.led_by(referent, now)):
            if one.account_id != referent.id and self._counts(one, site, now):
                found.setdefault(one.account_id, {})[site.id] = site
        known = self._accounts.known(found, named=found)
        colleagues = [
            Colleague(known[account_id], tuple(sites.values()))
            for account_id, sites in found.items()
            if account_id in known
        ]
        return sorted(colleagues, key=lambda one: (one.person.family_name, one.person.given_name, one.person.id))

    def shared(self, referent: Account, account_id: str, now: float) -> Sequence[Structure]:
        """The structures that the référent leads and where this person holds something; nothing for oneself."""
        led = self.led_by(referent, now)
        if account_id == referent.id or not led:
            return ()
        held = {site.id: site for one, site in self._habilitations.of(account_id) if self._counts(one, site, now)}
        return tuple(site for key, site in held.items() if key in led)

    def referents(self, structure_ids: Collection[str], now: float, *, besides: Collection[str]) -> Sequence[Account]:
        """The active accounts that lead one of these structures, other than `besides`."""
        mapping = self._mapping()
        ids = {
            one.account_id
            for one, site in self._habilitations.in_structures(structure_ids)
            if self._counts(one, site, now) and mapping.role_of(one.role_label) in mapping.referents
        }
        found = [self._accounts.get(account_id) for account_id in sorted(ids.difference(besides))]
        return [one for one in found if one is not None and one.status is AccountStatus.ACTIVE]

    def referents_of(self, account: Account, now: float) -> Sequence[Account]:
        held = {site.id for one, site in self._habilitations.of(account.id) if self._counts(one, site, now)}
        return self.referents(held, now, besides=(account.id,))

    def _counts(self, one: Habilitation, site: Structure, now: float) -> bool:
        return in_force(one, site, civil_date(now)) and not is_stale(one, now, self._stale_after)
