"""GET and POST /userinfo (OpenID Connect Core §5.3). The token comes in the Authorization header and nowhere else (TOK-10)."""

from gateway.oidc.endpoints.answers import NO_STORE, BrowserClients, context_of, json_answer, method_not_allowed
from gateway.oidc.problems import BearerProblem
from gateway.oidc.userinfo import Userinfo
from gateway.web.machine_door import MachineEndpoint, MachineRequest, MachineResponse

ALLOWED = "GET, POST, OPTIONS"


def userinfo_endpoint(userinfo: Userinfo, browsers: BrowserClients) -> MachineEndpoint:
    async def answer(request: MachineRequest) -> MachineResponse:
        if request.method == "OPTIONS":
            return browsers.preflight(request, ALLOWED)
        headers = {**NO_STORE, **browsers.cors(request)}
        if request.method not in {"GET", "POST"}:
            return method_not_allowed(ALLOWED, headers)
        try:
            _refuse_token_elsewhere(request)
            claims = await userinfo.answer(request.headers.get("authorization"), context_of(request))
        except BearerProblem as problem:
            error = f', error="{problem.error}"' if problem.error else ""
            headers["WWW-Authenticate"] = f'Bearer realm="userinfo"{error}'
            headers["Access-Control-Expose-Headers"] = "WWW-Authenticate"
            return json_answer(problem.status, {"error": problem.error} if problem.error else {}, headers)
        return json_answer(200, claims, headers)

    return answer


def _refuse_token_elsewhere(request: MachineRequest) -> None:
    if b"access_token" in request.query or b"access_token" in request.body:
        raise BearerProblem("invalid_request", "a token outside the header", status=400)
