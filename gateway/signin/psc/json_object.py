"""Reads what Pro Santé Connect wrote as JSON, strictly: an object, no member twice, no number that is not one (RFC 8259 §4).

Two readers of one text with a member twice may believe two different things; such a text is refused.
"""

import json
from typing import Any, NoReturn


class MalformedObject(ValueError):  # noqa: N818 -- a refusal of the text
    """Not one JSON object; what it holds is not repeated."""


def read_object(unverified: bytes) -> dict[str, Any]:
    try:
        decoded = json.loads(unverified.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise MalformedObject("not a JSON object with each member once") from None
    if not isinstance(decoded, dict):
        raise MalformedObject("not an object")
    return decoded


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member twice")
    return members


def _no_constant(_: str) -> NoReturn:
    raise ValueError("NaN or infinity")
