"""An access token presented at one of our own resources (RFC 6750 §2.1, RFC 9449 §7.1): whose it is, and that it may serve.

It comes in the Authorization header, under Bearer or DPoP; it is ours, an access token (never an ID token), in time, for its
own client's resource server; and a bound one comes with the proof of its key. Whether its grant lives is the reader's to ask.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.applications.client import Client
from gateway.applications.ports import Clients
from gateway.keys.signer import Signer, TokenRefused
from gateway.oidc.live_reads import LiveReads
from gateway.oidc.problems import BearerProblem
from gateway.oidc.sender_constraint import SenderConstraints
from gateway.oidc.sender_proofs import SenderProofs
from gateway.oidc.tokens import ACCESS_TOKEN_TYP

_TOKEN = re.compile(r"(bearer|dpop) +([A-Za-z0-9._~+/=-]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """Verified. `grant_id` names the grant that must still be alive."""

    claims: Mapping[str, Any]
    client: Client

    @property
    def grant_id(self) -> str:
        return str(self.claims.get("jti")).partition(".")[0]


class PresentedTokens:
    def __init__(
        self, *, issuer: str, signer: Signer, clients: Clients, reads: LiveReads, constraints: SenderConstraints
    ) -> None:
        self._issuer = issuer
        self._signer = signer
        self._clients = clients
        self._reads = reads
        self._constraints = constraints

    async def verified(self, authorization: str | None, proofs: SenderProofs, now: float) -> PresentedToken:
        """Raises BearerProblem."""
        if authorization is None:
            raise BearerProblem("", "no token")
        presented = _TOKEN.fullmatch(authorization)
        if presented is None:
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
        return PresentedToken(claims, client)
