"""Introspection: what a token is worth at this instant (RFC 7662, and RFC 9701 signed; TOK-06, TOK-08).

A confidential client may ask about the access tokens that are for its own resource server, and about its own refresh tokens.
Everything is read live: session, grant, account, the clients' files, and the person's rights, all of them. Of any other token,
whatever the reason, the answer is `{"active": false}` and nothing else. One trip to the ephemeral store; nothing is written.
"""

from collections.abc import Sequence
from typing import Any

from gateway.applications.client import Client, ClientAuthenticationMethod
from gateway.applications.ports import Clients
from gateway.journal.events import Event
from gateway.keys.signer import TOKEN_LIMIT, Signer
from gateway.keys.signing_key import Algorithm
from gateway.oidc.access_tokens import AccessTokens, VerifiedAccessToken
from gateway.oidc.claims import Rights, rights_claims
from gateway.oidc.client_request import ClientRequests
from gateway.oidc.exchanged import in_structure
from gateway.oidc.live_reads import LiveReads
from gateway.oidc.parameters import UnverifiedParameters
from gateway.oidc.ports import Grant, Grants
from gateway.oidc.problems import InvalidClient, TokenProblem
from gateway.oidc.refresh_tokens import PresentedRefreshToken, RefreshTokens
from gateway.oidc.sender_proofs import NO_PROOFS, SenderProofs
from gateway.oidc.subjects import Subjects
from gateway.signin.request_context import RequestContext

INTROSPECTION_TYP = "token-introspection+jwt"
ALGORITHM = Algorithm.ES256
INACTIVE: dict[str, Any] = {"active": False}
_TOLD = ("iss", "sub", "aud", "client_id", "iat", "exp", "jti", "auth_time", "acr", "amr", "sid", "act", "cnf")


class Introspection:
    def __init__(
        self,
        requests: ClientRequests,
        *,
        issuer: str,
        signer: Signer,
        tokens: AccessTokens,
        refresh_tokens: RefreshTokens,
        clients: Clients,
        grants: Grants,
        reads: LiveReads,
        subjects: Subjects,
    ) -> None:
        self._requests = requests
        self._issuer = issuer
        self._signer = signer
        self._tokens = tokens
        self._refresh_tokens = refresh_tokens
        self._clients = clients
        self._grants = grants
        self._reads = reads
        self._subjects = subjects

    async def answer(
        self, body: bytes, authorization: str | None, context: RequestContext, proofs: SenderProofs = NO_PROOFS
    ) -> dict[str, Any]:
        """The members of RFC 7662 §2.2. Raises TokenProblem."""
        _, state, _ = await self._asked(body, authorization, context, proofs)
        return state

    async def signed(
        self, body: bytes, authorization: str | None, context: RequestContext, proofs: SenderProofs = NO_PROOFS
    ) -> str:
        """The same, as a JWT for the client that asks (RFC 9701 §5)."""
        client, state, now = await self._asked(body, authorization, context, proofs)
        await self._reads.keys()
        claims = {
            "iss": self._issuer,
            "aud": client.client_id,
            "iat": int(now),
            "token_introspection": state,
        }
        return self._signer.sign(claims, typ=INTROSPECTION_TYP, algorithm=ALGORITHM)

    async def _asked(
        self, body: bytes, authorization: str | None, context: RequestContext, proofs: SenderProofs = NO_PROOFS
    ) -> tuple[Client, dict[str, Any], float]:
        return await self._requests.answer(
            body,
            authorization,
            context,
            self._judged,
            event="token.introspected",
            refused="token.introspection_refused",
            proofs=proofs,
        )

    async def _judged(
        self, client: Client, parameters: UnverifiedParameters, event: Event
    ) -> tuple[Client, dict[str, Any], float]:
        if client.authentication_method is ClientAuthenticationMethod.NONE:
            raise InvalidClient("a public client proves nothing", client_id=client.client_id)
        unverified = parameters.get("token")
        if unverified is None:
            raise TokenProblem("invalid_request", "token is missing.")
        return client, await self._state(unverified, client, event.at) or INACTIVE, event.at

    async def _state(self, unverified: str, client: Client, now: float) -> dict[str, Any] | None:
        if len(unverified) > TOKEN_LIMIT:
            return None
        if (presented := self._refresh_tokens.read(unverified)) is not None:
            return await self._refresh_token(presented, client, now)
        await self._reads.keys()
        token = self._tokens.read(unverified, now)
        if token is None or token.audience != client.audience:
            return None
        issued_to = self._clients.find(token.client_id)
        if issued_to is None:
            return None
        if token.grant_id is None:
            return await self._of_a_service(token, issued_to, now)
        return await self._of_a_person(token, token.grant_id, issued_to, now)

    async def _of_a_service(self, token: VerifiedAccessToken, service: Client, now: float) -> dict[str, Any] | None:
        scope = [item for item in token.scope if item in service.service_scopes]
        if not scope or await self._grants.is_silenced(token.jti, now):
            return None
        return _members(token, scope)

    async def _of_a_person(
        self, token: VerifiedAccessToken, grant_id: str, issued_to: Client, now: float
    ) -> dict[str, Any] | None:
        grant = await self._grants.find_grant(grant_id, now, jti=token.jti)
        holder = self._clients.find(grant.client_id) if grant is not None else None
        if grant is None or holder is None or (not token.exchanged and issued_to is not holder):
            return None
        scope = [item for item in token.scope if item in holder.scopes]
        if token.exchanged:
            if holder.may_act != issued_to.client_id:
                return None
            scope = [item for item in scope if item in issued_to.exchanges.get(token.audience, ())]
        if not scope:
            return None
        read = await self._reads.person_and_rights(
            grant.account_id, holder, scope=scope, acr=grant.acr, structure=grant.structure, now=now, named=False
        )
        if read is None:
            return None
        return _members(token, scope, _within(token, read[1]))

    async def _refresh_token(
        self, presented: PresentedRefreshToken, client: Client, now: float
    ) -> dict[str, Any] | None:
        found = await self._grants.find_refresh(presented.grant_id, now)
        if found is None:
            return None
        grant, live = found
        if not (presented.is_live(live) and now < live.ends_at) or grant.client_id != client.client_id:
            return None
        if not client.refresh_tokens or not await self._is_active(grant, client, now):
            return None
        return {
            "active": True,
            "iss": self._issuer,
            "sub": self._subjects.sub(grant.account_id, client.sector),
            "client_id": grant.client_id,
            "scope": " ".join(item for item in grant.scope if item in client.scopes),
            "exp": int(min(live.ends_at, grant.expires_at)),
        }

    async def _is_active(self, grant: Grant, client: Client, now: float) -> bool:
        read = await self._reads.person_and_rights(
            grant.account_id, client, scope=(), acr=grant.acr, structure=None, now=now, named=False
        )
        return read is not None


def _within(token: VerifiedAccessToken, rights: Rights | None) -> Rights | None:
    """An exchanged token that names a structure is worth what the person holds there."""
    named = token.claims.get("structure")
    return rights if rights is None or named is None or not token.exchanged else in_structure(rights, named["id"])


def _members(token: VerifiedAccessToken, scope: Sequence[str], rights: Rights | None = None) -> dict[str, Any]:
    bound = token.claims.get("cnf", {})
    return {
        "active": True,
        **{name: token.claims[name] for name in _TOLD if name in token.claims},
        "token_type": "DPoP" if "jkt" in bound else "Bearer",
        "scope": " ".join(scope),
        **(rights_claims(rights, limit=None, named=False) if rights is not None else {}),
    }
