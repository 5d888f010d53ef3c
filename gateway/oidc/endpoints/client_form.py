"""An endpoint where a client posts a form and proves who it is: /token, /revoke, /introspect (RFC 6749 §3.2, §5.2).

A form in the body, never parameters in the address; answers and refusals are never cached.
"""

from collections.abc import Awaitable, Callable

from gateway.oidc.endpoints.answers import NO_STORE, BrowserClients, json_answer, method_not_allowed
from gateway.oidc.problems import InvalidClient, TokenProblem
from gateway.web.machine_door import MachineEndpoint, MachineRequest, MachineResponse

FORM = "application/x-www-form-urlencoded"


def client_form_endpoint(
    realm: str,
    answer: Callable[[MachineRequest], Awaitable[MachineResponse]],
    browsers: BrowserClients | None,
    nonce: Callable[[], str] | None = None,
) -> MachineEndpoint:
    """`answer` may raise TokenProblem; its headers are completed. `browsers` None: no page of another origin may ask. `nonce`:
    what the next DPoP proof must hold, for whoever sent one (RFC 9449 §8)."""
    allowed = "POST, OPTIONS" if browsers is not None else "POST"

    async def endpoint(request: MachineRequest) -> MachineResponse:
        if browsers is not None and request.method == "OPTIONS":
            return browsers.preflight(request, allowed)
        headers = {**NO_STORE, **(browsers.cors(request) if browsers is not None else {})}
        if nonce is not None and "dpop" in request.headers:
            headers["DPoP-Nonce"] = nonce()
        if request.method != "POST":
            return method_not_allowed(allowed, headers)
        try:
            _refuse_unless_form(request)
            given = await answer(request)
        except TokenProblem as problem:
            if isinstance(problem, InvalidClient) and problem.basic:
                headers["WWW-Authenticate"] = f'Basic realm="{realm}", charset="UTF-8"'
            told = {"error": problem.error, "error_description": problem.description}
            return json_answer(problem.status, told, headers)
        return MachineResponse(given.status, given.body, {**given.headers, **headers})

    return endpoint


def _refuse_unless_form(request: MachineRequest) -> None:
    if request.query:
        raise TokenProblem("invalid_request", "Parameters belong in the body.")
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != FORM:
        raise TokenProblem("invalid_request", "The body must be a form.")
