"""The token exchange grant (RFC 8693), inside the house: a person's access token becomes a narrower one for another service.

The token must be for the asking client's own resource server and name that client in `may_act`, which the file of the
application that it was issued to decides; the asking client's file lists the audiences and what they may get. The new token has
no wider scope, no longer life, the rights of one structure only, dies with the same grant, names its actor in `act`, and cannot
be exchanged again. Refused: public clients, actor tokens, tokens of services, and every other type of token.
"""

from collections.abc import Mapping
from dataclasses import replace

from gateway.applications.client import Client
from gateway.applications.ports import Clients
from gateway.journal.effects import because
from gateway.journal.events import Event
from gateway.oidc.access_tokens import AccessTokens, VerifiedAccessToken
from gateway.oidc.claims import Rights
from gateway.oidc.exchanged import in_structure
from gateway.oidc.live_reads import LiveReads
from gateway.oidc.parameters import UnverifiedParameters
from gateway.oidc.ports import Grant, Grants
from gateway.oidc.problems import TokenProblem
from gateway.oidc.sender_proofs import Binding
from gateway.oidc.subjects import exchange_sector
from gateway.oidc.tokens import ACCESS_TOKEN_TYPE, ExchangeIssuance, TokenMint

NAME = "urn:ietf:params:oauth:grant-type:token-exchange"


class TokenExchangeGrant:
    def __init__(
        self, grants: Grants, reads: LiveReads, mint: TokenMint, tokens: AccessTokens, clients: Clients
    ) -> None:
        self._grants = grants
        self._reads = reads
        self._mint = mint
        self._tokens = tokens
        self._clients = clients

    async def judge(
        self, client: Client, parameters: UnverifiedParameters, event: Event, binding: Binding
    ) -> ExchangeIssuance:
        audience = _target(client, parameters)
        token = await self._subject(client, parameters, event.at)
        if "cnf" in token.claims and not binding.name:
            raise TokenProblem("invalid_request", "A token bound to a key becomes one bound to the client's key.")
        grant, holder = await self._alive(client, token, event.at)
        scope = _narrowed(token, client, holder, audience, parameters.get("scope"))
        read = await self._reads.person_and_rights(
            grant.account_id, holder, scope=scope, acr=grant.acr, structure=grant.structure, now=event.at
        )
        if read is None:
            raise _unacceptable()
        structure, rights = _one_structure(read[1], parameters.get("structure"))
        return ExchangeIssuance(
            grant=grant,
            client=client,
            audience=audience,
            sector=exchange_sector(holder, audience, self._clients.all()),
            scope=scope,
            jti=self._mint.new_jti(grant.id),
            now=event.at,
            ends_at=token.expires_at,
            structure=structure,
            rights=rights,
            binding=binding,
        )

    async def consume(
        self, issuance: ExchangeIssuance, parameters: Mapping[str, str], event: Event, answer: bytes
    ) -> bytes:
        """Nothing is spent; the journal line is the one write."""
        grant = issuance.grant
        details = {
            "grant_id": grant.id,
            "jti": issuance.jti,
            "scope": " ".join(issuance.scope),
            "token_kind": "exchanged",
            "audience": issuance.audience,
        }
        event = replace(
            event,
            actor=grant.account_id,
            acr=grant.acr,
            structure=issuance.structure,
            session=grant.session_handle_digest,
            details=details,
        )
        await self._grants.note(because(event))
        return answer

    async def _subject(self, client: Client, parameters: Mapping[str, str], now: float) -> VerifiedAccessToken:
        await self._reads.keys()
        token = self._tokens.read(parameters["subject_token"], now)
        if token is None or token.audience != client.audience:
            raise _unacceptable()
        if token.claims.get("may_act") != {"sub": client.client_id}:
            raise _unacceptable()
        return token

    async def _alive(self, client: Client, token: VerifiedAccessToken, now: float) -> tuple[Grant, Client]:
        """The grant of the token, and the application it was issued to, whose file still lets this client act."""
        grant_id = token.grant_id
        grant = await self._grants.find_grant(grant_id, now, jti=token.jti) if grant_id is not None else None
        holder = self._clients.find(grant.client_id) if grant is not None else None
        if grant is None or holder is None or holder.may_act != client.client_id:
            raise _unacceptable()
        if token.exchanged or grant.client_id != token.client_id:
            raise _unacceptable()
        return grant, holder


def _target(client: Client, parameters: UnverifiedParameters) -> str:
    """RFC 8693 §2.1, §2.2.2. One service at a time; `audience` and `resource` name it alike, as often as they like."""
    for name in ("subject_token", "subject_token_type"):
        if name not in parameters:
            raise TokenProblem("invalid_request", f"{name} is missing.")
    if parameters["subject_token_type"] != ACCESS_TOKEN_TYPE:
        raise TokenProblem("invalid_request", "Only access tokens are exchanged.")
    if parameters.get("requested_token_type", ACCESS_TOKEN_TYPE) != ACCESS_TOKEN_TYPE:
        raise TokenProblem("invalid_request", "Only access tokens are given.")
    if "actor_token" in parameters or "actor_token_type" in parameters:
        raise TokenProblem("invalid_request", "The actor is the client: no actor_token.")
    named = {*parameters.every("audience"), *parameters.every("resource")}
    if not named:
        raise TokenProblem("invalid_request", "audience is missing.")
    audience = named.pop()
    if named:
        raise TokenProblem("invalid_target", "A token is for one service: ask for each of them by itself.")
    if audience not in client.exchanges:
        raise TokenProblem("invalid_target", "This client may not get tokens for that service.")
    return audience


def _narrowed(
    token: VerifiedAccessToken, client: Client, holder: Client, audience: str, asked: str | None
) -> tuple[str, ...]:
    """What the token has, the application may still have, and the service may get: all of it, or less."""
    available = [item for item in token.scope if item in holder.scopes and item in client.exchanges[audience]]
    wanted = available if asked is None else asked.split(" ")
    if not wanted or len(set(wanted)) < len(wanted) or not set(wanted) <= set(available):
        raise TokenProblem("invalid_scope", "The scope is not within what this exchange can give.")
    return tuple(item for item in available if item in wanted)


def _one_structure(rights: Rights | None, asked: str | None) -> tuple[str | None, Rights | None]:
    """The one asked for, else the active one. Without either there is nothing to narrow to: no right in any."""
    if rights is None:
        if asked is not None:
            raise TokenProblem("invalid_request", "structure needs a scope that gives rights.")
        return None, None
    structure = asked if asked is not None else rights.active
    if structure is None:
        return None, replace(rights, structures=())
    narrowed = in_structure(rights, structure)
    if asked is not None and not narrowed.structures:
        raise TokenProblem("invalid_request", "The person holds nothing in the requested structure.")
    return structure, narrowed


def _unacceptable() -> TokenProblem:
    """One sentence for all (RFC 8693 §2.2.2)."""
    return TokenProblem("invalid_request", "The subject token is not acceptable for this request.")
