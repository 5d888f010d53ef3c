"""POST /token (RFC 6749 §3.2): a form in the body, never parameters in the address."""

from gateway.oidc.endpoints.answers import JSON, NO_STORE, BrowserClients, context_of, json_answer, method_not_allowed
from gateway.oidc.problems import InvalidClient, TokenProblem
from gateway.oidc.token_request import TokenRequests
from gateway.web.machine_door import MachineEndpoint, MachineRequest, MachineResponse

FORM = "application/x-www-form-urlencoded"
ALLOWED = "POST, OPTIONS"


def token_endpoint(requests: TokenRequests, browsers: BrowserClients) -> MachineEndpoint:
    async def token(request: MachineRequest) -> MachineResponse:
        if request.method == "OPTIONS":
            return browsers.preflight(request, ALLOWED)
        headers = {**NO_STORE, **browsers.cors(request)}
        if request.method != "POST":
            return method_not_allowed(ALLOWED, headers)
        try:
            _refuse_unless_form(request)
            answer = await requests.answer(request.body, request.headers.get("authorization"), context_of(request))
        except TokenProblem as problem:
            if isinstance(problem, InvalidClient) and problem.basic:
                headers["WWW-Authenticate"] = 'Basic realm="token", charset="UTF-8"'
            told = {"error": problem.error, "error_description": problem.description}
            return json_answer(problem.status, told, headers)
        return MachineResponse(200, answer, {**JSON, **headers})

    return token


def _refuse_unless_form(request: MachineRequest) -> None:
    if request.query:
        raise TokenProblem("invalid_request", "Parameters belong in the body.")
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != FORM:
        raise TokenProblem("invalid_request", "The body must be a form.")
