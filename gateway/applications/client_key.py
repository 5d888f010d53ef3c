"""A public key of an application, as its file gives it (RFC 7517; TOK-01, TOK-02).

Each key says its `kid` and its one algorithm, on a list: what a signature says of itself chooses neither. Refused: private and
symmetric keys, RSA under 2048 bits, a key that is no point of its curve, a `use` that is not signing.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from gateway.keys.public_key import UnusableKeyError, read_public_jwk

MIN_EXPONENT = 65537
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_ALLOWED = frozenset({"kty", "crv", "x", "y", "n", "e", "kid", "alg", "use"})
_SHAPES: Mapping[str, tuple[str, str | None, tuple[str, ...]]] = {
    "ES256": ("EC", "P-256", ("x", "y")),
    "EdDSA": ("OKP", "Ed25519", ("x",)),
    "PS256": ("RSA", None, ("n", "e")),
    "RS256": ("RSA", None, ("n", "e")),
}
KEY_ALGORITHMS = tuple(_SHAPES)


@dataclass(frozen=True, slots=True)
class ClientKey:
    """`public` are the members of the JWK that make the key (`kty`, `crv`, `x`, …)."""

    kid: str
    algorithm: str
    public: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def read_client_keys(declared: Sequence[Mapping[str, Any]]) -> tuple[ClientKey, ...]:
    """The keys of a JWK Set. ValueError says what to change, and never repeats what it read."""
    keys = tuple(_key(number, members) for number, members in enumerate(declared))
    if len({key.kid for key in keys}) < len(keys):
        raise ValueError("two keys have the same kid")
    return keys


def _key(number: int, members: Mapping[str, Any]) -> ClientKey:
    where = f"keys.{number}"
    if _PRIVATE & set(members):
        raise ValueError(f"{where}: it holds a private or a symmetric key; only public keys stand in this file")
    if unknown := set(members) - _ALLOWED:
        raise ValueError(f"{where}: no such member here: {', '.join(sorted(unknown))}")
    if not all(isinstance(value, str) for value in members.values()):
        raise ValueError(f"{where}: every member is text")
    if members.get("use", "sig") != "sig":
        raise ValueError(f"{where}: use: only keys for signing (sig) serve here")
    kid, algorithm = members.get("kid", ""), members.get("alg", "")
    if not re.fullmatch(r"[A-Za-z0-9._~-]{1,128}", kid):
        raise ValueError(f"{where}: kid: give the key a name of letters, digits, `.`, `_`, `~` and `-`")
    if algorithm not in _SHAPES:
        raise ValueError(f"{where}: alg: write the one algorithm of this key, of {', '.join(_SHAPES)}")
    kty, crv, parts = _SHAPES[algorithm]
    if members.get("kty") != kty or members.get("crv") != crv:
        raise ValueError(f"{where}: kty and crv are not those of {algorithm}")
    public = {"kty": kty, **({"crv": crv} if crv else {}), **{part: members.get(part, "") for part in parts}}
    if set(public) != set(members) - {"kid", "alg", "use"}:
        raise ValueError(f"{where}: its members are not those of a {kty} key")
    _refuse_unless_sound(where, public)
    return ClientKey(kid, algorithm, MappingProxyType(public))


def _refuse_unless_sound(where: str, public: Mapping[str, str]) -> None:
    """The numbers make a key (gateway/keys), of which RSA's exponent is none of the small ones."""
    try:
        read_public_jwk(public)
    except UnusableKeyError as error:
        raise ValueError(f"{where}: {error}") from None
    if "e" in public and int.from_bytes(base64.urlsafe_b64decode(public["e"] + "==")) < MIN_EXPONENT:
        raise ValueError(f"{where}: e: a number from {MIN_EXPONENT} on")
