"""GET /jwks: the published keys (RFC 7517 §5). Cacheable for an hour: a new key is published a day before it signs."""

from gateway.oidc.endpoints.answers import ANY_ORIGIN, json_answer, method_not_allowed
from gateway.oidc.live_reads import LiveReads
from gateway.web.machine_door import MachineEndpoint, MachineRequest, MachineResponse

CACHE_SECONDS = 3600


def jwks_endpoint(reads: LiveReads) -> MachineEndpoint:
    async def jwks(request: MachineRequest) -> MachineResponse:
        if request.method not in {"GET", "HEAD"}:
            return method_not_allowed("GET, HEAD", ANY_ORIGIN)
        ring = await reads.keys()
        headers = {**ANY_ORIGIN, "Cache-Control": f"public, max-age={CACHE_SECONDS}"}
        return json_answer(200, ring.jwks(), headers)

    return jwks
