"""POST /par (RFC 9126 §2). Pages of public clients push from a browser: CORS as for tokens."""

from collections.abc import Callable

from gateway.oidc.endpoints.answers import JSON, BrowserClients, context_of, proofs_of
from gateway.oidc.endpoints.client_form import client_form_endpoint
from gateway.oidc.pushed_request import PushedAuthorizationRequests
from gateway.web.machine_door import MachineEndpoint, MachineRequest, MachineResponse


def pushed_request_endpoint(
    requests: PushedAuthorizationRequests, browsers: BrowserClients, nonce: Callable[[], str]
) -> MachineEndpoint:
    async def push(request: MachineRequest) -> MachineResponse:
        authorization = request.headers.get("authorization")
        answer = await requests.answer(request.body, authorization, context_of(request), proofs_of(request))
        return MachineResponse(201, answer, JSON)

    return client_form_endpoint("par", push, browsers, nonce)
