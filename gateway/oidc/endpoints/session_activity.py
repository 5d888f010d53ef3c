"""POST /v1/session/activity: the person is here; GET: what is left of her session, without counting as use (DECISIONS 11)."""

from collections.abc import Callable

from gateway.oidc.endpoints.answers import NO_STORE, BrowserClients, json_answer, method_not_allowed, proofs_of
from gateway.oidc.endpoints.challenge import challenge, nonce_header
from gateway.oidc.problems import BearerProblem
from gateway.oidc.session_activity import SessionActivity
from gateway.web.machine_door import MachineEndpoint, MachineRequest, MachineResponse

SESSION_ACTIVITY = "/v1/session/activity"
ALLOWED = "GET, POST, OPTIONS"


def session_activity_endpoint(
    activity: SessionActivity, browsers: BrowserClients, nonce: Callable[[], str]
) -> MachineEndpoint:
    async def answer(request: MachineRequest) -> MachineResponse:
        if request.method == "OPTIONS":
            return browsers.preflight(request, ALLOWED)
        headers = {**NO_STORE, **browsers.cors(request), **nonce_header(request, nonce)}
        if request.method not in {"GET", "POST"}:
            return method_not_allowed(ALLOWED, headers)
        try:
            _refuse_all_but_the_header(request)
            authorization = request.headers.get("authorization")
            told = await activity.answer(authorization, proofs_of(request), is_use=request.method == "POST")
        except BearerProblem as problem:
            headers["WWW-Authenticate"] = challenge(problem, "session")
            return json_answer(problem.status, {"error": problem.error} if problem.error else {}, headers)
        return json_answer(200, told, headers)

    return answer


def _refuse_all_but_the_header(request: MachineRequest) -> None:
    """Nothing is asked in the address nor in the body, and a token there would be in logs (TOK-10)."""
    if request.query or request.body:
        raise BearerProblem("invalid_request", "something beside the header", status=400)
