"""What a compact JWS says before anybody has verified it (RFC 7515 §3.1): its header, read strictly.

A member written twice is refused: two readers could each see another one. So is half a character (`"\\ud800"`), which JSON can
write and nothing can store.
"""

import base64
import binascii
import json
from typing import Any


def unverified_header(unverified: str) -> dict[str, Any]:
    """The protected header. Raises ValueError."""
    return json_object(_decoded(unverified.split(".", 1)[0]))


def unverified_claims(unverified: str) -> dict[str, Any]:
    """The payload as an object, to learn whose keys to verify it with. Raises ValueError."""
    parts = unverified.split(".")
    if len(parts) != 3:
        raise ValueError("not three parts")
    return json_object(_decoded(parts[1]))


def json_object(raw: bytes | None) -> dict[str, Any]:
    """A JSON object in UTF-8 (RFC 8259 §8.1), in which no member is written twice. Raises ValueError."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            raise ValueError("a member twice")
        return members

    def no_constant(name: str) -> None:
        raise ValueError(name)  # NaN and Infinity, which JSON does not have

    try:
        text = (raw or b"").decode("utf-8")
        decoded = json.loads(text, object_pairs_hook=once, parse_constant=no_constant)
        if "\\u" in text:
            json.dumps(decoded, ensure_ascii=False).encode()  # a UnicodeEncodeError is a ValueError
    except RecursionError as error:
        raise ValueError("too deep") from error
    if not isinstance(decoded, dict):
        raise ValueError("not an object")  # noqa: TRY004 -- malformed input, not a programming error
    return decoded


def _decoded(segment: str) -> bytes:
    try:
        return base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error
