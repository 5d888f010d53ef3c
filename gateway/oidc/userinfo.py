"""Userinfo: what may be said of a person to the bearer of an access token (OpenID Connect Core §5.3, RFC 6750).

The token must be ours, an access token (never an ID token), in time, for its own client's resource server, and its grant
must still be alive: revoked with its session or by a replayed code. Claims are read live. This is also where rights that
did not fit in a token are found: all of them (TOK-08).
"""

import re
from dataclasses import replace
from typing import Any

from gateway.applications.client import Client
from gateway.applications.ports import Clients
from gateway.clock import Clock
from gateway.journal.effects import because
from gateway.journal.events import Event, Outcome
from gateway.keys.signer import Signer, TokenRefused
from gateway.oidc.claims import Place, identity_claims, rights_claims
from gateway.oidc.live_reads import LiveReads
from gateway.oidc.ports import Grant, Grants
from gateway.oidc.problems import BearerProblem
from gateway.oidc.tokens import ACCESS_TOKEN_TYP
from gateway.signin.request_context import RequestContext

_BEARER = re.compile(r"[Bb]earer +([A-Za-z0-9._~+/=-]+)")


class Userinfo:
    def __init__(
        self, *, issuer: str, signer: Signer, clients: Clients, grants: Grants, reads: LiveReads, clock: Clock
    ) -> None:
        self._issuer = issuer
        self._signer = signer
        self._clients = clients
        self._grants = grants
        self._reads = reads
        self._clock = clock

    async def answer(self, authorization: str | None, context: RequestContext) -> dict[str, Any]:
        """The claims. Raises BearerProblem."""
        now = self._clock.now()
        await self._reads.keys()
        claims, client = self._verified(authorization, now)
        grant_id, _, _ = str(claims.get("jti")).partition(".")
        grant = await self._grants.find_grant(grant_id, now)
        event = Event(
            "userinfo.read",
            Outcome.SUCCESS,
            now,
            actor=str(claims.get("sub")),
            client=client.client_id,
            ip=context.ip,
            user_agent=context.user_agent,
            request=context.request,
            details={"grant_id": grant_id},
        )
        said = None
        if grant is not None and grant.client_id == client.client_id and grant.account_id == claims.get("sub"):
            said = await self._said(grant, client, now)
        if said is None:
            await self._grants.note(because(replace(event, name="userinfo.refused", outcome=Outcome.REFUSED)))
            raise BearerProblem("invalid_token", "the grant or the account is no longer alive")
        await self._grants.note(because(event))
        return said

    def _verified(self, authorization: str | None, now: float) -> tuple[dict[str, Any], Client]:
        if authorization is None:
            raise BearerProblem("", "no token")
        bearer = _BEARER.fullmatch(authorization)
        if bearer is None:
            raise BearerProblem("invalid_request", "not a bearer token", status=400)
        try:
            claims = self._signer.verify(
                bearer[1],
                expected_typ=ACCESS_TOKEN_TYP,
                expected_issuer=self._issuer,
                expected_audience=None,  # the client's own, known from the claims: just below
                now=now,
            )
        except TokenRefused as refused:
            raise BearerProblem("invalid_token", str(refused)) from refused
        client = self._clients.find(str(claims.get("client_id")))
        if client is None or claims["aud"] != client.audience:
            raise BearerProblem("invalid_token", "the client is unknown, or the audience is not its own")
        return claims, client

    async def _said(self, grant: Grant, client: Client, now: float) -> dict[str, Any] | None:
        read = await self._reads.person_and_rights(
            grant.account_id, client, scope=grant.scope, acr=grant.acr, structure=grant.structure, now=now
        )
        if read is None:
            return None
        person, rights = read
        asked = (grant.claims_request or {}).get("userinfo", ())
        return {
            "sub": grant.account_id,
            **identity_claims(person, grant.scope, Place.USERINFO, asked=asked, allowed=client.scopes),
            **(rights_claims(rights, limit=None) if rights is not None else {}),
        }
