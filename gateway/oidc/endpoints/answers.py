"""How the machine door answers: JSON, never cached unless said, and CORS only for whom it is meant (WEB-05, RFC 9700 §2.6).

Public documents answer any origin. `/token`, `/par`, `/revoke`, `/userinfo` and `/v1` answer the origins of the redirect URIs
of public clients that are not native, the only ones whose code runs in a browser, refusals included; credentials (cookies)
are never allowed.
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from gateway.applications.client import ClientAuthenticationMethod
from gateway.applications.ports import Clients
from gateway.oidc.redirect_uri import origin_of
from gateway.oidc.sender_proofs import SenderProofs
from gateway.signin.request_context import RequestContext
from gateway.web.certificate_header import CERTIFICATE, CHAIN
from gateway.web.machine_door import NO_CONTENT, MachineEndpoint, MachineRequest, MachineResponse
from gateway.web.request_facts import agent_hash

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
JSON = {"Content-Type": "application/json", "X-Content-Type-Options": "nosniff"}
ANY_ORIGIN = {"Access-Control-Allow-Origin": "*"}


def json_answer(status: int, content: Mapping[str, Any], headers: Mapping[str, str]) -> MachineResponse:
    return MachineResponse(status, orjson.dumps(dict(content)), {**JSON, **headers})


def method_not_allowed(allowed: str, headers: Mapping[str, str]) -> MachineResponse:
    return MachineResponse(405, b"", {**NO_STORE, **headers, "Allow": allowed})


def context_of(request: MachineRequest) -> RequestContext:
    return RequestContext(
        ip=request.peer, user_agent=agent_hash(request.headers.get("user-agent", "")), request=request.request_id
    )


def proofs_of(request: MachineRequest) -> SenderProofs:
    """The certificate's headers, when they are there, are our own proxy's: the entrance drops all others (WEB-08)."""
    headers = request.headers
    return SenderProofs(
        request.method, request.path, headers.get("dpop"), headers.get(CERTIFICATE), headers.get(CHAIN, "")
    )


class BrowserClients:
    """The origins where the pages of public clients live."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def cors(self, request: MachineRequest) -> dict[str, str]:
        return self.of_origin(request.headers.get("origin"))

    def of_origin(self, origin: str | None) -> dict[str, str]:
        """`Vary` always, so that no cache serves one origin's answer to another."""
        if origin is None or not self._is_known(origin):
            return {"Vary": "Origin"}
        return {
            "Vary": "Origin",
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Expose-Headers": "DPoP-Nonce, Retry-After, WWW-Authenticate",
        }

    def preflight(self, request: MachineRequest, allowed: str) -> MachineResponse:
        headers = self.cors(request)
        if "Access-Control-Allow-Origin" in headers:
            headers |= {
                "Access-Control-Allow-Methods": allowed,
                "Access-Control-Allow-Headers": "authorization, content-type, dpop",
                "Access-Control-Max-Age": "600",
            }
        return MachineResponse(NO_CONTENT, b"", {**NO_STORE, **headers})

    def _is_known(self, origin: str) -> bool:
        return any(
            origin == origin_of(uri)
            for client in self._clients.all()
            if client.authentication_method is ClientAuthenticationMethod.NONE and not client.native
            for uri in client.redirect_uris
        )


PUBLIC_DOCUMENTS = frozenset({"/jwks", "/session-watch-1.js", "/.well-known/openid-configuration"})


def readable_by(
    machine: Mapping[str, Mapping[str, MachineEndpoint]], browsers: BrowserClients
) -> dict[str, Callable[[str | None], Mapping[str, str]]]:
    """By path, for the refusals made before an endpoint is reached: endpoints with a preflight, and public documents."""
    rules: dict[str, Callable[[str | None], Mapping[str, str]]] = {
        path: browsers.of_origin for path, methods in machine.items() if "OPTIONS" in methods
    }
    return rules | {path: lambda _: ANY_ORIGIN for path in PUBLIC_DOCUMENTS & machine.keys()}
