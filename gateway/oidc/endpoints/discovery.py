"""GET /.well-known/openid-configuration: what this deployment does, for programs (OID-12)."""

from collections.abc import Sequence

from gateway.applications.ports import Clients
from gateway.oidc.endpoints.answers import ANY_ORIGIN, json_answer, method_not_allowed
from gateway.oidc.live_reads import LiveReads
from gateway.oidc.metadata import discovery_document
from gateway.web.machine_door import MachineEndpoint, MachineRequest, MachineResponse

CACHE_SECONDS = 300


def discovery_endpoint(
    *, issuer: str, reads: LiveReads, clients: Clients, acr_values: Sequence[str]
) -> MachineEndpoint:
    async def discovery(request: MachineRequest) -> MachineResponse:
        if request.method not in {"GET", "HEAD"}:
            return method_not_allowed("GET, HEAD", ANY_ORIGIN)
        ring = await reads.keys()
        document = discovery_document(
            issuer=issuer, algorithms=ring.algorithms(), clients=clients.all(), acr_values=acr_values
        )
        return json_answer(200, document, {**ANY_ORIGIN, "Cache-Control": f"public, max-age={CACHE_SECONDS}"})

    return discovery
