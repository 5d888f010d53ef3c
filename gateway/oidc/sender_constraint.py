"""To whose key a token is bound when it is issued, and whose must come with it when it is used (RFC 9449 §5, §7; RFC 8705 §3).

A client's file may demand DPoP or its certificate; a client that proves a DPoP key unasked gets bound tokens too. A bound token
without its proof is refused wherever it is presented, so that it is never worth more than it was.
"""

from collections.abc import Mapping
from typing import Any

from gateway.applications.client import Client, SenderConstraint
from gateway.oidc.client_certificate import CertificateRefused, presented_certificate
from gateway.oidc.dpop import DpopNonceWanted, DpopProofs, DpopRefused
from gateway.oidc.problems import BearerProblem, TokenProblem
from gateway.oidc.sender_proofs import UNBOUND, Binding, SenderProofs


class SenderConstraints:
    def __init__(self, dpop: DpopProofs) -> None:
        self._dpop = dpop

    async def binding(self, client: Client, proofs: SenderProofs, now: float) -> Binding:
        """What the tokens of this request are bound to. Raises TokenProblem."""
        if client.sender_constraint is SenderConstraint.MTLS:
            return _of_certificate(proofs, now)
        if proofs.dpop is None and client.sender_constraint is SenderConstraint.NONE:
            return UNBOUND
        return Binding(jkt=await self.proven_key(proofs, now))

    async def proven_key(self, proofs: SenderProofs, now: float) -> str:
        """The thumbprint of the key that a DPoP proof proves. Raises TokenProblem."""
        if proofs.dpop is None:
            raise TokenProblem("invalid_dpop_proof", "This client sends a DPoP proof with each request.")
        try:
            return await self._dpop.verified(proofs, now)
        except DpopNonceWanted as wanted:
            # A step of the protocol and no refusal: nothing for the journal.
            told = "The proof needs the nonce of this answer."
            raise TokenProblem("use_dpop_nonce", told, journaled=True) from wanted
        except DpopRefused as refused:
            raise TokenProblem("invalid_dpop_proof", "The DPoP proof is not valid.", detail=str(refused)) from refused

    async def judge_use(
        self, unverified: str, claims: Mapping[str, Any], proofs: SenderProofs, now: float, *, by_dpop: bool
    ) -> None:
        """That the access token with these verified claims comes with the key it is bound to. `by_dpop`: it came under the
        scheme DPoP. Raises BearerProblem."""
        confirmation = claims.get("cnf", {})
        jkt, x5t = confirmation.get("jkt"), confirmation.get("x5t#S256")
        if by_dpop != (jkt is not None):
            raise BearerProblem("invalid_token", "bound or not, the token came under the other scheme", dpop=by_dpop)
        if jkt is not None and jkt != await self._proven_at_resource(unverified, proofs, now):
            raise BearerProblem("invalid_token", "the token is bound to another key", dpop=True)
        if x5t is not None and x5t != _thumbprint(proofs, now):
            raise BearerProblem("invalid_token", "the token is bound to another certificate")

    async def _proven_at_resource(self, unverified: str, proofs: SenderProofs, now: float) -> str:
        if proofs.dpop is None:
            raise BearerProblem("invalid_dpop_proof", "no proof", dpop=True)
        try:
            return await self._dpop.verified(proofs, now, access_token=unverified)
        except DpopNonceWanted as wanted:
            raise BearerProblem("use_dpop_nonce", "nonce", dpop=True) from wanted
        except DpopRefused as refused:
            raise BearerProblem("invalid_dpop_proof", str(refused), dpop=True) from refused


def _of_certificate(proofs: SenderProofs, now: float) -> Binding:
    if proofs.dpop is not None:
        raise TokenProblem(
            "invalid_request", "The tokens of this client are bound to its certificate, not to a DPoP key."
        )
    try:
        return Binding(x5t=presented_certificate(proofs, now)[0].thumbprint)
    except CertificateRefused as refused:
        description = "This client shows its TLS certificate with each request."
        raise TokenProblem("invalid_request", description, detail=str(refused)) from refused


def _thumbprint(proofs: SenderProofs, now: float) -> str:
    try:
        return presented_certificate(proofs, now)[0].thumbprint
    except CertificateRefused as refused:
        raise BearerProblem("invalid_token", str(refused)) from refused
