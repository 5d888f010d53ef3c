"""POST /token (RFC 6749 §3.2)."""

from collections.abc import Callable

from gateway.oidc.endpoints.answers import JSON, BrowserClients, context_of, proofs_of
from gateway.oidc.endpoints.client_form import client_form_endpoint
from gateway.oidc.token_request import TokenRequests
from gateway.web.machine_door import MachineEndpoint, MachineRequest, MachineResponse


def token_endpoint(requests: TokenRequests, browsers: BrowserClients, nonce: Callable[[], str]) -> MachineEndpoint:
    async def token(request: MachineRequest) -> MachineResponse:
        authorization = request.headers.get("authorization")
        answer = await requests.answer(request.body, authorization, context_of(request), proofs_of(request))
        return MachineResponse(200, answer, JSON)

    return client_form_endpoint("token", token, browsers, nonce)
