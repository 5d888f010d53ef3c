"""GET /v1/me/habilitations (DECISIONS 10)."""

from collections.abc import Callable, Mapping
from typing import Any

from gateway.oidc.endpoints.answers import BrowserClients, context_of, proofs_of
from gateway.oidc.endpoints.resource import resource_endpoint
from gateway.oidc.habilitations import MyHabilitations
from gateway.oidc.parameters import MalformedParameters, read_parameters
from gateway.oidc.problems import BearerProblem
from gateway.web.machine_door import MachineEndpoint, MachineRequest


def habilitations_endpoint(
    habilitations: MyHabilitations, browsers: BrowserClients, nonce: Callable[[], str]
) -> MachineEndpoint:
    async def tell(request: MachineRequest) -> Mapping[str, Any]:
        try:
            asked = read_parameters(request.query)
        except MalformedParameters:
            raise BearerProblem("invalid_request", "malformed query", status=400) from None
        authorization = request.headers.get("authorization")
        return await habilitations.answer(authorization, asked, context_of(request), proofs_of(request))

    return resource_endpoint("habilitations", ("GET",), tell, browsers, nonce)
