"""Userinfo: believed only about the person of the ID token, cut down to the configured claims (PSC-04, §2.3 item 4).

Refuses another subject, anything but JSON (a signed answer included, PSC-R12), a claim of another type than it should have.
Missing, null and empty mean the same; unknown members are dropped unread (PSC-R14).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gateway.signin.psc.environment import PscEnvironment
from gateway.signin.psc.id_token import VerifiedIdToken
from gateway.signin.psc.json_object import MalformedObject, read_object
from gateway.signin.psc.ports import UnverifiedUserinfo
from gateway.signin.psc.refusals import PscRefused

MAX_TEXT = 500
MAX_ITEMS = 200
ALIASES = {"otherIDs": "otherIds"}
"""Spellings seen in the agency's own samples (§3.3)."""

_SHAPES: Mapping[str, type] = {"otherIds": list, "SubjectRefPro": dict, "SubjectRole": list}
"""Claims that are not text."""


def verified_userinfo(
    unverified: UnverifiedUserinfo, *, id_token: VerifiedIdToken, environment: PscEnvironment
) -> Mapping[str, Any]:
    """The kept claims, each of its type; raises PscRefused."""
    if unverified.content_type.partition(";")[0].strip().lower() != "application/json":
        raise PscRefused("userinfo: not JSON")
    try:
        members = read_object(unverified.body)
    except MalformedObject:
        raise PscRefused("userinfo: malformed") from None
    if members.get("sub") != id_token.subject:
        raise PscRefused("userinfo: sub")
    kept: dict[str, Any] = {}
    for written, value in members.items():
        name = ALIASES.get(written, written)
        if name in environment.claims and value not in (None, "") and kept.setdefault(name, value) != value:
            raise PscRefused(f"userinfo: {name}")
    for name, value in kept.items():
        if not isinstance(value, _SHAPES.get(name, str)) or (isinstance(value, str) and not is_text(value)):
            raise PscRefused(f"userinfo: {name}")
    return MappingProxyType(kept)


def is_text(value: object) -> bool:
    """Of a sane length, without control characters."""
    return isinstance(value, str) and len(value) <= MAX_TEXT and value.isprintable()


def text(member: Mapping[str, Any], name: str) -> str:
    """A leaf of the professional reference: all are text (§3.3, even numbers and yes or no); nothing is ""."""
    value = member.get(name)
    if value is None:
        return ""
    if not is_text(value):
        raise PscRefused(f"userinfo: {name}")
    return str(value)


def objects(member: Mapping[str, Any], name: str) -> tuple[Mapping[str, Any], ...]:
    """A list of objects; nothing, null and "" are the empty one."""
    value = member.get(name)
    if value in (None, ""):
        return ()
    if not isinstance(value, list) or len(value) > MAX_ITEMS or not all(isinstance(item, dict) for item in value):
        raise PscRefused(f"userinfo: {name}")
    return tuple(value)
