"""Pushed authorization requests (RFC 9126; OID-06): a client leaves its request here and sends the browser with a name for it.

The client is authenticated, and the request examined as at the authorization endpoint, where it is examined again: what was
true a minute ago may not be any more. Kept are the parameters that mean something here, in the clear of any object they came
signed in. Public clients may push; since anybody can say to be one, an address may leave only so many.
"""

from dataclasses import replace

import orjson

from gateway.applications.client import Client, ClientAuthenticationMethod
from gateway.clock import Clock
from gateway.journal.effects import because
from gateway.journal.events import Event
from gateway.oidc.authorization_request import PARAMETERS, Draft, Rules, addressed, examine
from gateway.oidc.client_request import ClientRequests
from gateway.oidc.live_reads import LiveReads
from gateway.oidc.parameters import RESOURCE, UnverifiedParameters
from gateway.oidc.policy import ProviderPolicy
from gateway.oidc.ports import PushedRequest, RequestPushes
from gateway.oidc.presented_request import PUSHED, PresentedRequest, by_value
from gateway.oidc.problems import RefusedRequest, TokenProblem, UnusableRequest
from gateway.oidc.sender_constraint import SenderConstraints
from gateway.oidc.sender_proofs import NO_PROOFS, SenderProofs
from gateway.quota import Allowance, Quota
from gateway.randomness import PARTITIONS, Randomness, handle
from gateway.signin.request_context import RequestContext
from gateway.signin.throttle import ip_block

PUSHED_PER_ORIGIN = 2000
"""By public clients, in ten minutes from one address: a hospital's morning."""


class PushedAuthorizationRequests:
    def __init__(
        self,
        requests: ClientRequests,
        *,
        rules: Rules,
        reads: LiveReads,
        constraints: SenderConstraints,
        pushes: RequestPushes,
        policy: ProviderPolicy,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._requests = requests
        self._rules = rules
        self._reads = reads
        self._constraints = constraints
        self._pushes = pushes
        self._policy = policy
        self._clock = clock
        self._randomness = randomness
        self._anonymous = Quota(limit=PUSHED_PER_ORIGIN, seconds=600)

    async def answer(
        self, body: bytes, authorization: str | None, context: RequestContext, proofs: SenderProofs = NO_PROOFS
    ) -> bytes:
        """The body of the response (RFC 9126 §2.2). Raises TokenProblem."""

        async def pushed(client: Client, parameters: UnverifiedParameters, event: Event) -> bytes:
            return await self._pushed(client, parameters, event, proofs)

        return await self._requests.answer(
            body,
            authorization,
            context,
            pushed,
            event="authorization.pushed",
            refused="authorization.push_refused",
            proofs=proofs,
            may_repeat=RESOURCE,
        )

    async def _pushed(
        self, client: Client, parameters: UnverifiedParameters, event: Event, proofs: SenderProofs
    ) -> bytes:
        if client.authentication_method is ClientAuthenticationMethod.NONE:
            self._refuse_flood(event)
        await self._reads.keys()  # what an id_token_hint is verified with
        presented = self._examined(client, parameters, event.at)
        kept = [pair for pair in presented.parameters.pairs if pair[0] in PARAMETERS and pair[1]]
        if proofs.dpop is not None:
            kept += await self._bound(presented.parameters, proofs, event.at)
        pushed = PushedRequest(
            handle=handle(self._randomness, self._randomness(1)[0] % PARTITIONS),
            client_id=client.client_id,
            parameters=tuple(kept),
            signed=presented.signed,
            pushed_at=event.at,
            expires_at=event.at + self._policy.par_ttl_seconds,
        )
        scope = presented.parameters.get("scope", "")
        await self._pushes.push(pushed, because(replace(event, details={"scope": scope})))
        return orjson.dumps({"request_uri": PUSHED + pushed.handle, "expires_in": self._policy.par_ttl_seconds})

    async def _bound(self, parameters: UnverifiedParameters, proofs: SenderProofs, now: float) -> list[tuple[str, str]]:
        """A proof sent here binds the code as `dpop_jkt` does (RFC 9449 §10.1)."""
        proven = await self._constraints.proven_key(proofs, now)
        if parameters.get("dpop_jkt", proven) != proven:
            raise TokenProblem("invalid_dpop_proof", "dpop_jkt names another key than the proof.")
        return [] if "dpop_jkt" in parameters else [("dpop_jkt", proven)]

    def _examined(self, client: Client, parameters: UnverifiedParameters, now: float) -> PresentedRequest:
        if parameters.get("client_id") != client.client_id:
            raise TokenProblem("invalid_request", "client_id is missing.")
        if "request_uri" in parameters:
            raise TokenProblem("invalid_request", "A pushed request has no request_uri.")
        try:
            presented = by_value(parameters, client, issuer=self._rules.issuer, now=now)
            request = addressed(presented.parameters, client, now)
            examine(Draft(presented.parameters, self._rules, client, request, pushed=True, signed=presented.signed))
        except UnusableRequest:
            raise TokenProblem("invalid_request", "The redirect_uri is not one of this client.") from None
        except RefusedRequest as refused:
            raise TokenProblem(refused.error, refused.description) from refused
        return presented

    def _refuse_flood(self, event: Event) -> None:
        if self._anonymous.take(ip_block(event.ip or ""), event.at) is not Allowance.YES:
            raise TokenProblem("temporarily_unavailable", "Too many requests from this address.", status=429)
