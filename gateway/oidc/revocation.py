"""Revocation: a client gives back a token of its own (RFC 7009).

With a refresh token or an access token ends all that its grant gave; a token without a grant of its own (a service's, an
exchanged one) dies alone. What is unknown, over, or not a token at all is as dead as was asked: no error. The token of another
client is refused. The hint is not needed, so a wrong one does no harm.
"""

from dataclasses import replace

from gateway.applications.client import Client
from gateway.journal.effects import Effects, because
from gateway.journal.events import Event
from gateway.keys.signer import TOKEN_LIMIT
from gateway.oidc.access_tokens import AccessTokens, VerifiedAccessToken
from gateway.oidc.client_request import ClientRequests
from gateway.oidc.live_reads import LiveReads
from gateway.oidc.parameters import UnverifiedParameters
from gateway.oidc.ports import Grants
from gateway.oidc.problems import TokenProblem
from gateway.oidc.refresh_tokens import PresentedRefreshToken, RefreshTokens
from gateway.oidc.sender_proofs import NO_PROOFS, SenderProofs
from gateway.signin.request_context import RequestContext


class Revocation:
    def __init__(
        self,
        requests: ClientRequests,
        *,
        tokens: AccessTokens,
        refresh_tokens: RefreshTokens,
        grants: Grants,
        reads: LiveReads,
    ) -> None:
        self._requests = requests
        self._tokens = tokens
        self._refresh_tokens = refresh_tokens
        self._grants = grants
        self._reads = reads

    async def answer(
        self, body: bytes, authorization: str | None, context: RequestContext, proofs: SenderProofs = NO_PROOFS
    ) -> None:
        """Raises TokenProblem."""
        await self._requests.answer(
            body,
            authorization,
            context,
            self._revoke,
            event="token.revoked",
            refused="token.revocation_refused",
            proofs=proofs,
        )

    async def _revoke(self, client: Client, parameters: UnverifiedParameters, event: Event) -> None:
        unverified = parameters.get("token")
        if unverified is None:
            raise TokenProblem("invalid_request", "token is missing.")
        if len(unverified) > TOKEN_LIMIT:
            return
        if (presented := self._refresh_tokens.read(unverified)) is not None:
            await self._refresh_token(presented, client, event)
            return
        await self._reads.keys()
        if (token := self._tokens.read(unverified, event.at)) is not None:
            await self._access_token(token, client, event)

    async def _refresh_token(self, presented: PresentedRefreshToken, client: Client, event: Event) -> None:
        """A spent one too: it says which grant its client wants to end."""
        grant = await self._grants.find_grant(presented.grant_id, event.at)
        if grant is None:
            return
        _refuse_other_client(grant.client_id, client)
        event = replace(event, actor=grant.account_id, session=grant.session_handle_digest)
        await self._grants.revoke_grant(grant.id, event.at, _revoked(event, "refresh_token", grant_id=grant.id))

    async def _access_token(self, token: VerifiedAccessToken, client: Client, event: Event) -> None:
        _refuse_other_client(token.client_id, client)
        event = replace(event, actor=await self._account_of(token, client, event.at))
        if token.grant_id is None or token.exchanged:
            effects = _revoked(event, "access_token", jti=token.jti)
            await self._grants.silence(token.jti, token.expires_at, event.at, effects)
        else:
            effects = _revoked(event, "access_token", grant_id=token.grant_id, jti=token.jti)
            await self._grants.revoke_grant(token.grant_id, event.at, effects)

    async def _account_of(self, token: VerifiedAccessToken, client: Client, now: float) -> str | None:
        """For the journal: a pairwise subject, or that of an exchange, names no account."""
        if token.grant_id is None or (client.sector is None and not token.exchanged):
            return token.subject
        grant = await self._grants.find_grant(token.grant_id, now)
        return None if grant is None else grant.account_id


def _refuse_other_client(owner: str, client: Client) -> None:
    if owner != client.client_id:
        raise TokenProblem("invalid_grant", "The token was issued to another client.")


def _revoked(event: Event, token_kind: str, **details: str) -> Effects:
    return because(replace(event, details={"token_kind": token_kind, **details}))
