"""A DPoP proof (RFC 9449 §4.3): that the sender of this very request holds a key, named by its thumbprint.

CHECKS is the whole of it, in order; last, and only for a proof that passed them all, its `jti` is spent in one step of the
store. A proof without a nonce of ours is asked again with one: it cannot have been made long ago.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from gateway.keys.compact_jws import unverified_header
from gateway.keys.public_key import PublicKey, SignatureRefused, UnusableKeyError, read_public_jwk, verified_claims
from gateway.oidc.dpop_nonces import DpopNonces
from gateway.oidc.ports import ProofKind, UsedProofs
from gateway.oidc.sender_proofs import SenderProofs
from gateway.randomness import base64url

TYP = "dpop+jwt"
ALGORITHMS = ("ES256", "EdDSA", "PS256")
LIMIT = 8 * 1024
JTI_LIMIT = 256
AGE_SECONDS = 300
SKEW_SECONDS = 60
"""How far in the future a sender's clock may be."""
_HEADER_MEMBERS = frozenset({"typ", "alg", "jwk", "kid"})
_PORTS = {"https": 443, "http": 80}


class DpopRefused(Exception):  # noqa: N818 -- the domain's word
    """The reason is for the log; outside, all refused proofs look alike."""


class DpopNonceWanted(DpopRefused):
    """The same proof with the nonce of the answer's header may do."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the proof must be for. `access_token`: the one that came with it, at a resource."""

    method: str
    address: str
    now: float
    nonces: DpopNonces
    access_token: str | None


@dataclass(slots=True)
class Draft:
    """A proof under examination: what came, what is known of it so far."""

    unverified: str
    expected: Expected
    header: Mapping[str, Any] = field(default_factory=dict)
    key: PublicKey | None = None
    claims: Mapping[str, Any] = field(default_factory=dict)

    def text(self, name: str, limit: int) -> str:
        value = self.claims.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= limit:
            raise DpopRefused(f"{name} is missing, or no text")
        return value


def header_is_readable(draft: Draft) -> None:
    if len(draft.unverified) > LIMIT or not draft.unverified.isascii() or draft.unverified.count(".") != 2:
        raise DpopRefused("size or shape")
    try:
        draft.header = unverified_header(draft.unverified)
    except ValueError as error:
        raise DpopRefused("header") from error
    if not set(draft.header) <= _HEADER_MEMBERS:
        raise DpopRefused("header members")


def typ_is_dpop(draft: Draft) -> None:
    if draft.header.get("typ") != TYP:
        raise DpopRefused("typ")


def algorithm_is_on_the_list(draft: Draft) -> None:
    if draft.header.get("alg") not in ALGORITHMS:
        raise DpopRefused("alg")


def key_is_public(draft: Draft) -> None:
    jwk = draft.header.get("jwk")
    if not isinstance(jwk, dict):
        raise DpopRefused("jwk is missing")
    try:
        draft.key = read_public_jwk(jwk)
    except UnusableKeyError as error:
        raise DpopRefused(f"jwk: {error}") from error


def signature_is_the_keys_own(draft: Draft) -> None:
    if draft.key is None:
        raise DpopRefused("jwk")
    try:
        draft.claims = verified_claims(draft.unverified, draft.key, expected_algorithm=draft.header["alg"])
    except SignatureRefused as error:
        raise DpopRefused(str(error)) from error


def htm_is_the_method(draft: Draft) -> None:
    if draft.text("htm", 16) != draft.expected.method:
        raise DpopRefused("htm")


def htu_is_the_address(draft: Draft) -> None:
    """Without query and fragment; scheme and host as RFC 3986 §6.2 compares them."""
    if _normal(draft.text("htu", 1024)) != _normal(draft.expected.address):
        raise DpopRefused("htu")


def iat_is_now(draft: Draft) -> None:
    issued_at, now = draft.claims.get("iat"), draft.expected.now
    if isinstance(issued_at, bool) or not isinstance(issued_at, int | float):
        raise DpopRefused("iat is missing, or no number")
    if not now - AGE_SECONDS < issued_at <= now + SKEW_SECONDS:
        raise DpopRefused("iat is too far from now")


def jti_is_a_name(draft: Draft) -> None:
    draft.text("jti", JTI_LIMIT)


def ath_is_of_the_token(draft: Draft) -> None:
    if draft.expected.access_token is None:
        return
    if draft.text("ath", 64) != base64url(hashlib.sha256(draft.expected.access_token.encode("ascii")).digest()):
        raise DpopRefused("ath")


def nonce_is_ours(draft: Draft) -> None:
    nonce = draft.claims.get("nonce")
    if not isinstance(nonce, str) or not draft.expected.nonces.accepts(nonce, draft.expected.now):
        raise DpopNonceWanted("nonce")


CHECKS: Sequence[Callable[[Draft], None]] = (
    header_is_readable,
    typ_is_dpop,
    algorithm_is_on_the_list,
    key_is_public,
    signature_is_the_keys_own,
    htm_is_the_method,
    htu_is_the_address,
    iat_is_now,
    jti_is_a_name,
    ath_is_of_the_token,
    nonce_is_ours,
)


class DpopProofs:
    """`issuer` begins the address of every endpoint."""

    def __init__(self, used: UsedProofs, nonces: DpopNonces, *, issuer: str) -> None:
        self._used = used
        self._nonces = nonces
        self._issuer = issuer

    async def verified(self, proofs: SenderProofs, now: float, *, access_token: str | None = None) -> str:
        """The thumbprint of the key that made the proof, which is spent. Raises DpopRefused."""
        expected = Expected(proofs.method, self._issuer + proofs.path, now, self._nonces, access_token)
        draft = Draft(proofs.dpop or "", expected)
        for check in CHECKS:
            check(draft)
        if draft.key is None:  # pragma: no cover -- a check above has set it
            raise DpopRefused("jwk")
        until = draft.claims["iat"] + AGE_SECONDS
        if not await self._used.use_once(ProofKind.DPOP, draft.key.thumbprint, draft.claims["jti"], until, now):
            raise DpopRefused("jti was used before")
        return draft.key.thumbprint


def _normal(address: str) -> tuple[str, str, int | None, str]:
    try:
        parts = urlsplit(address)
        port = parts.port if parts.port is not None else _PORTS.get(parts.scheme)
    except ValueError as error:
        raise DpopRefused("htu is no address") from error
    return parts.scheme, parts.hostname or "", port, parts.path or "/"
