"""An access token presented at one of our own resources (RFC 6750 §2.1, RFC 9449 §7.1): whose it is, and that it may serve.

It comes in the Authorization header, under Bearer or DPoP; it is ours, an access token (never an ID token), in time, for its
own client's resource server; a bound one comes with the proof of its key; and the sign-in behind it is strong and recent enough
for that client. Whether its grant lives is the reader's to ask.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.applications.client import Client
from gateway.applications.ports import Clients
from gateway.keys.signer import Signer, TokenRefused
from gateway.oidc.live_reads import LiveReads
from gateway.oidc.ports import AssuranceRanking
from gateway.oidc.problems import BearerProblem
from gateway.oidc.sender_constraint import SenderConstraints
from gateway.oidc.sender_proofs import SenderProofs
from gateway.oidc.step_up import refuse_too_weak
from gateway.oidc.tokens import ACCESS_TOKEN_TYP

SCHEMES = {"bearer", "dpop"}
_TOKEN = re.compile(r"(bearer|dpop) +([A-Za-z0-9._~+/=-]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """Verified. `grant_id` names the grant that must still be alive."""

    claims: Mapping[str, Any]
    client: Client

    @property
    def grant_id(self) -> str:
        return str(self.claims.get("jti")).partition(".")[0]

    @property
    def account_id(self) -> str | None:
        """As the token names it, for the journal; a pairwise subject names none."""
        return str(self.claims.get("sub")) if self.client.sector is None else None

    @property
    def scope(self) -> tuple[str, ...]:
        return tuple(str(self.claims.get("scope", "")).split())

    @property
    def dpop(self) -> bool:
        """Whether it comes, and its refusal goes, under the scheme DPoP."""
        return "jkt" in self.claims.get("cnf", {})


class PresentedTokens:
    def __init__(
        self,
        *,
        issuer: str,
        signer: Signer,
        clients: Clients,
        reads: LiveReads,
        constraints: SenderConstraints,
        scale: AssuranceRanking,
    ) -> None:
        self._scale = scale
        self._issuer = issuer
        self._signer = signer
        self._clients = clients
        self._reads = reads
        self._constraints = constraints

    async def verified(
        self, authorization: str | None, proofs: SenderProofs, now: float, *, however_weak: bool = False
    ) -> PresentedToken:
        """Raises BearerProblem. `however_weak`: nothing is told nor done for the person that a sign-in must be strong for."""
        if authorization is None:
            raise BearerProblem("", "no token")
        presented = _TOKEN.fullmatch(authorization)
        if presented is None:
            scheme = authorization.partition(" ")[0].lower()
            if scheme and scheme not in SCHEMES:  # RFC 6750 §3.1: as without any, no error is named
                raise BearerProblem("", "another scheme")
            raise BearerProblem("invalid_request", "no access token", status=400)
        by_dpop = presented[1].lower() == "dpop"
        await self._reads.keys()
        try:
            claims = self._signer.verify(
                presented[2],
                expected_typ=ACCESS_TOKEN_TYP,
                expected_issuer=self._issuer,
                expected_audience=None,  # the client's own, known from the claims: just below
                now=now,
            )
        except TokenRefused as refused:
            raise BearerProblem("invalid_token", str(refused), dpop=by_dpop) from refused
        client = self._clients.find(str(claims.get("client_id")))
        if client is None or claims["aud"] != client.audience:
            detail = "the client is unknown, or the audience is not its own"
            raise BearerProblem("invalid_token", detail, dpop=by_dpop)
        await self._constraints.judge_use(presented[2], claims, proofs, now, by_dpop=by_dpop)
        if not however_weak:
            refuse_too_weak(claims, client, self._scale, now)
        return PresentedToken(claims, client)
