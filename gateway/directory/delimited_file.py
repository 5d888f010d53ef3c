"""A file of values in columns, as a regional account module drops it: strict, bounded, refused whole.

CSV (RFC 4180 quoting) in UTF-8, with or without BOM, separated by `;` or `|` (the header decides), one header line. Refuses an
unknown, missing or doubled column, a line of another width, bytes that are not UTF-8, a file above the size bound. Each
refusal is a sentence with the line's number; nothing is read from a file that has one wrong line.
"""

import csv
import io
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TypeVar

MAX_OCTETS = 64 * 1024 * 1024
_ERRORS_SHOWN = 10

Line = TypeVar("Line")


class UnreadableFileError(ValueError):
    """One sentence by wrong line, ten at most."""


class LineError(ValueError):
    """What is wrong with one line; the reader adds the line's number."""


def read_lines(
    path: Path,
    *,
    columns: Collection[str],
    required: Collection[str],
    read: Callable[[Mapping[str, str]], Line],
    max_octets: int = MAX_OCTETS,
) -> list[Line]:
    """Every line through `read`, which gets trimmed values by column name (absent columns are empty)."""
    text = _text(path, max_octets)
    first = text.split("\n", 1)[0]
    rows = csv.reader(io.StringIO(text, newline=""), delimiter="|" if "|" in first else ";", strict=True)
    lines: list[Line] = []
    errors: list[str] = []
    try:
        header = _header(next(rows, []), columns, required)
        for row in rows:
            number = rows.line_num
            if not any(value.strip() for value in row):
                continue
            if len(row) != len(header):
                errors.append(f"line {number}: {len(row)} values under {len(header)} columns")
                continue
            values = dict.fromkeys(columns, "") | {name: value.strip() for name, value in zip(header, row, strict=True)}
            try:
                lines.append(read(values))
            except LineError as error:
                errors.append(f"line {number}: {error}")
    except csv.Error as error:
        errors.append(f"line {rows.line_num}: {error}")
    except LineError as error:
        errors.append(f"line 1: {error}")
    if errors:
        more = [f"and {len(errors) - _ERRORS_SHOWN} more wrong lines"] if len(errors) > _ERRORS_SHOWN else []
        raise UnreadableFileError("\n".join(f"{path.name}: {error}" for error in errors[:_ERRORS_SHOWN] + more))
    return lines


def _text(path: Path, max_octets: int) -> str:
    try:
        with path.open("rb") as file:
            octets = file.read(max_octets + 1)
    except OSError as error:
        raise UnreadableFileError(f"{path.name}: cannot be read ({error.strerror})") from None
    if len(octets) > max_octets:
        raise UnreadableFileError(f"{path.name}: is larger than {max_octets} bytes")
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise UnreadableFileError(f"{path.name}: line {line}: is not UTF-8") from None


def _header(row: list[str], columns: Collection[str], required: Collection[str]) -> list[str]:
    header = [name.strip() for name in row]
    if not any(header):
        raise LineError("the header is missing; write the columns' names")
    for name in header:
        if name not in columns:
            raise LineError(f"unknown column {name!r}; known ones: {', '.join(columns)}")
        if header.count(name) > 1:
            raise LineError(f"the column {name} stands twice")
    for name in required:
        if name not in header:
            raise LineError(f"the column {name} is missing")
    return header
