"""The discovery document at its own address, with every field of dossier §1.2 — artefacts of the realm included.

`authorization_endpoint` is on the wallet's origin, all the rest on auth's. The shape of late 2024 announces the `iss`
parameter; the older one does not.
"""

from typing import Any

from sandbox.psc.lies import Lie
from sandbox.psc.realm import PROTOCOL_PATH, Realm

_LEGACY_ALGORITHMS = [f"{family}{size}" for family in ("PS", "ES", "RS", "HS") for size in ("384", "256", "512")]


def discovery(realm: Realm) -> dict[str, Any]:
    base, issuer, lie = f"{realm.auth_url}{PROTOCOL_PATH}", realm.issuer, realm.conduct.lie
    modern = realm.conduct.is_modern
    signing = [*_LEGACY_ALGORITHMS, *(["EdDSA"] if modern else [])]
    methods = ["private_key_jwt", "client_secret_basic", "client_secret_post", "tls_client_auth", "client_secret_jwt"]
    encryption = ["RSA-OAEP", "RSA-OAEP-256", "RSA1_5"]
    contents = ["A256GCM", "A192GCM", "A128GCM", "A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512"]
    ciba, device, pushed = f"{base}/ext/ciba/auth", f"{base}/auth/device", f"{base}/ext/par/request"
    shared = {
        "token_endpoint": f"{base}/token",
        "introspection_endpoint": f"{base}/token/introspect",
        "revocation_endpoint": f"{base}/revoke",
        "device_authorization_endpoint": device,
        "registration_endpoint": f"{issuer}/clients-registrations/openid-connect",
        "userinfo_endpoint": f"{base}/userinfo",
        "pushed_authorization_request_endpoint": pushed,
        "backchannel_authentication_endpoint": ciba,
    }
    document: dict[str, Any] = {
        "issuer": f"{issuer}-bis" if lie is Lie.DISCOVERY_ISSUER_WRONG else issuer,
        "authorization_endpoint": f"{realm.wallet_url}/auth",
        **shared,
        "end_session_endpoint": f"{base}/logout",
        "jwks_uri": f"{base}/certs",
        "check_session_iframe": f"{base}/login-status-iframe.html",
        "frontchannel_logout_session_supported": True,
        "frontchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "backchannel_logout_supported": True,
        "grant_types_supported": [
            "authorization_code", "implicit", "refresh_token", "password", "client_credentials",
            "urn:ietf:params:oauth:grant-type:device_code", "urn:openid:params:grant-type:ciba",
        ],
        "response_types_supported": [
            "code", "none", "id_token", "token", "id_token token", "code id_token", "code token", "code id_token token",
        ],
        "response_modes_supported": [
            "query", "fragment", "form_post", "query.jwt", "fragment.jwt", "form_post.jwt", "jwt",
        ],
        "acr_values_supported": ["0", "0"],
        "subject_types_supported": ["public", "pairwise"],
        "scopes_supported": [
            "openid", "scope_all", "identity", "rpps", "referentiel", "profile", "email", "phone", "address", "roles",
            "web-origins", *(["basic"] if modern else []), "acr", "offline_access", "eidas1", "eidas2", "interop",
            "scope_1", "scope_2", "microprofile-jwt",
        ],
        "claims_supported": [
            "aud", "sub", "iss", "auth_time", "name", "given_name", "family_name", "preferred_username", "email", "acr",
        ],
        "claim_types_supported": ["normal"],
        "claims_parameter_supported": True,
        "request_parameter_supported": True,
        "request_uri_parameter_supported": True,
        "require_request_uri_registration": True,
        "require_pushed_authorization_requests": False,
        "code_challenge_methods_supported": ["plain", "S256"],
        "tls_client_certificate_bound_access_tokens": True,
        "mtls_endpoint_aliases": shared,
        "backchannel_token_delivery_modes_supported": ["poll", "ping"],
        "token_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "id_token_signing_alg_values_supported": signing,
        "userinfo_signing_alg_values_supported": [*signing, "none"],
        "request_object_signing_alg_values_supported": [*signing, "none"],
        "authorization_signing_alg_values_supported": signing,
        "token_endpoint_auth_signing_alg_values_supported": signing,
        "introspection_endpoint_auth_signing_alg_values_supported": signing,
        "revocation_endpoint_auth_signing_alg_values_supported": signing,
        "backchannel_authentication_request_signing_alg_values_supported": signing,
        "id_token_encryption_alg_values_supported": encryption,
        "id_token_encryption_enc_values_supported": contents,
        "userinfo_encryption_alg_values_supported": encryption,
        "userinfo_encryption_enc_values_supported": contents,
    }  # fmt: skip
    if modern:
        document["authorization_response_iss_parameter_supported"] = True
    if lie is Lie.DISCOVERY_ENDPOINT_ELSEWHERE:
        document["token_endpoint"] = f"{realm.wallet_url}/elsewhere/token"
    if lie is Lie.DISCOVERY_KEYS_ELSEWHERE:
        document["jwks_uri"] = f"{realm.wallet_url}/elsewhere/jwks"
    return document
