"""How a sensitive column is encrypted, and how it is still found (CRY-01, CRY-02, CRY-04).

A field is sealed for its place: table, column, record and format version. Moved elsewhere it does not open. It begins
with the format version (1 octet) and the epoch of its key (2 octets), so that older fields stay readable when the
field-encryption key has a successor. Look-ups go through a keyed hash under a key of its own.
"""

import unicodedata
from collections.abc import Callable
from typing import NamedTuple, Protocol

from gateway.keys.envelope import Envelope, UnreadableError
from gateway.keys.purposes import Purpose, PurposeKey
from gateway.randomness import Randomness

_VERSION = b"\x01"
_HEADER_OCTETS = 3


class Place(NamedTuple):
    """Where a field belongs."""

    table: str
    column: str
    record: str


class FieldKeys(Protocol):
    """The field-encryption keys, by epoch."""

    def newest(self) -> tuple[int, PurposeKey]: ...

    def of_epoch(self, epoch: int) -> PurposeKey:
        """KeyError when there is none."""
        ...


class FieldCipher:
    def __init__(self, keys: FieldKeys, randomness: Randomness) -> None:
        self._keys = keys
        self._randomness = randomness
        self._envelopes: dict[int, Envelope] = {}

    def seal(self, place: Place, content: bytes) -> bytes:
        epoch, key = self._keys.newest()
        header = _VERSION + epoch.to_bytes(2, "big")
        envelope = self._envelope(epoch, key)
        return header + envelope.seal(content, context=_context(place, header), randomness=self._randomness)

    def open(self, expected_place: Place, field: bytes) -> bytes:
        """Raises UnreadableError."""
        header = field[:_HEADER_OCTETS]
        if len(header) != _HEADER_OCTETS or header[:1] != _VERSION:
            raise UnreadableError("not a field of a known format")
        envelope = self._envelope(int.from_bytes(header[1:], "big"))
        return envelope.open(field[_HEADER_OCTETS:], expected_context=_context(expected_place, header))

    def _envelope(self, epoch: int, key: PurposeKey | None = None) -> Envelope:
        envelope = self._envelopes.get(epoch)
        if envelope is None:
            try:
                key = key or self._keys.of_epoch(epoch)
            except KeyError:
                raise UnreadableError(f"no field-encryption key of epoch {epoch}") from None
            envelope = self._envelopes[epoch] = Envelope(key.for_purpose(Purpose.FIELD_ENCRYPTION))
        return envelope


def _context(place: Place, header: bytes) -> tuple[bytes, ...]:
    return (place.table.encode(), place.column.encode(), place.record.encode(), header)


def folded(typed: str) -> str:
    """One spelling for names and addresses that people see as the same: surrounding spaces, case and width aside."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", typed.strip()).casefold())


class BlindIndex:
    """Finds a record by a field that is encrypted: HMAC-SHA-256 of its folded value, separate for each column."""

    def __init__(self, key: Callable[[], PurposeKey]) -> None:
        self._key = key

    def of(self, table: str, column: str, value: str) -> bytes:
        return self._key().mac(Purpose.BLIND_INDEX, table.encode(), column.encode(), folded(value).encode())
