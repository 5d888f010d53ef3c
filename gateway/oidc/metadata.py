"""The discovery document (OpenID Connect Discovery §3, RFC 8414, RFC 9207; OID-12), made from what runs now.

Algorithms come from the active keys, authentication methods and scopes from the registered clients, levels from what this
deployment can reach. What is not here does not work, and the other way round.
"""

from collections.abc import Sequence
from typing import Any

from gateway.applications.client import Client, ClientAuthenticationMethod, ResponseMode, SenderConstraint
from gateway.applications.client_key import KEY_ALGORITHMS
from gateway.keys.signing_key import Algorithm
from gateway.oidc.authorization_request import DISPLAYS, LANGUAGES
from gateway.oidc.claims import SCOPE_CLAIMS
from gateway.oidc.dpop import ALGORITHMS as DPOP_ALGORITHMS
from gateway.oidc.introspection import ALGORITHM as INTROSPECTION_ALGORITHM
from gateway.oidc.pkce import METHOD
from gateway.oidc.token_request import grants_of

AUTHORIZE, TOKEN, USERINFO, JWKS, LOGOUT = "/authorize", "/token", "/userinfo", "/jwks", "/logout"
REVOKE, INTROSPECT, PAR = "/revoke", "/introspect", "/par"
DISCOVERY = "/.well-known/openid-configuration"
PROTOCOL_CLAIMS = ("iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid")


def discovery_document(
    *, issuer: str, algorithms: Sequence[Algorithm], clients: Sequence[Client], acr_values: Sequence[str]
) -> dict[str, Any]:
    """`acr_values`: those that a person can reach here with the means switched on."""
    document = _document(issuer, algorithms, clients, acr_values)
    return {name: value for name, value in document.items() if value != []}  # RFC 8414 §3.2


def _document(
    issuer: str, algorithms: Sequence[Algorithm], clients: Sequence[Client], acr_values: Sequence[str]
) -> dict[str, Any]:
    scopes = {"openid"}.union(*(client.scopes for client in clients))
    known_scopes = [scope for scope in SCOPE_CLAIMS if scope in scopes]
    return {
        "issuer": issuer,
        "authorization_endpoint": issuer + AUTHORIZE,
        "token_endpoint": issuer + TOKEN,
        "userinfo_endpoint": issuer + USERINFO,
        "jwks_uri": issuer + JWKS,
        "end_session_endpoint": issuer + LOGOUT,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "response_types_supported": ["code"],
        "response_modes_supported": [
            mode for mode in ResponseMode if any(mode in client.response_modes for client in clients)
        ],
        "grant_types_supported": sorted(frozenset({"authorization_code"}).union(*map(grants_of, clients))),
        "code_challenge_methods_supported": [METHOD],
        "subject_types_supported": _subject_types(clients),
        "id_token_signing_alg_values_supported": [str(algorithm) for algorithm in algorithms],
        **_signed_userinfo(clients),
        **_authentication("token_endpoint", clients),
        **_sender_constraints(clients),
        "scopes_supported": known_scopes,
        "claims_supported": [
            *dict.fromkeys(name for scope in known_scopes for name in SCOPE_CLAIMS[scope]),
            *PROTOCOL_CLAIMS,
        ],
        "claim_types_supported": ["normal"],
        "claims_parameter_supported": True,
        **_request_objects(clients),
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
        "acr_values_supported": list(acr_values),
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "display_values_supported": list(DISPLAYS),
        "ui_locales_supported": list(LANGUAGES),
        **_pushed_requests(issuer, clients),
        **_revocation(issuer, clients),
        **_introspection(issuer, clients),
    }


def _subject_types(clients: Sequence[Client]) -> list[str]:
    """Of the clients that people sign in to; public before there is any."""
    types = {"public" if client.sector is None else "pairwise" for client in clients if client.redirect_uris}
    return sorted(types, reverse=True) or ["public"]


def _signed_userinfo(clients: Sequence[Client]) -> dict[str, Any]:
    """For the clients whose files want it; all others get plain JSON."""
    algorithms = {client.userinfo_algorithm for client in clients if client.userinfo_algorithm is not None}
    return {"userinfo_signing_alg_values_supported": sorted(algorithms)} if algorithms else {}


def _request_objects(clients: Sequence[Client]) -> dict[str, Any]:
    """RFC 9101: of the clients that have keys, by the algorithms of these."""
    signed = {key.algorithm for client in clients if client.redirect_uris for key in client.keys}
    if not signed:
        return {"request_parameter_supported": False}
    return {
        "request_parameter_supported": True,
        "request_object_signing_alg_values_supported": [name for name in KEY_ALGORITHMS if name in signed],
    }


def _pushed_requests(issuer: str, clients: Sequence[Client]) -> dict[str, Any]:
    """RFC 9126 §5: demanded of single clients, in their files."""
    if not any(client.redirect_uris for client in clients):
        return {}
    return {
        "pushed_authorization_request_endpoint": issuer + PAR,
        "require_pushed_authorization_requests": False,
    }


def _revocation(issuer: str, clients: Sequence[Client]) -> dict[str, Any]:
    """RFC 8414 §2: every client may give its tokens back."""
    if not clients:
        return {}
    return {"revocation_endpoint": issuer + REVOKE, **_authentication("revocation_endpoint", clients)}


def _introspection(issuer: str, clients: Sequence[Client]) -> dict[str, Any]:
    """For clients that can prove who they are."""
    confidential = [item for item in clients if item.authentication_method is not ClientAuthenticationMethod.NONE]
    if not confidential:
        return {}
    return {
        "introspection_endpoint": issuer + INTROSPECT,
        **_authentication("introspection_endpoint", confidential),
        "introspection_signing_alg_values_supported": [str(INTROSPECTION_ALGORITHM)],
    }


def _authentication(endpoint: str, clients: Sequence[Client]) -> dict[str, Any]:
    """The methods of these clients, and the algorithms of those that sign (RFC 8414 §2)."""
    said = {f"{endpoint}_auth_methods_supported": sorted({str(client.authentication_method) for client in clients})}
    signing = [item for item in clients if item.authentication_method is ClientAuthenticationMethod.PRIVATE_KEY_JWT]
    algorithms = {key.algorithm for client in signing for key in client.keys}
    if algorithms:
        said[f"{endpoint}_auth_signing_alg_values_supported"] = [name for name in KEY_ALGORITHMS if name in algorithms]
    return said


def _sender_constraints(clients: Sequence[Client]) -> dict[str, Any]:
    """RFC 9449 §5.1: any client may use DPoP. RFC 8705 §3.3: certificates, where a client's file binds its tokens to them."""
    bound = any(client.sender_constraint is SenderConstraint.MTLS for client in clients)
    return {
        "dpop_signing_alg_values_supported": list(DPOP_ALGORITHMS),
        **({"tls_client_certificate_bound_access_tokens": True} if bound else {}),
    }
