"""Userinfo: what may be said of a person to the bearer of an access token (OpenID Connect Core §5.3, RFC 6750).

The token is judged by `presented_token`, with the proof of the key it is bound to; its grant must still be alive: revoked with
its session or by a replayed code. Claims are read live. This is also where rights that did not fit in a token are found: all of
them (TOK-08).
"""

from dataclasses import replace
from typing import Any

from gateway.applications.client import Client
from gateway.clock import Clock
from gateway.journal.effects import because
from gateway.journal.events import Event, Outcome
from gateway.oidc.claims import Place, identity_claims, rights_claims
from gateway.oidc.live_reads import LiveReads
from gateway.oidc.ports import Grant, Grants
from gateway.oidc.presented_token import PresentedTokens
from gateway.oidc.problems import BearerProblem
from gateway.oidc.sender_proofs import NO_PROOFS, SenderProofs
from gateway.signin.request_context import RequestContext


class Userinfo:
    def __init__(self, tokens: PresentedTokens, *, grants: Grants, reads: LiveReads, clock: Clock) -> None:
        self._tokens = tokens
        self._grants = grants
        self._reads = reads
        self._clock = clock

    async def answer(
        self, authorization: str | None, context: RequestContext, proofs: SenderProofs = NO_PROOFS
    ) -> dict[str, Any]:
        """The claims. Raises BearerProblem."""
        now = self._clock.now()
        token = await self._tokens.verified(authorization, proofs, now)
        claims, client, grant_id = token.claims, token.client, token.grant_id
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
            dpop = "jkt" in claims.get("cnf", {})
            raise BearerProblem("invalid_token", "the grant or the account is no longer alive", dpop=dpop)
        await self._grants.note(because(event))
        return said

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
