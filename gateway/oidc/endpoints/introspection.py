"""POST /introspect (RFC 7662 §2): JSON, or a JWT for whom its `Accept` asks for one (RFC 9701 §4). Never for a page."""

from gateway.oidc.endpoints.answers import context_of, json_answer, proofs_of
from gateway.oidc.endpoints.client_form import client_form_endpoint
from gateway.oidc.introspection import INTROSPECTION_TYP, Introspection
from gateway.web.machine_door import MachineEndpoint, MachineRequest, MachineResponse

JWT = f"application/{INTROSPECTION_TYP}"


def introspection_endpoint(introspection: Introspection) -> MachineEndpoint:
    async def introspect(request: MachineRequest) -> MachineResponse:
        asked = request.body, request.headers.get("authorization"), context_of(request), proofs_of(request)
        if _wants_jwt(request.headers.get("accept", "")):
            signed = await introspection.signed(*asked)
            return MachineResponse(200, signed.encode(), {"Content-Type": JWT, "X-Content-Type-Options": "nosniff"})
        return json_answer(200, await introspection.answer(*asked), {})

    return client_form_endpoint("introspect", introspect, None)


def _wants_jwt(accept: str) -> bool:
    """Only when it is named: `*/*` gets JSON."""
    return any(item.split(";")[0].strip().lower() == JWT for item in accept.split(","))
