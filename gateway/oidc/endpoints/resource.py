"""A resource of ours, for the bearer of an access token: what userinfo and its neighbours have in common (RFC 6750 §2.1).

The token comes in the Authorization header and nowhere else (TOK-10); a refusal says why in WWW-Authenticate; nothing is
cached; pages of public clients may read it, refusals included.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gateway.oidc.endpoints.answers import NO_STORE, BrowserClients, json_answer, method_not_allowed
from gateway.oidc.endpoints.challenge import challenge, nonce_header
from gateway.oidc.problems import BearerProblem
from gateway.web.machine_door import MachineEndpoint, MachineRequest, MachineResponse

Tell = Callable[[MachineRequest], Awaitable[Mapping[str, Any] | str]]
"""What it says: JSON, or a JWT. Raises BearerProblem."""


def resource_endpoint(
    name: str, methods: tuple[str, ...], tell: Tell, browsers: BrowserClients, nonce: Callable[[], str]
) -> MachineEndpoint:
    allowed = ", ".join((*methods, "OPTIONS"))

    async def answer(request: MachineRequest) -> MachineResponse:
        if request.method == "OPTIONS":
            return browsers.preflight(request, allowed)
        headers = {**NO_STORE, **browsers.cors(request), **nonce_header(request, nonce)}
        if request.method not in methods:
            return method_not_allowed(allowed, headers)
        try:
            _refuse_token_elsewhere(request)
            said = await tell(request)
        except BearerProblem as problem:
            headers["WWW-Authenticate"] = challenge(problem, name)
            return json_answer(problem.status, {"error": problem.error} if problem.error else {}, headers)
        if isinstance(said, str):
            headers |= {"Content-Type": "application/jwt", "X-Content-Type-Options": "nosniff"}
            return MachineResponse(200, said.encode("ascii"), headers)
        return json_answer(200, said, headers)

    return answer


def _refuse_token_elsewhere(request: MachineRequest) -> None:
    if b"access_token" in request.query or b"access_token" in request.body:
        raise BearerProblem("invalid_request", "a token outside the header", status=400)
