"""An access token of ours that comes back (RFC 9068 §4, RFC 8725): its claims, once signature, `typ` and times are verified.

Whether it still means something (its grant, its session, its person) is the reader's to ask, and so is its audience. What is
not ours, is no access token, or is over is None: nobody outside is told which.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.keys.signer import Signer, TokenRefused
from gateway.oidc.tokens import ACCESS_TOKEN_TYP


@dataclass(frozen=True, slots=True)
class VerifiedAccessToken:
    """`grant_id` None: a service acts for itself. `exchanged`: made from another token, for the actor that it names."""

    claims: Mapping[str, Any]
    subject: str
    client_id: str
    audience: str
    jti: str
    scope: tuple[str, ...]
    expires_at: float

    @property
    def grant_id(self) -> str | None:
        grant_id, dot, _ = self.jti.partition(".")
        return grant_id if dot else None

    @property
    def exchanged(self) -> bool:
        return "act" in self.claims


class AccessTokens:
    def __init__(self, signer: Signer, *, issuer: str) -> None:
        self._signer = signer
        self._issuer = issuer

    def read(self, unverified: str, now: float) -> VerifiedAccessToken | None:
        try:
            claims = self._signer.verify(
                unverified,
                expected_typ=ACCESS_TOKEN_TYP,
                expected_issuer=self._issuer,
                expected_audience=None,  # whose it must be depends on who asks
                now=now,
            )
        except TokenRefused:
            return None
        return VerifiedAccessToken(
            claims=claims,
            subject=str(claims["sub"]),
            client_id=str(claims["client_id"]),
            audience=claims["aud"],
            jti=str(claims["jti"]),
            scope=tuple(str(claims["scope"]).split()),
            expires_at=claims["exp"],
        )
