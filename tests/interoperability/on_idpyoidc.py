"""An application built on idpyoidc, a Python library over cryptojwt."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from cryptojwt.key_jar import KeyJar
from idpyoidc.client.client_auth import ClientAuthnMethod
from idpyoidc.client.defaults import DEFAULT_OIDC_SERVICES
from idpyoidc.client.rp_handler import RPHandler

from tests.interoperability.relying_party import SCOPE, RefusedError, Registration, SignedIn

SERVICES = {**DEFAULT_OIDC_SERVICES, "end_session": {"class": "idpyoidc.client.oidc.end_session.EndSession"}}
PKCE = {
    "function": "idpyoidc.client.oauth2.add_on.pkce.add_support",
    "kwargs": {"code_challenge_length": 64, "code_challenge_method": "S256"},
}


class NoAuthentication(ClientAuthnMethod):  # type: ignore[misc] # the library has no types
    """A public client only says its name; the library leaves this method to its users."""

    def construct(self, request: Any, service: Any = None, http_args: Any = None, **_: Any) -> Any:
        return http_args


class OnIdpyoidc:
    def __init__(self, registration: Registration) -> None:
        self._issuer = registration.issuer
        self._page = registration.page
        self._session = ""
        client = {
            "client_type": "oidc",
            "issuer": registration.issuer,
            "client_id": registration.client_id,
            "redirect_uris": [registration.redirect_uri],
            "post_logout_redirect_uris": [registration.page],
            "preference": {
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "scopes_supported": SCOPE.split(),
                "token_endpoint_auth_method": registration.method,
            },
            "client_authn_methods": {
                "client_secret_basic": {},
                "client_secret_post": {},
                "none": NoAuthentication,
            },
            "add_ons": {"pkce": PKCE},
        }
        if registration.secret is not None:
            client["client_secret"] = registration.secret
        self._library = RPHandler(
            base_url=registration.page,
            client_configs={registration.issuer: client},
            services=SERVICES,
            keyjar=KeyJar(),
            httpc=_exchange,
        )

    def begin(self) -> str:
        return str(self._library.begin(self._issuer, req_args={"scope": SCOPE.split()}))

    def finish(self, address: str) -> SignedIn:
        response = dict(parse_qsl(urlsplit(address).query))
        try:
            result = self._library.finalize(self._issuer, response)
        except Exception as error:  # the library has no common ancestor for what it refuses
            raise RefusedError(repr(error)) from error
        if "error" in result:
            raise RefusedError(result["error"])
        self._session = result["state"]
        kept = self._client().get_context().cstate.get(self._session)
        return SignedIn(kept["id_token"], result["id_token"].to_dict())

    def userinfo(self) -> dict[str, Any]:
        try:
            told: dict[str, Any] = self._client().get_user_info(self._session).to_dict()
        except Exception as error:
            raise RefusedError(repr(error)) from error
        return told

    def logout(self, state: str) -> str:
        service = self._client().get_service("end_session")
        asked = {"post_logout_redirect_uri": self._page, "state": state}
        return str(service.get_request_parameters(state=self._session, request_args=asked)["url"])

    def _client(self) -> Any:
        return self._library.issuer2rp[self._issuer]


def _exchange(
    method: str, url: str, data: str | None = None, headers: dict[str, str] | None = None, **_: object
) -> requests.Response:
    """The library's way out: it takes any function that looks like `requests.request`."""
    return requests.request(method, url, data=data, headers=headers, allow_redirects=False, timeout=20)
