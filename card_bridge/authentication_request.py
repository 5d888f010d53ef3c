"""The one message a page may send to authenticate, and the one to cancel (cps-card.md §3.6, step 3; BRG-07, BRG-17).

Closed schema of short texts: no origin, hash, algorithm or code field exists, so their presence is a refusal. The body is
known to be at most 8 KiB; anything nested is refused before it is parsed.
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass

from card_bridge.refusals import BridgeRefusal, Code
from card_bridge.version import PROTOCOL

_NONCE = re.compile(r"[A-Za-z0-9_-]{43,128}")
_PURPOSES = frozenset({"login"})
_LANGUAGES = frozenset({"fr", "en"})


@dataclass(frozen=True)
class AuthenticationRequest:
    nonce: str
    purpose: str
    lang: str


def read_authentication_request(body: bytes) -> AuthenticationRequest:
    """Raises BridgeRefusal(INVALID_REQUEST)."""
    fields = _flat_object(body)
    unknown = fields.keys() - {"protocol", "nonce", "purpose", "lang"}
    nonce, purpose, lang = fields.get("nonce", ""), fields.get("purpose"), fields.get("lang", "fr")
    if unknown or fields.get("protocol") != PROTOCOL or purpose not in _PURPOSES or lang not in _LANGUAGES:
        raise BridgeRefusal(Code.INVALID_REQUEST, "schema")
    if not _is_long_enough(nonce):
        raise BridgeRefusal(Code.INVALID_REQUEST, "nonce")
    return AuthenticationRequest(nonce, purpose, lang)


def read_cancellation(body: bytes) -> None:
    """`{}` or `{"protocol": "cps-bridge:1"}`; raises BridgeRefusal(INVALID_REQUEST) otherwise."""
    fields = _flat_object(body)
    if fields not in ({}, {"protocol": PROTOCOL}):
        raise BridgeRefusal(Code.INVALID_REQUEST, "schema")


def _is_long_enough(nonce: str) -> bool:
    """43 characters or more are at least 256 bits; they must be the only base64url writing of them."""
    if not _NONCE.fullmatch(nonce):
        return False
    try:
        value = base64.urlsafe_b64decode(nonce + "=" * (-len(nonce) % 4))
    except (binascii.Error, ValueError):
        return False
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii") == nonce


def _flat_object(body: bytes) -> dict[str, str]:
    if body.count(b"{") != 1 or b"[" in body:
        raise BridgeRefusal(Code.INVALID_REQUEST, "not one flat object")
    try:
        pairs = json.loads(body.decode("utf-8"), object_pairs_hook=list)
    except ValueError as reason:
        raise BridgeRefusal(Code.INVALID_REQUEST, "not JSON in UTF-8") from reason
    if not isinstance(pairs, list):
        raise BridgeRefusal(Code.INVALID_REQUEST, "not an object")
    if len(dict(pairs)) != len(pairs) or not all(isinstance(value, str) for _, value in pairs):
        raise BridgeRefusal(Code.INVALID_REQUEST, "a field twice, or not a text")
    return dict(pairs)
