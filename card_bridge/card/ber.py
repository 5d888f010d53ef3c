"""A small tolerant BER reader for the card's own files (cps-card.md §1.2): their bit strings are not strictly DER.

It never recurses and never looks beyond what it was given; an indefinite length or a value longer than its file is refused.
"""

from collections.abc import Iterator

from card_bridge.refusals import BridgeRefusal, Code


def _malformed() -> BridgeRefusal:
    return BridgeRefusal(Code.CARD_UNSUPPORTED, "malformed file")


def elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tags (with their class bits, as written) and values, in order; padding 00 or FF after the last one ends the list."""
    at = 0
    while at < len(data) and data[at] not in (0x00, 0xFF):
        start = at
        at += 1
        if data[start] & 0x1F == 0x1F:
            while at < len(data) and at - start < 3 and data[at] & 0x80:
                at += 1
            at += 1
        tag = int.from_bytes(data[start:at], "big")
        length, at = _length(data, at)
        if at + length > len(data):
            raise _malformed()
        yield tag, data[at : at + length]
        at += length


def _length(data: bytes, at: int) -> tuple[int, int]:
    if at >= len(data):
        raise _malformed()
    first = data[at]
    if first < 0x80:
        return first, at + 1
    count = first & 0x7F
    if not 1 <= count <= 2 or at + 1 + count > len(data):
        raise _malformed()
    return int.from_bytes(data[at + 1 : at + 1 + count], "big"), at + 1 + count


def all_of(data: bytes, tag: int) -> list[bytes]:
    return [value for found, value in elements(data) if found == tag]


def first(data: bytes, *path: int) -> bytes | None:
    """The first value under these tags, one inside the other."""
    for tag in path:
        values = all_of(data, tag)
        if not values:
            return None
        data = values[0]
    return data
