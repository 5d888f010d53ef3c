"""Reads a structure source and stores what it says (ror-and-directory §1.6, §6.6).

A closed structure keeps its habilitations, suspended: they come back with it. A structure that the source does not mention is
left as it is; only a word of the source closes one. Refuses when too many would close at once, unless a person forces it.
"""

from dataclasses import dataclass, replace

from gateway.clock import Clock
from gateway.habilitations.import_roles import ShrinkingSourceRefused
from gateway.habilitations.ports import Structures, StructureSource
from gateway.habilitations.structure import Structure, StructureKind
from gateway.journal.effects import Effects, because
from gateway.journal.events import Event, Outcome

CLOSING_FRACTION = 0.05
CLOSING_COUNT = 5


@dataclass(frozen=True, slots=True)
class StructureImport:
    """`unknown_parents` counts sites whose legal person is neither in the source nor known: stored without parent."""

    read: int
    closed: int
    unknown_parents: int


def import_structures(
    *,
    reader: StructureSource,
    structures: Structures,
    source: str,
    clock: Clock,
    forced: bool = False,
    operator: str | None = None,
) -> StructureImport:
    """Legal persons first, so that a site always finds its own. ShrinkingSourceRefused when too many would close."""
    read = sorted(reader.structures(), key=lambda structure: (structure.kind is not StructureKind.EJ, structure.id))
    before = {structure.id: structures.get(structure.id) for structure in read}
    open_before = [known for known in before.values() if known is not None and known.active]
    now_closed = {structure.id for structure in read if not structure.active}
    closed = sum(1 for known in open_before if known.id in now_closed)

    def effects(outcome: Outcome, reason: str | None = None) -> Effects:
        details: dict[str, str | int] = {"source": source, "structures": len(read), "ended": closed}
        if operator is not None:
            details["operator"] = operator
        return because(Event("directory.imported", outcome, clock.now(), reason=reason, details=details))

    shrinks = closed > CLOSING_COUNT and closed > CLOSING_FRACTION * len(open_before)
    if shrinks and not forced:
        structures.put((), effects(Outcome.REFUSED, "shrinking_source"))
        raise ShrinkingSourceRefused(
            f"{source}: {closed} of {len(open_before)} open structures would close", lost=closed, live=len(open_before)
        )
    kept = [_with_known_parent(structure, before, structures) for structure in read]
    structures.put(kept, effects(Outcome.SUCCESS, "forced" if shrinks else None))
    orphans = sum(1 for structure, stored in zip(read, kept, strict=True) if structure.parent_id != stored.parent_id)
    return StructureImport(len(read), closed, orphans)


def _with_known_parent(structure: Structure, before: dict[str, Structure | None], structures: Structures) -> Structure:
    parent = structure.parent_id
    if parent is None or parent in before or structures.get(parent) is not None:
        return structure
    return replace(structure, parent_id=None)
