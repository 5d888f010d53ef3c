"""Signs our tokens and verifies them when they come back (TOK-01, TOK-03; RFC 8725 §3).

The algorithm is the key's own, never the token's choice; the key is the one that `kid` names in our ring; `typ` is
explicit. A header with anything but `alg`, `kid` and `typ` (so `jku`, `jwk`, `x5u`, `crit`…) is refused before any
cryptography, and so is a token longer than we ever make. Only compact JWS of our own keys are understood here.

ES256 is written and checked over `cryptography` itself (decision record 0005), and a token whose signature was found right is
known again for a while by its digest: everything else about it is judged each time.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from joserfc import jws
from joserfc.errors import JoseError

from gateway.keys import es256
from gateway.keys.chosen_algorithm import ChosenAlgorithm
from gateway.keys.compact_jws import json_object, unverified_header
from gateway.keys.key_ring import KeyRing, RingKey
from gateway.keys.signing_key import Algorithm

TOKEN_LIMIT = 16 * 1024
CLOCK_SKEW_SECONDS = 60
"""Between our own processes."""
KNOWN_SIGNATURES = 2048
"""Tokens whose signature needs no second look: applications ask about the same one many times."""
HEADER_MEMBERS = {"alg", "kid", "typ"}
_REGISTRY = ChosenAlgorithm()


class TokenRefused(Exception):  # noqa: N818 -- the domain's word
    """The reason is for the log; outside, all refused tokens look alike."""


class Signer:
    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        self._known: dict[bytes, tuple[RingKey, bytes]] = {}

    def keep_fresh(self) -> None:
        """Reads the keys again when they are due. Blocking: for the people's door."""
        self._ring.keep_fresh()

    def sign(self, claims: Mapping[str, Any], *, typ: str, algorithm: Algorithm) -> str:
        """A compact JWS by the active key of this algorithm."""
        key = self._ring.active(algorithm)
        payload = orjson.dumps(claims if type(claims) is dict else dict(claims))
        if key.private is not None:
            return es256.signed(key.header_segment(typ), payload, key.private)
        header = {"alg": str(algorithm), "kid": key.kid, "typ": typ}
        return jws.serialize_compact(header, payload, key.key, registry=_REGISTRY)

    def verify(
        self,
        unverified: str,
        *,
        expected_typ: str,
        expected_issuer: str,
        expected_audience: str | None,
        now: float,
        accept_expired: bool = False,
    ) -> dict[str, Any]:
        """The claims, or TokenRefused. `expected_audience` None: the caller knows it only from the claims, and checks it.
        `accept_expired` is for `id_token_hint` alone."""
        claims = self._verified_payload(unverified, expected_typ)
        if claims.get("iss") != expected_issuer:
            raise TokenRefused("issuer")
        if not isinstance(claims.get("aud"), str) or expected_audience not in (None, claims["aud"]):
            raise TokenRefused("audience")
        issued_at, expires_at = _instant(claims, "iat"), _instant(claims, "exp")
        if issued_at > now + CLOCK_SKEW_SECONDS:
            raise TokenRefused("issued in the future")
        if expires_at <= now and not accept_expired:
            raise TokenRefused("expired")
        return claims

    def _verified_payload(self, unverified: str, expected_typ: str) -> dict[str, Any]:
        if len(unverified) > TOKEN_LIMIT or not unverified.isascii():
            raise TokenRefused("size or alphabet")
        encoded = unverified.encode("ascii")
        own = self._ring.es256_of(encoded.partition(b".")[0], expected_typ)
        if own is not None:
            return self._own_payload(encoded, own)
        try:
            header = unverified_header(unverified)
        except ValueError as error:
            raise TokenRefused("header") from error
        if set(header) != HEADER_MEMBERS or not all(isinstance(value, str) for value in header.values()):
            raise TokenRefused("header members")
        key = self._ring.verifying(header["kid"])
        if key is None:
            raise TokenRefused("unknown key")
        if header["alg"] != key.algorithm:
            raise TokenRefused("algorithm is not the key's own")
        if header["typ"] != expected_typ:
            raise TokenRefused("typ")
        try:
            verified = jws.deserialize_compact(unverified, key.key, registry=_REGISTRY)
            return json_object(verified.payload)
        except (JoseError, ValueError) as error:
            raise TokenRefused("signature or payload") from error

    def _own_payload(self, encoded: bytes, key: RingKey) -> dict[str, Any]:
        """Its header is, to the byte, the one that we write with this key."""
        name = hashlib.sha256(encoded).digest()
        known = self._known.get(name)
        if known is not None and known[0] is key:  # not one that a later reading of the keys replaced
            payload: bytes | None = known[1]
        else:
            payload = es256.payload_of(encoded, key.public) if key.public is not None else None
            if payload is None:
                raise TokenRefused("signature")
            try:
                json_object(payload)
            except ValueError as error:
                raise TokenRefused("payload") from error
            if len(self._known) >= KNOWN_SIGNATURES:
                self._known.clear()
            self._known[name] = key, payload
        claims: dict[str, Any] = orjson.loads(payload or b"")
        return claims


def _instant(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRefused(name)
    return value
