"""Roles from a file of the regional account module (ror-and-directory §1.8).

Columns: rpps;idnat;email;login;finess;siret;idnat_struct;local_id;role_label;start;end. The first filled one of rpps, idnat,
email, login names the person; the first filled one of finess, siret, idnat_struct, local_id (an identifier of the source's own)
the structure; role_label is the source's exact label; start and end are YYYY-MM-DD or empty. Only role_label is a required
column. Format errors refuse the whole file.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from gateway.directory.delimited_file import MAX_OCTETS, LineError, read_lines
from gateway.directory.identifier_shapes import wrong_shape
from gateway.habilitations.ports import RoleRecord
from gateway.habilitations.two_years import civil_date_from

PERSON_COLUMNS = ("rpps", "idnat", "email", "login")
STRUCTURE_COLUMNS = ("finess", "siret", "idnat_struct", "local_id")
COLUMNS = (*PERSON_COLUMNS, *STRUCTURE_COLUMNS, "role_label", "start", "end")
_LABEL_LENGTH = 200


class RoleFile:
    """A RoleSource. `seen_at` is when the source said all this: the file's own age, not the moment of the reading."""

    def __init__(self, path: Path, *, source: str, seen_at: float, max_octets: int = MAX_OCTETS) -> None:
        self._path = path
        self._source = source
        self._seen_at = seen_at
        self._max_octets = max_octets

    def records(self) -> Iterator[RoleRecord]:
        """Raises UnreadableFileError before the first record when any line is wrong."""
        lines = read_lines(
            self._path, columns=COLUMNS, required=("role_label",), read=self._record, max_octets=self._max_octets
        )
        return iter(lines)

    def _record(self, line: Mapping[str, str]) -> RoleRecord:
        person = _first(line, PERSON_COLUMNS, "person")
        structure = _first(line, STRUCTURE_COLUMNS, "structure")
        label = line["role_label"]
        if not label:
            raise LineError("role_label is empty")
        if len(label) > _LABEL_LENGTH or not label.isprintable():
            raise LineError(f"role_label is longer than {_LABEL_LENGTH} characters or holds control characters")
        for name in ("start", "end"):
            if line[name]:
                _date(name, line[name])
        return RoleRecord(
            person=person,
            structure=structure,
            role_label=label,
            start=line["start"] or None,
            end=line["end"] or None,
            source=self._source,
            seen_at=self._seen_at,
        )


def _first(line: Mapping[str, str], kinds: tuple[str, ...], what: str) -> tuple[str, str]:
    for kind in kinds:
        if line[kind] and (expected := wrong_shape(kind, line[kind])):
            raise LineError(f"{kind} is not {expected}")
    for kind in kinds:
        if line[kind]:
            return kind, line[kind]
    raise LineError(f"no {what}: fill one of {', '.join(kinds)}")


def _date(name: str, text: str) -> None:
    try:
        civil_date_from(text)
    except ValueError as error:
        raise LineError(f"{name}: {error}") from None
