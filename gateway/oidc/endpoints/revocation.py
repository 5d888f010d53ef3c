"""POST /revoke (RFC 7009 §2). Pages of public clients may ask too: they sign out."""

from gateway.oidc.endpoints.answers import BrowserClients, context_of, proofs_of
from gateway.oidc.endpoints.client_form import client_form_endpoint
from gateway.oidc.revocation import Revocation
from gateway.web.machine_door import MachineEndpoint, MachineRequest, MachineResponse


def revocation_endpoint(revocation: Revocation, browsers: BrowserClients) -> MachineEndpoint:
    async def revoke(request: MachineRequest) -> MachineResponse:
        authorization = request.headers.get("authorization")
        await revocation.answer(request.body, authorization, context_of(request), proofs_of(request))
        return MachineResponse(200, b"", {})

    return client_form_endpoint("revoke", revoke, browsers)
