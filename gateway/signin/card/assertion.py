"""The answer of the bridge as the page hands it over: its size and shape, before anything in it is believed (SV-01, BRG-08).

Refuses another format or algorithm, a member missing or too many, base64 that could be written in two ways, a certificate
beyond 8 KiB. What the bridge says of the card is only ever read against it: a contactless reading proves no code (BRG-14).
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.signin.card.refusals import CardRefused
from gateway.signin.card.signed_value import ALGORITHM, PROTOCOL

CERTIFICATE_LIMIT = 8 * 1024
SIGNATURE_LIMIT = 1024
TEXT_LIMIT = 64
MEMBERS = {"format", "certificate", "algorithm", "signature", "card", "bridge_version"}
CARD_MEMBERS = {"family", "interface"}
FAMILIES = {"cps3", "cps4"}


@dataclass(frozen=True, slots=True)
class UnverifiedAssertion:
    certificate: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    bridge_version: str


def read_assertion(unverified: object) -> UnverifiedAssertion:
    """`unverified` is a decoded JSON value. Raises CardRefused."""
    members = _object(unverified, MEMBERS)
    if members["format"] != PROTOCOL:
        raise CardRefused("assertion: format")
    if members["algorithm"] != ALGORITHM:
        raise CardRefused("assertion: algorithm")
    card = _object(members["card"], CARD_MEMBERS)
    if _text(card["family"]) not in FAMILIES:
        raise CardRefused("assertion: family")
    if _text(card["interface"]) != "contact":
        raise CardRefused("assertion: contactless")
    return UnverifiedAssertion(
        certificate=_octets(members["certificate"], CERTIFICATE_LIMIT, url_safe=False),
        signature=_octets(members["signature"], SIGNATURE_LIMIT, url_safe=True),
        bridge_version=_text(members["bridge_version"]),
    )


def _object(unverified: object, members: set[str]) -> Mapping[str, Any]:
    if not isinstance(unverified, dict) or set(unverified) != members:
        raise CardRefused("assertion: members")
    return unverified


def _text(unverified: object) -> str:
    if not isinstance(unverified, str) or not 0 < len(unverified) <= TEXT_LIMIT or not unverified.isprintable():
        raise CardRefused("assertion: text")
    return unverified


def _octets(unverified: object, limit: int, *, url_safe: bool) -> bytes:
    """Base64 in its one canonical writing: with padding in the plain alphabet, without it in the other."""
    if not isinstance(unverified, str) or not unverified.isascii() or len(unverified) > limit * 4 // 3 + 4:
        raise CardRefused("assertion: base64")
    padded = unverified + "=" * (-len(unverified) % 4) if url_safe else unverified
    try:
        octets = base64.b64decode(padded, altchars=b"-_" if url_safe else None, validate=True)
    except (binascii.Error, ValueError):
        raise CardRefused("assertion: base64") from None
    if not 0 < len(octets) <= limit:
        raise CardRefused("assertion: size")
    again = base64.urlsafe_b64encode(octets).rstrip(b"=") if url_safe else base64.b64encode(octets)
    if again.decode("ascii") != unverified:
        raise CardRefused("assertion: base64")
    return octets
