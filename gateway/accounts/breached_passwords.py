"""Passwords that a breach made public, mirrored on this machine by the operator (PWD-04).

Reads either of two files, by binary search on the disk: the sorted lines `SHA-1:count` of the public corpus, or the compact
file that `passerelle passwords index` makes of them. Nothing is asked of anybody: no password, hash or prefix of one leaves
the host. Refuses a file that is neither.
"""

import hashlib
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

_MAGIC = b"breached-passwords:1\n"
_KEPT = 10
"""Octets of each SHA-1 that the compact file keeps: a billion of them and one stranger meet by chance once in 10^15."""
_LONGEST_LINE = 128
_LINE = re.compile(rb"([0-9A-Fa-f]{40})(?::([0-9]{1,15}))?\s*")


class UnreadableSetError(ValueError):
    """The file is not there, or is neither of the two forms; the sentence says where it goes wrong."""


def sha1_of(password: str) -> bytes:
    """What the public corpus names passwords by; nothing rests on its strength."""
    octets = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    return hashlib.sha1(octets, usedforsecurity=False).digest()


class BreachedPasswords:
    """The set in `path`, which may be replaced by a rename while the gateway runs: it is opened for each question."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.check()

    def check(self) -> None:
        """Raises UnreadableSetError."""
        try:
            with self._path.open("rb") as file:
                head = file.read(_LONGEST_LINE)
        except OSError as error:
            raise UnreadableSetError(f"{self._path}: cannot be read ({error.strerror})") from None
        compact = head.startswith(_MAGIC)
        if compact and (self._path.stat().st_size - len(_MAGIC)) % _KEPT:
            raise UnreadableSetError(f"{self._path}: its end is cut off; make it again")
        if not compact and not _LINE.fullmatch(head.partition(b"\n")[0]):
            raise UnreadableSetError(
                f"{self._path}: neither sorted lines of `SHA-1:count` nor made by `passerelle passwords index`"
            )

    def __contains__(self, password: object) -> bool:
        if not isinstance(password, str):
            return False
        wanted = sha1_of(password)
        with self._path.open("rb") as file:
            if file.read(len(_MAGIC)) == _MAGIC:
                return _in_compact(file, wanted[:_KEPT])
            return _in_lines(file, wanted.hex().upper().encode())


def _in_compact(file: BinaryIO, wanted: bytes) -> bool:
    low, high = 0, (os.fstat(file.fileno()).st_size - len(_MAGIC)) // _KEPT
    while low < high:
        middle = (low + high) // 2
        file.seek(len(_MAGIC) + middle * _KEPT)
        found = file.read(_KEPT)
        if found == wanted:
            return True
        low, high = (middle + 1, high) if found < wanted else (low, middle)
    return False


def _in_lines(file: BinaryIO, wanted: bytes) -> bool:
    """The first line that begins at or after each middle is compared; lines are of unequal length."""
    low, high = 0, os.fstat(file.fileno()).st_size
    while low < high:
        middle = (low + high) // 2
        file.seek(max(middle - 1, 0))
        if middle:
            file.readline(_LONGEST_LINE)
        begins = file.tell()
        found = file.readline(_LONGEST_LINE)[: len(wanted)].upper()
        if found == wanted:
            return True
        if not found or begins >= high or found > wanted:
            high = middle
        else:
            low = begins + 1
    return False


def index(source: Path, target: Path, *, at_least: int = 1, told: Callable[[int], None] = lambda _: None) -> int:
    """Writes the compact file of those that were seen `at_least` so often, whole or not at all; returns how many. `told` hears
    how many lines were read, from time to time. Raises UnreadableSetError."""
    unfinished = target.with_name(target.name + ".unfinished")
    kept = 0
    try:
        with source.open("rb") as lines, unfinished.open("wb") as file:
            file.write(_MAGIC)
            for digest in _sorted_digests(source, lines, at_least, told):
                file.write(digest[:_KEPT])
                kept += 1
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    except OSError as error:
        raise UnreadableSetError(f"{error.filename or source}: {error.strerror}") from None
    finally:
        unfinished.unlink(missing_ok=True)
    return kept


def _sorted_digests(
    source: Path, lines: Iterable[bytes], at_least: int, told: Callable[[int], None]
) -> Iterator[bytes]:
    before = b""
    for number, line in enumerate(lines, 1):
        found = _LINE.fullmatch(line)
        if found is None:
            raise UnreadableSetError(f"{source}: line {number} is not `SHA-1:count`")
        digest = bytes.fromhex(found[1].decode())
        if digest <= before:
            raise UnreadableSetError(f"{source}: line {number} is not in its order; sort the file first")
        before = digest
        if number % 1_000_000 == 0:
            told(number)
        if int(found[2] or 1) >= at_least:
            yield digest
