"""GET and POST /userinfo (OpenID Connect Core §5.3). The token comes in the Authorization header and nowhere else (TOK-10)."""

from collections.abc import Callable

from gateway.oidc.endpoints.answers import (
    NO_STORE,
    BrowserClients,
    context_of,
    json_answer,
    method_not_allowed,
    proofs_of,
)
from gateway.oidc.endpoints.challenge import challenge, nonce_header
from gateway.oidc.problems import BearerProblem
from gateway.oidc.userinfo import Userinfo
from gateway.web.machine_door import MachineEndpoint, MachineRequest, MachineResponse

ALLOWED = "GET, POST, OPTIONS"


def userinfo_endpoint(userinfo: Userinfo, browsers: BrowserClients, nonce: Callable[[], str]) -> MachineEndpoint:
    async def answer(request: MachineRequest) -> MachineResponse:
        if request.method == "OPTIONS":
            return browsers.preflight(request, ALLOWED)
        headers = {**NO_STORE, **browsers.cors(request), **nonce_header(request, nonce)}
        if request.method not in {"GET", "POST"}:
            return method_not_allowed(ALLOWED, headers)
        try:
            _refuse_token_elsewhere(request)
            authorization = request.headers.get("authorization")
            claims = await userinfo.answer(authorization, context_of(request), proofs_of(request))
        except BearerProblem as problem:
            headers["WWW-Authenticate"] = challenge(problem, "userinfo")
            return json_answer(problem.status, {"error": problem.error} if problem.error else {}, headers)
        return json_answer(200, claims, headers)

    return answer


def _refuse_token_elsewhere(request: MachineRequest) -> None:
    if b"access_token" in request.query or b"access_token" in request.body:
        raise BearerProblem("invalid_request", "a token outside the header", status=400)
