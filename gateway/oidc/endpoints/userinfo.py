"""GET and POST /userinfo (OpenID Connect Core §5.3): JSON, or application/jwt for a client whose file says so."""

from collections.abc import Callable, Mapping
from typing import Any

from gateway.oidc.endpoints.answers import BrowserClients, context_of, proofs_of
from gateway.oidc.endpoints.resource import resource_endpoint
from gateway.oidc.userinfo import Userinfo
from gateway.web.machine_door import MachineEndpoint, MachineRequest


def userinfo_endpoint(userinfo: Userinfo, browsers: BrowserClients, nonce: Callable[[], str]) -> MachineEndpoint:
    async def tell(request: MachineRequest) -> Mapping[str, Any] | str:
        return await userinfo.answer(request.headers.get("authorization"), context_of(request), proofs_of(request))

    return resource_endpoint("userinfo", ("GET", "POST"), tell, browsers, nonce)
