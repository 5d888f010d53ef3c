"""GET /session-watch-1.js: the script by which applications keep a session alive and warn before its end (DECISIONS 11).

The octets under one number never change: applications name their SHA-384 (Subresource Integrity), and a changed script gets a
new number beside the old one. Every page may read it; it holds nothing of anybody.
"""

from pathlib import Path

from gateway.oidc.endpoints.answers import ANY_ORIGIN, method_not_allowed
from gateway.web.machine_door import MachineEndpoint, MachineRequest, MachineResponse

SESSION_WATCH = "/session-watch-1.js"
CACHE_SECONDS = 86_400


def session_watch_endpoint() -> MachineEndpoint:
    body = (Path(__file__).parents[1] / "static" / SESSION_WATCH.removeprefix("/")).read_bytes()
    headers = {
        **ANY_ORIGIN,
        "Content-Type": "text/javascript; charset=utf-8",
        "Cache-Control": f"public, max-age={CACHE_SECONDS}",
        "Cross-Origin-Resource-Policy": "cross-origin",  # for pages that fetch it without CORS, hence without integrity
    }

    async def session_watch(request: MachineRequest) -> MachineResponse:
        if request.method != "GET":
            return method_not_allowed("GET, HEAD", ANY_ORIGIN)
        return MachineResponse(200, body, headers)

    return session_watch
