"""Userinfo: what may be said of a person to the bearer of an access token (OpenID Connect Core §5.3), signed where wanted.

Claims are read live. This is also where rights that did not fit in a token are found: all of them (TOK-08). A signed answer
says who made it and for whom, and nothing of a time: it is neither an ID token nor an access token, for us or for anyone.
"""

from typing import Any

from gateway.keys.signer import Signer
from gateway.keys.signing_key import Algorithm
from gateway.oidc.claims import Place, identity_claims, rights_claims
from gateway.oidc.sender_proofs import NO_PROOFS, SenderProofs
from gateway.oidc.told_person import Told, ToldPeople
from gateway.signin.request_context import RequestContext

USERINFO_TYP = "JWT"
"""What applications' libraries know. An ID token differs by its times, without which none is accepted."""


class Userinfo:
    def __init__(self, people: ToldPeople, signer: Signer, *, issuer: str) -> None:
        self._people = people
        self._signer = signer
        self._issuer = issuer

    async def answer(
        self, authorization: str | None, context: RequestContext, proofs: SenderProofs = NO_PROOFS
    ) -> dict[str, Any] | str:
        """The claims; a JWT when the client's file says so (§5.3.2). Raises BearerProblem."""
        told = await self._people.told(authorization, context, proofs, resource="userinfo")
        if told.client.userinfo_algorithm is None:
            return _said(told)
        claims = {**_said(told), "iss": self._issuer, "aud": told.client.client_id}
        return self._signer.sign(claims, typ=USERINFO_TYP, algorithm=Algorithm(told.client.userinfo_algorithm))


def _said(told: Told) -> dict[str, Any]:
    asked = (told.grant.claims_request or {}).get("userinfo", ())
    return {
        "sub": told.sub,
        **identity_claims(told.person, told.scope, Place.USERINFO, asked=asked, allowed=told.client.scopes),
        **(rights_claims(told.rights, limit=None) if told.rights is not None else {}),
    }
