"""Structures from a file (ror-and-directory §1.4).

Columns: kind;finess;siret;local_id;finess_ej;name;category;region;department;active. `kind` is EJ, EG or LOCAL; EJ and EG need
a FINESS, LOCAL a SIRET or, failing that, an identifier of the source's own (`local_id`); `finess_ej` is the legal person of an
EG; `category` is a TRE_R66 code, `region` a TRE_R30 code; `active` is 1 or 0. Refuses the same structure on two lines.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from gateway.directory.delimited_file import MAX_OCTETS, LineError, read_lines
from gateway.directory.identifier_shapes import wrong_shape
from gateway.habilitations.structure import Structure, StructureKind

COLUMNS = ("kind", "finess", "siret", "local_id", "finess_ej", "name", "category", "region", "department", "active")
_KINDS = {kind.value: kind for kind in (StructureKind.EJ, StructureKind.EG, StructureKind.LOCAL)}
_ACTIVE = {"1": True, "0": False}


class StructureFile:
    """A StructureSource."""

    def __init__(self, path: Path, *, max_octets: int = MAX_OCTETS) -> None:
        self._path = path
        self._max_octets = max_octets

    def structures(self) -> Iterator[Structure]:
        """Raises UnreadableFileError before the first structure when any line is wrong."""
        seen: set[str] = set()

        def once(line: Mapping[str, str]) -> Structure:
            structure = _structure(line)
            if structure.id in seen:
                raise LineError(f"{structure.id} stands on an earlier line too")
            seen.add(structure.id)
            return structure

        required = ("kind", "finess", "name", "active")
        return iter(read_lines(self._path, columns=COLUMNS, required=required, read=once, max_octets=self._max_octets))


def _structure(line: Mapping[str, str]) -> Structure:
    kind = _KINDS.get(line["kind"])
    if kind is None:
        raise LineError(f"kind is {line['kind']!r}; write {', '.join(_KINDS)}")
    for name in ("finess", "siret", "local_id", "finess_ej"):
        if line[name] and (expected := wrong_shape(name, line[name])):
            raise LineError(f"{name} is not {expected}")
    if not line["name"] or len(line["name"]) > 200 or not line["name"].isprintable():
        raise LineError("name is empty, longer than 200 characters, or holds control characters")
    if line["active"] not in _ACTIVE:
        raise LineError(f"active is {line['active']!r}; write 1 or 0")
    if line["finess_ej"] and kind is not StructureKind.EG:
        raise LineError(f"finess_ej: only an EG has a legal person above it, not a structure of kind {kind.value}")
    return Structure(
        id=_identifier(kind, line),
        kind=kind,
        name=line["name"],
        finess=line["finess"] or None,
        siret=line["siret"] or None,
        parent_id=f"finej:{line['finess_ej']}" if line["finess_ej"] else None,
        category=line["category"] or None,
        region=line["region"] or None,
        department=line["department"] or None,
        active=_ACTIVE[line["active"]],
    )


def _identifier(kind: StructureKind, line: Mapping[str, str]) -> str:
    if kind is StructureKind.LOCAL:
        if line["siret"]:
            return f"siret:{line['siret']}"
        if not line["local_id"]:
            raise LineError("a LOCAL structure needs a siret or a local_id")
        return f"local:{line['local_id']}"
    if not line["finess"]:
        raise LineError(f"a structure of kind {kind.value} needs a finess")
    return f"{'finej' if kind is StructureKind.EJ else 'fineg'}:{line['finess']}"
