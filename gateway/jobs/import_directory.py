"""Reads the regional files again and again: structures first, then roles (DECISIONS 16).

The age of what a source says is the age of its file, not of the reading: a source that stopped dropping files stops giving
roles after 72 hours. A file that did not change and is not due again is not read.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.clock import Clock
from gateway.habilitations.import_roles import RoleImport, ShrinkingSourceRefused
from gateway.habilitations.import_structures import import_structures
from gateway.habilitations.ports import RoleSource, Structures, StructureSource

_log = logging.getLogger("passerelle.directory")
AGAIN_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class DirectoryReport:
    structures: int
    added: int
    ended: int
    kept: int
    unknown_labels: int
    unknown_people: int
    unknown_structures: int


class DirectoryImport:
    """`read_roles` and `read_structures` open a file with the port they answer; `seen_at` dates what a file says."""

    def __init__(
        self,
        *,
        roles: RoleImport,
        structures: Structures,
        roles_file: Path | None,
        structures_file: Path | None,
        read_roles: Callable[[Path, float], RoleSource],
        read_structures: Callable[[Path], StructureSource],
        seen_at: Callable[[Path], float],
        source: str,
        clock: Clock,
    ) -> None:
        self._roles, self._structures = roles, structures
        self._roles_file, self._structures_file = roles_file, structures_file
        self._read_roles, self._read_structures = read_roles, read_structures
        self._seen_at, self._source, self._clock = seen_at, source, clock
        self._last: tuple[object, float] | None = None

    def run(self, *, applied: bool, forced: bool = False, operator: str | None = None) -> DirectoryReport:
        """One reading. ShrinkingSourceRefused when too much would end; a dry run writes nothing."""
        read = 0
        if applied and self._structures_file is not None:
            read = import_structures(
                reader=self._read_structures(self._structures_file),
                structures=self._structures,
                source=self._source,
                clock=self._clock,
                forced=forced,
                operator=operator,
            ).read
        if self._roles_file is None:
            return DirectoryReport(read, 0, 0, 0, 0, 0, 0)
        plan = self._roles.plan(
            self._read_roles(self._roles_file, self._seen_at(self._roles_file)), source=self._source
        )
        if applied:
            self._roles.apply(plan, forced=forced, operator=operator)
        changes = plan.changes
        return DirectoryReport(
            structures=read,
            added=len(changes.add),
            ended=len(changes.end),
            kept=len(changes.seen),
            unknown_labels=changes.unknown_labels.total(),
            unknown_people=changes.unknown_people,
            unknown_structures=changes.unknown_structures,
        )

    def run_if_due(self) -> int:
        """For the jobs: reads when a file changed, or an hour after the last reading; never forces anything."""
        now = self._clock.now()
        state = tuple(
            file.stat().st_mtime_ns if file is not None and file.exists() else None
            for file in (self._structures_file, self._roles_file)
        )
        if self._last is not None and self._last[0] == state and 0 <= now - self._last[1] < AGAIN_SECONDS:
            return 0
        self._last = (state, now)
        try:
            self.run(applied=True)
        except (ShrinkingSourceRefused, ValueError) as refusal:
            _log.error("the regional files were not imported: %s", refusal)
        return 0
