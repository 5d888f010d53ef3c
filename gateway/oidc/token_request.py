"""A token request in fixed phases that no grant can skip (RFC 6749 §3.2, §5).

Parse once → no parameter twice → authenticate the client → may it use this grant → the grant's own rule → make the answer →
consume in one step of the store, with its journal line → give it. Whatever is refused is journaled too, without what was
presented.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from gateway.applications.client import Client
from gateway.clock import Clock
from gateway.journal.effects import because
from gateway.journal.events import Event, Outcome
from gateway.journal.quota import LineQuota
from gateway.oidc.client_authentication import ClientAuthentication
from gateway.oidc.parameters import MalformedParameters, UnverifiedParameters, read_parameters
from gateway.oidc.ports import Grants
from gateway.oidc.problems import InvalidClient, TokenProblem
from gateway.oidc.tokens import Issuance, ServiceIssuance, TokenMint
from gateway.signin.request_context import RequestContext
from gateway.signin.throttle import ip_block

Issued = TypeVar("Issued", Issuance, ServiceIssuance)


class GrantRule(Protocol[Issued]):
    """One grant type: judges its request without spending anything, then spends its artefact with the answer made."""

    async def judge(self, client: Client, parameters: Mapping[str, str], event: Event) -> Issued: ...

    async def consume(self, issuance: Issued, parameters: Mapping[str, str], event: Event, answer: bytes) -> bytes:
        """The answer to give: the one made, or an earlier one. Raises TokenProblem when another came first."""
        ...


class TokenRequests:
    def __init__(
        self,
        *,
        authentication: ClientAuthentication,
        grants: Grants,
        rules: Mapping[str, GrantRule[Any]],
        mint: TokenMint,
        clock: Clock,
        quota: LineQuota | None = None,
    ) -> None:
        self._quota = quota or LineQuota()
        self._authentication = authentication
        self._grants = grants
        self._rules = rules
        self._mint = mint
        self._clock = clock

    async def answer(self, body: bytes, authorization: str | None, context: RequestContext) -> bytes:
        """The body of the response. Raises TokenProblem; one that the grant has not journaled is journaled here."""
        event = _event(self._clock.now(), context)
        try:
            parameters = _parsed(body)
            _refuse_repeated(parameters)
            client = await self._authentication.authenticate(authorization, parameters)
            event = replace(event, client=client.client_id, method=client.authentication_method)
            rule = self._rule(client, parameters)
            _refuse_other_resource(client, parameters)
            issuance = await rule.judge(client, parameters, event)
            return await rule.consume(issuance, parameters, event, self._mint.answer(issuance))
        except TokenProblem as problem:
            if not problem.journaled:
                await self._note(event, problem)
            raise

    def _rule(self, client: Client, parameters: Mapping[str, str]) -> GrantRule[Any]:
        grant_type = parameters.get("grant_type")
        if grant_type is None:
            raise TokenProblem("invalid_request", "grant_type is missing.")
        rule = self._rules.get(grant_type)
        if rule is None:
            raise TokenProblem("unsupported_grant_type", "This grant type is not supported.")
        if grant_type not in grants_of(client):
            raise TokenProblem("unauthorized_client", "This client may not use this grant type.")
        return rule

    async def _note(self, event: Event, problem: TokenProblem) -> None:
        name = "token.refused"
        if isinstance(problem, InvalidClient):
            name, event = "client.refused", replace(event, client=problem.client_id)
        details = {"error": problem.error}
        refused = replace(event, name=name, outcome=Outcome.REFUSED, reason=problem.detail, details=details)
        if (line := self._quota.within(refused, ip_block(event.ip or ""))) is not None:
            await self._grants.note(because(line))


def grants_of(client: Client) -> frozenset[str]:
    """What its file gives it."""
    grants = {"authorization_code"} if client.redirect_uris else set()
    if client.refresh_tokens:
        grants.add("refresh_token")
    if client.service_scopes:
        grants.add("client_credentials")
    return frozenset(grants)


def _parsed(body: bytes) -> UnverifiedParameters:
    try:
        return read_parameters(body)
    except MalformedParameters:
        raise TokenProblem("invalid_request", "The body is not a form.") from None


def _refuse_repeated(parameters: UnverifiedParameters) -> None:
    if parameters.repeated:
        raise TokenProblem("invalid_request", "A parameter is present more than once.")


def _refuse_other_resource(client: Client, parameters: Mapping[str, str]) -> None:
    if parameters.get("resource", client.audience) != client.audience:
        raise TokenProblem("invalid_target", "The resource is not the one this client is registered for.")


def _event(now: float, context: RequestContext) -> Event:
    return Event(
        "token.issued", Outcome.SUCCESS, now, ip=context.ip, user_agent=context.user_agent, request=context.request
    )
