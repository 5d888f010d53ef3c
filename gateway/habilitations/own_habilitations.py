"""What somebody sees of their own habilitations, and who the référents of their structures are (R003-13, R003-14).

Nothing is judged here for an application: a person also sees what has not begun, and what is too old to count. Of a référent
they see the name, the function and the professional address; never a number, nor where their account can be recovered.
"""

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.accounts.account import Account, AccountStatus
from gateway.accounts.ports import Accounts
from gateway.clock import civil_date
from gateway.habilitations.effective_rights import STALE_AFTER, in_force, is_stale
from gateway.habilitations.ports import Habilitations
from gateway.habilitations.role_mapping import RoleMapping


@dataclass(frozen=True, slots=True)
class OwnHabilitation:
    """`counts`: whether it gives something today."""

    role_label: str
    structure: str
    start: datetime.date
    end: datetime.date
    counts: bool


@dataclass(frozen=True, slots=True)
class Referent:
    name: str
    function: str
    structure: str
    email: str | None


class OwnHabilitations:
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

    def of(self, account: Account, now: float) -> Sequence[OwnHabilitation]:
        """Those that are not over, in the order of their structures' names."""
        today = civil_date(now)
        return [
            OwnHabilitation(
                one.role_label,
                structure.name,
                one.start_on,
                one.end_on,
                in_force(one, structure, today) and not is_stale(one, now, self._stale_after),
            )
            for one, structure in self._habilitations.of(account.id)
            if one.end_on >= today
        ]

    def referents(self, account: Account, now: float) -> Sequence[Referent]:
        """Of the structures where the person holds something today, other than themselves."""
        today, mapping = civil_date(now), self._mapping()
        mine = {one.structure_id for one, site in self._habilitations.of(account.id) if in_force(one, site, today)}
        held = [
            (one, structure)
            for one, structure in self._habilitations.in_structures(mine)
            if one.account_id != account.id
            and mapping.role_of(one.role_label) in mapping.referents
            and in_force(one, structure, today)
            and not is_stale(one, now, self._stale_after)
        ]
        ids = {one.account_id for one, _ in held}
        known = self._accounts.known(ids, named=ids)
        return [
            Referent(
                name=f"{person.given_name} {person.family_name}",
                function=one.role_label,
                structure=structure.name,
                email=person.email if person.email_verified_at is not None else None,
            )
            for one, structure in held
            if (person := known.get(one.account_id)) is not None and person.status is AccountStatus.ACTIVE
        ]
