"""The discovery document in several configurations: each value it advertises is used here, and whatever else the registries of
the specifications know is tried with every application and refused (OID-12, OID-01)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

import pytest

from gateway.applications.client import Client, ClientAuthenticationMethod, ResponseMode, SenderConstraint
from gateway.keys.client_certificate import CertificateAuthorities
from gateway.oidc.claims import SCOPE_CLAIMS
from gateway.oidc.grants.token_exchange import NAME as EXCHANGE
from gateway.oidc.logout_token import logout_claims
from gateway.oidc.token_request import grants_of
from gateway.web.machine_door import MachineResponse
from tests.protocol import proofs, signed_requests
from tests.protocol.negative_cases import ACCESS_TOKEN
from tests.protocol.provider import (
    ACCOUNT,
    CHALLENGE,
    CLIENT_KEYS,
    FACADE,
    ISSUER,
    LEGACY,
    MOBILE,
    NOTIF,
    OTHER,
    POSTED,
    POSTING,
    PUBLIC,
    RELAY,
    SERVICE,
    SIGNING,
    VERIFIER,
    Provider,
    basic,
    claims_of,
    header_of,
    json_of,
    parameters,
    secret_of,
)
from tests.protocol.test_client_certificates import BY_NAME, OWN, SELF_SIGNED
from tests.protocol.test_native_applications import CLAIMED, DESKTOP, FOUR

Document = dict[str, Any]
FORM_POST = "form_post"
NAMED = proofs.certificate()
MEMORY: dict[str, Client] = {item.client_id: item for item in Provider().clients.all()}
HIDDEN = replace(MEMORY["durable"], sector="carnet.example")
TOLD_SIGNED = replace(MEMORY["orientation"], userinfo_algorithm="ES256")
STRICT = replace(
    proofs.SIGNING, fapi2=True, rotates_refresh_tokens=False, require_pushed_authorization_requests=True,
    sender_constraint=SenderConstraint.DPOP, service_scopes=frozenset(),
)  # fmt: skip

CONFIGURATIONS: dict[str, tuple[Client, ...]] = {
    "everything": (*MEMORY.values(), proofs.SIGNING, BY_NAME, SELF_SIGNED),
    "pairwise and signed userinfo": (HIDDEN, TOLD_SIGNED, PUBLIC),
    "one server application": (replace(MEMORY["orientation"], scopes=frozenset({"openid", "email"})),),
    "front ends alone": (PUBLIC, MOBILE),
    "on devices alone": (replace(DESKTOP, keys=(), redirect_uris=(CLAIMED, FOUR)),),
    "services alone": (SERVICE, NOTIF),
    "exchange": (FACADE, RELAY, NOTIF),
    "FAPI 2.0 alone": (STRICT,),
    "by certificate alone": (BY_NAME, SELF_SIGNED),
    "by post, answered by post": (replace(POSTING, response_modes=(ResponseMode.FORM_POST,)), POSTED),
    "without PKCE, and another": (LEGACY, OTHER),
    "signed requests": (SIGNING,),
}


@pytest.fixture(params=CONFIGURATIONS, ids=str)
def provider(request: pytest.FixtureRequest) -> Provider:
    made = Provider()
    made.authorities = CertificateAuthorities([proofs.authority()])
    made.assemble(made.gate, made.journey)
    made.clients.clients = {item.client_id: item for item in CONFIGURATIONS[request.param]}
    return made


@pytest.fixture
def document(provider: Provider) -> Document:
    return json_of(provider.machine("GET", "/.well-known/openid-configuration"))


# ── applications of every kind ──


def shown(
    client: Client, path: str, provider: Provider, method: str = "POST", **proof: Any
) -> tuple[dict[str, str], dict[str, str]]:
    """The fields and headers by which it proves itself."""
    fields: dict[str, str] = {}
    headers = {"content_type": proofs.FORM}
    match client.authentication_method:
        case ClientAuthenticationMethod.CLIENT_SECRET_BASIC:
            headers["authorization"] = basic(client.client_id, secret_of(client.client_id))
        case ClientAuthenticationMethod.CLIENT_SECRET_POST:
            fields = {"client_id": client.client_id, "client_secret": secret_of(client.client_id)}
        case ClientAuthenticationMethod.PRIVATE_KEY_JWT:
            fields = {"client_id": client.client_id, **proofs.asserted(client.client_id)}
        case _:
            fields = {"client_id": client.client_id}
    if client.certificate_name or client.certificate_thumbprints:
        headers["client_cert"] = proofs.field(NAMED if client.certificate_name else OWN)
    if client.sender_constraint is SenderConstraint.DPOP or proof:
        headers["dpop"] = proofs.proof(path, method, nonce=provider.nonce(), **proof)
    return fields, headers


def post(provider: Provider, client: Client, path: str, fields: Mapping[str, str], **proof: Any) -> MachineResponse:
    who, headers = shown(client, path, provider, **proof)
    return provider.machine("POST", path, body=urlencode({**fields, **who}).encode(), **headers)


def asked(client: Client, **changes: str | None) -> dict[str, str]:
    scope, mode = " ".join(sorted(client.scopes)), client.response_modes[0]
    return parameters(
        **{
            "client_id": client.client_id,
            "redirect_uri": client.redirect_uris[0],
            "scope": scope,
            "response_mode": mode,
            **changes,
        }
    )


def told(
    provider: Provider, client: Client, *, proof: Mapping[str, Any] = MappingProxyType({}), **changes: str | None
) -> str:
    """What an authorization request gives, beside a session that would do: a code, an error, or the sign-in pages."""
    if not provider.ephemeral.sessions:
        provider.sign_in()
    fields = asked(client, **changes)
    if client.require_pushed_authorization_requests:
        pushed = post(provider, client, "/par", fields, **proof)
        if pushed.status != 201:
            return str(json_of(pushed)["error"])
        fields = {"client_id": client.client_id, "request_uri": json_of(pushed)["request_uri"]}
    response = provider.browser.get(f"/authorize?{urlencode(fields)}")
    if response.status_code == 200:
        page = response.get_data(as_text=True)
        assert 'name="iss"' in page
        for name in ("code", "error"):
            if f'name="{name}" value="' in page:
                return page.split(f'name="{name}" value="')[1].split('"')[0]
    location = response.headers.get("Location", "page")
    if "?" not in location:
        return location
    assert "iss=" in location
    return location.partition("code=" if "code=" in location else "error=")[2].partition("&")[0]


def is_code(said: str) -> bool:
    return len(said) == 44


def tokens(provider: Provider, client: Client, **changes: str | None) -> dict[str, Any]:
    code = told(provider, client, **changes)
    assert is_code(code), f"{client.client_id}: {code}"
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": client.redirect_uris[0]}
    answer = post(provider, client, "/token", {**fields, "code_verifier": VERIFIER})
    assert answer.status == 200, answer.body
    return json_of(answer)


def userinfo(provider: Provider, client: Client, token: str) -> bytes:
    """As this application's tokens must be presented."""
    _, headers = shown(
        client, "/userinfo", provider, "GET", **({"token": token} if "dpop" in shown(client, "/", provider)[1] else {})
    )
    headers["authorization"] = f"{'DPoP' if 'dpop' in headers else 'Bearer'} {token}"
    answer = provider.machine("GET", "/userinfo", **headers)
    assert answer.status == 200, answer.headers
    return answer.body


def one(provider: Provider, fits: Callable[[Client], object]) -> Client:
    """The application of this configuration for which the document says it."""
    return next(item for item in provider.clients.all() if fits(item))


def for_people(provider: Provider) -> list[Client]:
    return [item for item in provider.clients.all() if item.redirect_uris]


# ── each thing that is advertised, used ──


def the_issuer(provider: Provider, value: str, found: Document) -> None:
    assert value == ISSUER


def an_endpoint(provider: Provider, value: str, found: Document) -> None:
    path = value.removeprefix(ISSUER)
    if path in provider.endpoints:
        assert provider.machine("GET" if path == "/jwks" else "POST", path).status in {200, 400, 401}
    else:
        assert provider.browser.get(path).status_code in {200, 400}


def a_told_logout(provider: Provider, value: bool, found: Document) -> None:
    assert value is True
    for item in for_people(provider)[:1]:
        provider.sign_in()
        session = next(iter(provider.ephemeral.sessions))
        assert is_code(told(provider, item))
        assert item.client_id in provider.ephemeral.sessions[session].clients  # whom the end is told
    said = logout_claims(issuer=ISSUER, client_id="a", sub="b", sid="c", jti="d", now=0.0, ttl_seconds=120)
    assert {"sid", "sub"} <= set(said)


def a_response_type(provider: Provider, value: str, found: Document) -> None:
    assert all(is_code(told(provider, item, response_type=value)) for item in for_people(provider))


def a_response_mode(provider: Provider, value: str, found: Document) -> None:
    if for_people(provider):
        assert is_code(told(provider, one(provider, lambda item: value in item.response_modes), response_mode=value))


def a_grant(provider: Provider, value: str, found: Document) -> None:
    if value == "authorization_code" and not for_people(provider):
        return  # every provider of OpenID Connect says it has this one
    item = one(provider, lambda item: value in grants_of(item))
    match value:
        case "authorization_code":
            assert "id_token" in tokens(provider, item)
        case "refresh_token":
            fields = {"grant_type": value, "refresh_token": tokens(provider, item)["refresh_token"]}
            assert post(provider, item, "/token", fields).status == 200
        case "client_credentials":
            assert "access_token" in json_of(post(provider, item, "/token", {"grant_type": value}))
        case _:
            holder = one(provider, lambda other: other.may_act == item.client_id)
            fields = {"subject_token": tokens(provider, holder, scope="openid ror")["access_token"], "grant_type": EXCHANGE,
                      "subject_token_type": ACCESS_TOKEN, "audience": next(iter(item.exchanges))}  # fmt: skip
            assert "issued_token_type" in json_of(post(provider, item, "/token", fields))


def a_challenge_method(provider: Provider, value: str, found: Document) -> None:
    for item in for_people(provider):
        assert "access_token" in tokens(provider, item, code_challenge=CHALLENGE, code_challenge_method=value)


def a_subject_type(provider: Provider, value: str, found: Document) -> None:
    if for_people(provider):
        item = one(provider, lambda item: item.redirect_uris and (item.sector is not None) == (value == "pairwise"))
        subject = claims_of(tokens(provider, item)["id_token"])["sub"]
        assert (subject == ACCOUNT) == (value == "public")


def an_algorithm(provider: Provider, value: str, found: Document) -> None:
    for item in for_people(provider)[:1]:
        provider.clients.clients[item.client_id] = replace(item, id_token_algorithm=value)
        answer = tokens(provider, provider.clients.clients[item.client_id])
        assert header_of(answer["id_token"])["alg"] == value
        provider.clients.clients[item.client_id] = item


def a_method_at(path: str) -> Callable[[Provider, str, Document], None]:
    def used(provider: Provider, value: str, found: Document) -> None:
        item = one(provider, lambda item: item.authentication_method == value)
        fields = {"token": "x", "grant_type": "refresh_token", "refresh_token": "x"}
        answer = post(provider, item, path, fields)
        assert answer.status == 200 or json_of(answer)["error"] in {
            "invalid_grant",
            "unauthorized_client",
            "invalid_target",
        }

    return used


def an_assertion_at(path: str) -> Callable[[Provider, str, Document], None]:
    def used(provider: Provider, value: str, found: Document) -> None:
        by_jwt = ClientAuthenticationMethod.PRIVATE_KEY_JWT
        item = one(
            provider,
            lambda item: item.authentication_method is by_jwt and value in {key.algorithm for key in item.keys},
        )
        answer = post(provider, item, path, {"token": "x", "grant_type": "refresh_token", "refresh_token": "x"})
        assert answer.status == 200 or json_of(answer)["error"] == "invalid_grant"

    return used


def a_dpop_algorithm(provider: Provider, value: str, found: Document) -> None:
    proof = {"private": proofs.key(value, "of a proof"), "header": {"alg": value}}
    for item in provider.clients.all():
        if item.sender_constraint is SenderConstraint.MTLS or not (item.service_scopes or item.redirect_uris):
            continue
        fields = {"grant_type": "client_credentials"}
        if item.redirect_uris:
            code = told(provider, item, proof=proof)
            fields = {"grant_type": "authorization_code", "redirect_uri": item.redirect_uris[0], "code": code}
            fields["code_verifier"] = VERIFIER
        answer = post(provider, item, "/token", fields, **proof)
        assert json_of(answer)["token_type"] == "DPoP", answer.body


def bound_to_a_certificate(provider: Provider, value: bool, found: Document) -> None:
    item = one(provider, lambda item: item.sender_constraint is SenderConstraint.MTLS)
    assert "x5t#S256" in claims_of(tokens(provider, item)["access_token"])["cnf"]


def a_scope(provider: Provider, value: str, found: Document) -> None:
    for item in for_people(provider):
        if value in item.scopes:
            scope = " ".join(dict.fromkeys(("openid", value)))
            assert tokens(provider, item, scope=scope)["scope"] == scope


def a_claim(provider: Provider, value: str, found: Document) -> None:
    if not for_people(provider):
        return
    scopes = {scope for scope, names in SCOPE_CLAIMS.items() if value in names} or {"openid"}
    has_roles = MEMORY["orientation"].role_application
    item = one(
        provider, lambda item: item.redirect_uris and scopes & item.scopes and item.role_application == has_roles
    )
    answer = tokens(provider, item)
    body = userinfo(provider, item, answer["access_token"])
    more = claims_of(body.decode()) if body.startswith(b"ey") else json_of(MachineResponse(200, body))
    assert value in claims_of(answer["id_token"]) | more


def a_claims_parameter(provider: Provider, value: bool, found: Document) -> None:
    for item in for_people(provider):
        if "email" in item.scopes:
            asked_for = tokens(
                provider,
                item,
                scope="openid",
                claims='{"id_token":{"email":null}}',
            )
            assert "email" in claims_of(asked_for["id_token"])


def a_request_object(provider: Provider, value: bool, found: Document) -> None:
    assert value is bool([item for item in for_people(provider) if item.keys])
    assert value is ("request_object_signing_alg_values_supported" in found)


def signed_by(item: Client, algorithm: str, provider: Provider, **header: Any) -> str:
    """A good request object of this application, with the key of this algorithm."""
    now = int(provider.clock.now())
    said = {**asked(item), "iss": item.client_id, "aud": ISSUER, "iat": now, "exp": now + 300}
    if item.client_id == "signant":
        return signed_requests.signed(said, algorithm, **header)
    kid = next(key.kid for key in item.keys if key.algorithm == algorithm)
    return proofs.signed(
        {"alg": algorithm, "kid": kid, "typ": "oauth-authz-req+jwt", **header}, said, proofs.key(algorithm)
    )


def an_object_algorithm(provider: Provider, value: str, found: Document) -> None:
    item = one(provider, lambda item: item.redirect_uris and value in {key.algorithm for key in item.keys})
    provider.sign_in()
    fields = {"client_id": item.client_id, "request": signed_by(item, value, provider)}
    answer = post(provider, item, "/par", fields)
    assert answer.status == 201, answer.body


def nothing_by_reference(provider: Provider, value: bool, found: Document) -> None:
    assert value is False
    for item in for_people(provider):
        if not item.require_pushed_authorization_requests:
            assert told(provider, item, request_uri="https://evil.example/r") == "request_uri_not_supported"


def named_by_its_issuer(provider: Provider, value: bool, found: Document) -> None:
    assert value is True  # `told` wants iss in every answer


def a_level(provider: Provider, value: str, found: Document) -> None:
    for item in for_people(provider):
        claims = json.dumps({"id_token": {"acr": {"essential": True, "value": value}}})
        said = told(provider, item, claims=claims)
        assert is_code(said) or said.startswith("/signin/")


def a_prompt(provider: Provider, value: str, found: Document) -> None:
    for item in for_people(provider):
        said = told(provider, item, prompt=value)
        assert is_code(said) if value == "none" else said.startswith("/signin/")


def a_display(provider: Provider, value: str, found: Document) -> None:
    assert all(is_code(told(provider, item, display=value)) for item in for_people(provider))


def a_language(provider: Provider, value: str, found: Document) -> None:
    page = provider.browser.get(f"/authorize?ui_locales={value}").get_data(as_text=True)
    assert f'<html lang="{value}">' in page


def not_demanded_of_all(provider: Provider, value: bool, found: Document) -> None:
    assert value is False


def signed_introspection(provider: Provider, value: str, found: Document) -> None:
    item = one(provider, lambda item: item.authentication_method is not ClientAuthenticationMethod.NONE)
    who, headers = shown(item, "/introspect", provider)
    headers["accept"] = "application/token-introspection+jwt"
    answer = provider.machine("POST", "/introspect", body=urlencode({**who, "token": "x"}).encode(), **headers)
    assert header_of(answer.body.decode())["alg"] == value


def signed_userinfo(provider: Provider, value: str, found: Document) -> None:
    item = one(provider, lambda item: item.userinfo_algorithm == value)
    assert header_of(userinfo(provider, item, tokens(provider, item)["access_token"]).decode())["alg"] == value


def plain_claims(provider: Provider, value: str, found: Document) -> None:
    assert value == "normal"


USED: dict[str, Callable[[Provider, Any, Document], None]] = {
    "issuer": the_issuer,
    **dict.fromkeys((
        "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "end_session_endpoint",
        "pushed_authorization_request_endpoint", "revocation_endpoint", "introspection_endpoint",
    ), an_endpoint),
    "backchannel_logout_supported": a_told_logout,
    "backchannel_logout_session_supported": a_told_logout,
    "response_types_supported": a_response_type,
    "response_modes_supported": a_response_mode,
    "grant_types_supported": a_grant,
    "code_challenge_methods_supported": a_challenge_method,
    "subject_types_supported": a_subject_type,
    "id_token_signing_alg_values_supported": an_algorithm,
    "userinfo_signing_alg_values_supported": signed_userinfo,
    "token_endpoint_auth_methods_supported": a_method_at("/token"),
    "revocation_endpoint_auth_methods_supported": a_method_at("/revoke"),
    "introspection_endpoint_auth_methods_supported": a_method_at("/introspect"),
    "token_endpoint_auth_signing_alg_values_supported": an_assertion_at("/token"),
    "revocation_endpoint_auth_signing_alg_values_supported": an_assertion_at("/revoke"),
    "introspection_endpoint_auth_signing_alg_values_supported": an_assertion_at("/introspect"),
    "introspection_signing_alg_values_supported": signed_introspection,
    "dpop_signing_alg_values_supported": a_dpop_algorithm,
    "tls_client_certificate_bound_access_tokens": bound_to_a_certificate,
    "scopes_supported": a_scope,
    "claims_supported": a_claim,
    "claim_types_supported": plain_claims,
    "claims_parameter_supported": a_claims_parameter,
    "request_parameter_supported": a_request_object,
    "request_object_signing_alg_values_supported": an_object_algorithm,
    "request_uri_parameter_supported": nothing_by_reference,
    "authorization_response_iss_parameter_supported": named_by_its_issuer,
    "acr_values_supported": a_level,
    "prompt_values_supported": a_prompt,
    "display_values_supported": a_display,
    "ui_locales_supported": a_language,
    "require_pushed_authorization_requests": not_demanded_of_all,
}  # fmt: skip
"""A member that is not here is advertised without a test, and fails."""


@pytest.mark.spec("OID-12")
def test_each_value_that_is_advertised_is_used(provider, document):
    for member, said in document.items():
        for value in said if isinstance(said, list) else [said]:
            USED[member](provider, value, document)


@pytest.mark.spec("OID-12")
def test_each_member_is_advertised_somewhere():
    """Or its test would prove nothing."""
    said: set[str] = set()
    for clients in CONFIGURATIONS.values():
        made = Provider()
        made.clients.clients = {item.client_id: item for item in clients}
        said |= set(json_of(made.machine("GET", "/.well-known/openid-configuration")))
    assert said == set(USED)


# ── and nothing else ──

RESPONSE_TYPES = (
    "token",
    "id_token",
    "id_token token",
    "code token",
    "code id_token",
    "code id_token token",
    "none",
    "vp_token",
)
RESPONSE_MODES = (
    "query",
    "fragment",
    FORM_POST,
    "jwt",
    "query.jwt",
    "fragment.jwt",
    "form_post.jwt",
    "web_message",
    "cookie",
)
GRANTS = (
    "authorization_code", "implicit", "password", "client_credentials", "refresh_token", EXCHANGE,
    "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:grant-type:saml2-bearer", "urn:openid:params:grant-type:ciba",
    "urn:ietf:params:oauth:grant-type:uma-ticket", "urn:ietf:params:oauth:grant-type:pre-authorized_code",
)  # fmt: skip
SCOPES = (*SCOPE_CLAIMS, "address", "phone", "offline_access", "scope_all", "admin", "uma_protection")
CLAIMS = (
    "middle_name", "nickname", "preferred_username", "profile", "picture", "website", "gender", "birthdate", "zoneinfo",
    "phone_number", "phone_number_verified", "address", "updated_at", "birthplace", "nationalities", "SubjectNameID", "amr_psc",
    "verified_claims", "cnf", "may_act", "act", "client_id", "password_hash", "phone", "username",
)  # fmt: skip
PROMPTS = ("create", "registration", "NONE", "reauthenticate", "login none", "none consent")
DISPLAYS = ("wap", "iframe", "none")
CHALLENGES = ("plain", "S384", "S512", "s256")
ALGORITHMS = (
    "none",
    "HS256",
    "HS512",
    "RS256",
    "RS384",
    "RS512",
    "ES256",
    "ES384",
    "ES512",
    "ES256K",
    "PS256",
    "PS384",
    "EdDSA",
    "Ed448",
)
LEVELS = (
    "eidas1",
    "eidas2",
    "eidas3",
    "urn:passerelle:acr:root",
    "0",
    "1",
    "phr",
    "phrh",
    "http://schemas.openid.net/pape/policies/2007/06/multi-factor",
)


def others(registry: tuple[str, ...], document: Document, member: str) -> list[str]:
    return [value for value in registry if value not in document.get(member, [])]


@pytest.mark.spec("OID-12", "OID-01", "OID-10")
def test_what_is_not_advertised_is_refused_to_every_application_that_asks(provider, document):
    for item in for_people(provider):
        for value in RESPONSE_TYPES:
            assert told(provider, item, response_type=value) == "unsupported_response_type"
        for value in RESPONSE_MODES:
            said = told(provider, item, response_mode=value)
            assert is_code(said) if value in item.response_modes else said == "invalid_request", value
        for value in SCOPES:
            said = told(provider, item, scope=f"openid {value}")
            assert is_code(said) if value in item.scopes else said == "invalid_scope", value
        for value in CHALLENGES:
            assert told(provider, item, code_challenge_method=value) == "invalid_request"
        for value in others(PROMPTS, document, "prompt_values_supported"):
            assert told(provider, item, prompt=value) == "invalid_request"
        for value in others(DISPLAYS, document, "display_values_supported"):
            assert told(provider, item, display=value) == "invalid_request"
        for value in others(LEVELS, document, "acr_values_supported"):
            claims = json.dumps({"id_token": {"acr": {"essential": True, "value": value}}})
            assert told(provider, item, claims=claims) == "unmet_authentication_requirements"
        assert told(provider, item, registration="{}") == "registration_not_supported"


@pytest.mark.spec("OID-12", "OID-10", "TOK-07")
def test_no_other_claim_is_told_whoever_asks_it_by_name(provider, document):
    assert not set(CLAIMS) & set(document["claims_supported"])
    asked_for = ",".join(f'"{name}":{{"essential":true}}' for name in CLAIMS)
    for item in for_people(provider):
        answer = tokens(
            provider,
            item,
            claims=f'{{"id_token":{{{asked_for}}},"userinfo":{{{asked_for}}}}}',
        )
        body = userinfo(provider, item, answer["access_token"])
        more = claims_of(body.decode()) if body.startswith(b"ey") else json_of(MachineResponse(200, body))
        assert not set(CLAIMS) & (set(claims_of(answer["id_token"])) | set(more))


@pytest.mark.spec("OID-12", "OID-01", "OID-05")
def test_no_other_grant_or_way_to_prove_oneself_gives_anything(provider, document):
    secret_jwt = proofs.by_hmac(
        {"typ": "JWT"},
        {"iss": "service", "sub": "service", "aud": ISSUER, "exp": proofs.NOW + 60, "jti": "x"},
        b"k" * 43,
    )
    for item in provider.clients.all():
        for value in GRANTS:
            if value not in grants_of(item):
                answer = post(
                    provider, item, "/token", {"grant_type": value, "scope": "openid", "username": "a", "password": "b"}
                )
                assert json_of(answer)["error"] in {"unsupported_grant_type", "unauthorized_client"}, value
                assert (json_of(answer)["error"] == "unsupported_grant_type") or value in GRANTS[:6]
        fields = {
            "client_assertion_type": proofs.ASSERTION_TYPE,
            "client_assertion": secret_jwt,
            "client_id": item.client_id,
        }
        refused = proofs.post(provider, "/token", grant_type="client_credentials", **fields)
        assert refused.status in {400, 401}
        if item.authentication_method is not ClientAuthenticationMethod.NONE:
            for way in (
                {"client_id": item.client_id, "client_secret": "x"},
                {"client_id": item.client_id, "client_assertion_type": proofs.ASSERTION_TYPE},
                {"client_id": item.client_id},
            ):
                answer = proofs.post(provider, "/token", grant_type="client_credentials", **way)
                assert json_of(answer)["error"] == "invalid_client"


@pytest.mark.spec("OID-12", "TOK-01")
def test_no_other_algorithm_signs_anything(provider, document):
    octets = b"x" * 32
    for value in others(ALGORITHMS, document, "dpop_signing_alg_values_supported"):
        for item in provider.clients.all():
            header = {"typ": "dpop+jwt", "alg": value, "jwk": proofs.public()}
            claims = {
                "htm": "POST",
                "htu": f"{ISSUER}/token",
                "iat": proofs.NOW,
                "jti": value,
                "nonce": provider.nonce(),
            }
            written = proofs.by_hmac(header, claims, octets) if value.startswith("HS") else touched(header, claims)
            who, headers = shown(item, "/token", provider)
            headers["dpop"] = written
            fields = {**who, "grant_type": next(iter(sorted(grants_of(item)))), "redirect_uri": "x", "code": "x"}
            answer = provider.machine("POST", "/token", body=urlencode(fields).encode(), **headers)
            expected = "invalid_request" if item.sender_constraint is SenderConstraint.MTLS else "invalid_dpop_proof"
            assert json_of(answer)["error"] == expected
    for item in for_people(provider):
        own = {key.algorithm for key in item.keys}
        for value in ALGORITHMS:
            if item.keys and value not in own:
                algorithm = next(iter(own))
                good = signed_by(item, algorithm, provider)
                forged = touched({**header_of(good), "alg": value}, claims_of(good), good.rpartition(".")[2])
                answer = post(provider, item, "/par", {"client_id": item.client_id, "request": forged})
                assert json_of(answer)["error"] == "invalid_request_object"


def touched(header: Mapping[str, Any], claims: Mapping[str, Any], signature: str = "A" * 86) -> str:
    head, body = (proofs.encoded(json.dumps(part).encode()) for part in (header, claims))
    return f"{head}.{body}.{signature}"


@pytest.mark.spec("OID-12", "OID-11")
def test_no_endpoint_of_other_specifications_answers(provider, document):
    assert not set(OTHER_MEMBERS) & set(document)
    for path in OTHER_PATHS:
        assert path not in provider.endpoints
        assert provider.browser.get(path).status_code == provider.browser.post(path).status_code == 404


OTHER_MEMBERS = (
    "registration_endpoint", "device_authorization_endpoint", "backchannel_authentication_endpoint", "check_session_iframe",
    "frontchannel_logout_supported", "signed_metadata", "op_policy_uri", "userinfo_encryption_alg_values_supported",
)  # fmt: skip
OTHER_PATHS = (
    "/register", "/device", "/device_authorization", "/bc-authorize", "/check-session", "/session", "/ciba", "/clients",
    "/tokeninfo", "/.well-known/webfinger", "/.well-known/oauth-authorization-server/x",
)  # fmt: skip


def test_the_keys_of_these_tests_are_the_ones_advertised():
    assert set(CLIENT_KEYS) == {"ES256", "EdDSA", "PS256"}
