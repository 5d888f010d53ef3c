"""What the habilitations need from outside."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.habilitations.habilitation import Habilitation
from gateway.habilitations.structure import Structure
from gateway.journal.effects import Effects


class SelfGrantError(Exception):
    """Nobody gives a habilitation to oneself; the database refuses it too."""


class HabilitationRefusedError(Exception):
    """The store refuses it; `reason` is `twin` (an active one for the same person, structure, role and source),
    `too_long` (more than two years) or `unknown` (no such account or structure)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class RoleRecord:
    """One line of a role source (ror-and-directory §1.8): a person, a structure, a label. Person and structure are
    typed identifiers, `("rpps", "99900000011")`, `("finess", "990000010")`; dates are ISO dates or None."""

    person: tuple[str, str]
    structure: tuple[str, str]
    role_label: str
    start: str | None
    end: str | None
    source: str
    seen_at: float


class RoleSource(Protocol):
    """Adapters: a CSV file today; a claim, SCIM or LDAP later."""

    def records(self) -> Iterator[RoleRecord]: ...


class StructureSource(Protocol):
    def structures(self) -> Iterator[Structure]: ...


class Structures(Protocol):
    def get(self, structure_id: str) -> Structure | None: ...

    def find_by_finess(self, finess: str) -> Structure | None: ...

    def find_by_siret(self, siret: str) -> Structure | None: ...

    def put(self, structures: Sequence[Structure], effects: Effects) -> None: ...


class Habilitations(Protocol):
    def of(self, account_id: str) -> Sequence[tuple[Habilitation, Structure]]:
        """Every habilitation that is not ended, with its structure; dates are judged by the caller."""
        ...

    def of_many(self, account_ids: Collection[str]) -> Mapping[str, Sequence[tuple[Habilitation, Structure]]]:
        """The same for many accounts, in one reading; an account that holds nothing may be absent."""
        ...

    def in_structures(self, structure_ids: Collection[str]) -> Sequence[tuple[Habilitation, Structure]]:
        """Everybody's, that are not ended, in these structures."""
        ...

    def grant(self, habilitation: Habilitation, effects: Effects) -> None:
        """Raises SelfGrantError when the database refuses a self-grant, HabilitationRefusedError for its other rules."""
        ...

    def end(self, habilitation_id: str, effects: Effects) -> None: ...

    def from_source(self, source: str) -> Sequence[Habilitation]:
        """Those that `source` gave and that are not ended."""
        ...

    def apply(
        self, *, add: Sequence[Habilitation], end: Sequence[str], seen: Sequence[str], seen_at: float, effects: Effects
    ) -> None:
        """One import, in one transaction: ends, then adds. Raises like `grant`, and then nothing of it is written."""
        ...


class AcrScale(Protocol):
    """The order of the authentication levels, known one floor above (signin)."""

    def satisfies(self, acr: str, minimum: str) -> bool: ...
