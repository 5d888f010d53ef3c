"""A token request in fixed phases that no grant can skip (RFC 6749 §3.2, §5).

The client is authenticated (client_request) → may it use this grant → which key does it prove → the grant's own rule → make the
answer → consume in one step of the store, with its journal line → give it.
"""

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from gateway.applications.client import Client, ClientAuthenticationMethod
from gateway.journal.events import Event
from gateway.oidc.authorization_request import ONE_RESOURCE
from gateway.oidc.client_request import ClientRequests
from gateway.oidc.grants import token_exchange
from gateway.oidc.parameters import RESOURCE, UnverifiedParameters
from gateway.oidc.problems import TokenProblem
from gateway.oidc.sender_constraint import SenderConstraints
from gateway.oidc.sender_proofs import NO_PROOFS, Binding, SenderProofs
from gateway.oidc.tokens import ExchangeIssuance, Issuance, ServiceIssuance, TokenMint
from gateway.signin.request_context import RequestContext

TARGETS = RESOURCE | {"audience"}
"""What may come several times here; `audience` in a token exchange alone (RFC 8693 §2.1), where the grant reads both."""
Issued = TypeVar("Issued", Issuance, ServiceIssuance, ExchangeIssuance)


class GrantRule(Protocol[Issued]):
    """One grant type: judges its request without spending anything, then spends its artefact with the answer made."""

    async def judge(self, client: Client, parameters: UnverifiedParameters, event: Event, binding: Binding) -> Issued:
        """`binding`: the key that the request proved, to which what it gives is bound."""
        ...

    async def consume(self, issuance: Issued, parameters: Mapping[str, str], event: Event, answer: bytes) -> bytes:
        """The answer to give: the one made, or an earlier one. Raises TokenProblem when another came first."""
        ...


class TokenRequests:
    def __init__(
        self,
        requests: ClientRequests,
        *,
        rules: Mapping[str, GrantRule[Any]],
        mint: TokenMint,
        constraints: SenderConstraints,
    ) -> None:
        self._requests = requests
        self._constraints = constraints
        self._rules = rules
        self._mint = mint

    async def answer(
        self, body: bytes, authorization: str | None, context: RequestContext, proofs: SenderProofs = NO_PROOFS
    ) -> bytes:
        """The body of the response. Raises TokenProblem."""

        async def issued(client: Client, parameters: UnverifiedParameters, event: Event) -> bytes:
            return await self._issued(client, parameters, event, proofs)

        return await self._requests.answer(
            body,
            authorization,
            context,
            issued,
            event="token.issued",
            refused="token.refused",
            proofs=proofs,
            may_repeat=TARGETS,
        )

    async def _issued(
        self, client: Client, parameters: UnverifiedParameters, event: Event, proofs: SenderProofs
    ) -> bytes:
        rule = self._rule(client, parameters)
        if parameters["grant_type"] != token_exchange.NAME:  # its targets are others
            _refuse_other_resource(client, parameters)
        binding = await self._constraints.binding(client, proofs, event.at)
        issuance = await rule.judge(client, parameters, event, binding)
        return await rule.consume(issuance, parameters, event, self._mint.answer(issuance))

    def _rule(self, client: Client, parameters: Mapping[str, str]) -> GrantRule[Any]:
        grant_type = parameters.get("grant_type")
        if grant_type is None:
            raise TokenProblem("invalid_request", "grant_type is missing.")
        rule = self._rules.get(grant_type)
        if rule is None:
            raise TokenProblem("unsupported_grant_type", "This grant type is not supported.")
        if not may_use(client, grant_type):
            raise TokenProblem("unauthorized_client", "This client may not use this grant type.")
        return rule


def may_use(client: Client, grant_type: str) -> bool:
    if grant_type == "authorization_code":
        return bool(client.redirect_uris)
    if grant_type == "refresh_token":
        return client.refresh_tokens
    return grant_type in grants_of(client)


def grants_of(client: Client) -> frozenset[str]:
    """What its file gives it; who acts for itself or for others proves who it is."""
    grants = {"authorization_code"} if client.redirect_uris else set()
    if client.refresh_tokens:
        grants.add("refresh_token")
    proven = client.authentication_method is not ClientAuthenticationMethod.NONE
    if client.service_scopes and proven:
        grants.add("client_credentials")
    if client.exchanges and proven:
        grants.add(token_exchange.NAME)
    return frozenset(grants)


def _refuse_other_resource(client: Client, parameters: UnverifiedParameters) -> None:
    """RFC 8707 §2.2: what was granted is one resource server, the client's own."""
    if parameters.repeated - RESOURCE:
        raise TokenProblem("invalid_request", "A parameter is present more than once.")
    if not set(parameters.every("resource")) <= {client.audience}:
        raise TokenProblem("invalid_target", ONE_RESOURCE)
