"""A client's request by form, up to who asks (RFC 6749 §2.3, §3.2): the same for tokens, revocation and introspection.

Parse once → no parameter twice (but what may be) → authenticate the client → what the endpoint does. Whatever is refused is
journaled, within the quota of its origin and without what was presented.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from gateway.applications.client import Client
from gateway.clock import Clock
from gateway.journal.effects import because
from gateway.journal.events import Event, Outcome
from gateway.journal.quota import LineQuota
from gateway.oidc.client_authentication import ClientAuthentication
from gateway.oidc.parameters import MalformedParameters, UnverifiedParameters, read_parameters
from gateway.oidc.ports import Grants
from gateway.oidc.problems import InvalidClient, TokenProblem
from gateway.oidc.sender_proofs import NO_PROOFS, SenderProofs
from gateway.signin.request_context import RequestContext
from gateway.signin.throttle import ip_block

Answer = TypeVar("Answer")


class ClientRequests:
    """One for all endpoints: they share the quota of journal lines."""

    def __init__(
        self,
        *,
        authentication: ClientAuthentication,
        grants: Grants,
        clock: Clock,
        quota: LineQuota | None = None,
    ) -> None:
        self._authentication = authentication
        self._grants = grants
        self._clock = clock
        self._quota = quota or LineQuota()

    async def answer(
        self,
        body: bytes,
        authorization: str | None,
        context: RequestContext,
        then: Callable[[Client, UnverifiedParameters, Event], Awaitable[Answer]],
        *,
        event: str,
        refused: str,
        proofs: SenderProofs = NO_PROOFS,
        may_repeat: frozenset[str] = frozenset(),
    ) -> Answer:
        """What `then` gives the authenticated client; its last argument is the journal line of this request, named `event`,
        to be completed. Raises TokenProblem; one that is not journaled yet is journaled here, named `refused`. `may_repeat`:
        the parameters that may come several times, which `then` reads with `every`."""
        now, client = self._clock.now(), None

        def line(name: str) -> Event:
            return Event(
                name,
                Outcome.SUCCESS,
                now,
                client=client and client.client_id,
                method=client and client.authentication_method,
                ip=context.ip,
                user_agent=context.user_agent,
                request=context.request,
            )

        try:
            parameters = _parsed(body, may_repeat)
            client = await self._authentication.authenticate(authorization, parameters, proofs)
            return await then(client, parameters, line(event))
        except TokenProblem as problem:
            if not problem.journaled:
                await self._note(line(refused), problem)
            raise

    async def _note(self, event: Event, problem: TokenProblem) -> None:
        if isinstance(problem, InvalidClient):
            event = replace(event, name="client.refused", client=problem.client_id)
        line = replace(event, outcome=Outcome.REFUSED, reason=problem.detail, details={"error": problem.error})
        if (within := self._quota.within(line, ip_block(event.ip or ""))) is not None:
            await self._grants.note(because(within))


def _parsed(body: bytes, may_repeat: frozenset[str]) -> UnverifiedParameters:
    try:
        parameters = read_parameters(body)
    except MalformedParameters:
        raise TokenProblem("invalid_request", "The body is not a form.") from None
    if parameters.repeated - may_repeat:
        raise TokenProblem("invalid_request", "A parameter is present more than once.")
    return parameters
