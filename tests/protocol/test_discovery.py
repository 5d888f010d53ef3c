"""The discovery document: what it says works, and nothing else does."""

from dataclasses import replace

import pytest

from gateway.applications.client import ClientAuthenticationMethod
from tests.protocol.provider import CALLBACK, CLIENT_KEYS, ISSUER, answer_of, claims_of, error_of, header_of, json_of
from tests.protocol.signed_requests import signed_request


def document(provider):
    return json_of(provider.machine("GET", "/.well-known/openid-configuration"))


@pytest.mark.spec("OID-12")
def test_every_advertised_endpoint_answers(provider):
    found = document(provider)
    assert found["issuer"] == ISSUER
    for name in ("authorization_endpoint", "end_session_endpoint"):
        path = found[name].removeprefix(ISSUER)
        assert provider.browser.get(path).status_code in {200, 303, 400}
    for name in ("token_endpoint", "userinfo_endpoint", "jwks_uri", "revocation_endpoint", "introspection_endpoint"):
        assert found[name].removeprefix(ISSUER) in provider.endpoints


@pytest.mark.spec("OID-12")
def test_every_advertised_scope_claim_algorithm_and_method_works(provider):
    found = document(provider)
    answer = provider.tokens(scope=" ".join(found["scopes_supported"]))
    said = claims_of(answer["id_token"]) | json_of(provider.userinfo(answer["access_token"]))
    assert set(found["claims_supported"]) == set(said)
    for algorithm in found["id_token_signing_alg_values_supported"]:
        clients = provider.clients.clients
        clients["orientation"] = replace(clients["orientation"], id_token_algorithm=algorithm)
        assert header_of(provider.tokens()["id_token"])["alg"] == algorithm
    methods = {
        "client_secret_basic": ("orientation", CALLBACK),
        "client_secret_post": ("postant", "https://postant.example/cb"),
        "none": ("suivi", "https://suivi.example/app/callback"),
    }
    assert set(found["token_endpoint_auth_methods_supported"]) == set(methods)
    for client_id, redirect_uri in methods.values():
        code = provider.code(client_id=client_id, redirect_uri=redirect_uri, scope="openid")
        assert provider.token(client_id=client_id, code=code).status == 200


@pytest.mark.spec("OID-12")
def test_every_advertised_prompt_and_response_works_and_others_are_refused(provider):
    found = document(provider)
    provider.sign_in()
    for prompt in found["prompt_values_supported"]:
        assert "error" not in provider.authorize(prompt=prompt).headers["Location"]
    assert error_of(provider.authorize(prompt="create")) == "invalid_request"
    assert found["response_modes_supported"] == ["query", "form_post"]
    posting = {"client_id": "forme", "redirect_uri": "https://forme.example/cb?lang=fr"}
    assert "code" in answer_of(provider.authorize(**posting, response_mode="query"))
    assert 'name="code"' in provider.authorize(**posting, response_mode="form_post").get_data(as_text=True)
    assert error_of(provider.authorize(**posting, response_mode="fragment")) == "invalid_request"
    for display in found["display_values_supported"]:
        assert "code" in answer_of(provider.authorize(display=display))
    assert error_of(provider.authorize(display="wap")) == "invalid_request"
    assert found["response_types_supported"] == ["code"]
    assert found["authorization_response_iss_parameter_supported"] is True


@pytest.mark.spec("OID-12", "OID-06")
def test_requests_are_pushed_where_the_document_says_and_signed_as_it_says(provider):
    found = document(provider)
    assert found["pushed_authorization_request_endpoint"] == f"{ISSUER}/par"
    assert found["require_pushed_authorization_requests"] is False
    assert provider.push().status == 201
    assert found["request_parameter_supported"] is True
    assert set(found["request_object_signing_alg_values_supported"]) == set(CLIENT_KEYS)
    provider.sign_in()
    for algorithm in found["request_object_signing_alg_values_supported"]:
        assert "code" in answer_of(provider.authorize(**signed_request(provider, algorithm)))


@pytest.mark.spec("OID-12", "OID-01")
def test_what_does_not_work_is_not_advertised(provider):
    found = document(provider)
    exchange = "urn:ietf:params:oauth:grant-type:token-exchange"
    assert found["grant_types_supported"] == ["authorization_code", "client_credentials", "refresh_token", exchange]
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["request_uri_parameter_supported"] is False
    assert not {"registration_endpoint", "device_authorization_endpoint"} & set(found)


@pytest.mark.spec("OID-12")
def test_the_document_follows_the_configuration(provider):
    clients = provider.clients.clients
    for client_id in (
        "postant",
        "suivi",
        "mobile",
        "durable",
        "service",
        "facade",
        "relais",
        "notif",
        "signant",
        "forme",
    ):
        del clients[client_id]
    for client_id, client in clients.items():
        clients[client_id] = replace(client, scopes=frozenset({"openid", "email"}))
    found = document(provider)
    assert found["scopes_supported"] == ["openid", "email"]
    assert found["grant_types_supported"] == ["authorization_code"]
    assert found["token_endpoint_auth_methods_supported"] == [ClientAuthenticationMethod.CLIENT_SECRET_BASIC]
    assert found["response_modes_supported"] == ["query"]
    assert found["request_parameter_supported"] is False
    assert "request_object_signing_alg_values_supported" not in found


@pytest.mark.spec("OID-11")
def test_there_is_no_door_for_registration(provider):
    routes = {rule.rule for rule in provider.browser.application.url_map.iter_rules()}
    assert not [path for path in routes | set(provider.endpoints) if "register" in path or "client" in path]
    for path in ("/register", "/connect/register", "/clients"):
        assert provider.browser.post(path, json={"redirect_uris": ["https://evil.example"]}).status_code == 404


@pytest.mark.spec("SES-07", "OID-12")
def test_it_says_that_applications_are_told_when_a_session_ends(provider):
    found = document(provider)
    assert found["backchannel_logout_supported"] is found["backchannel_logout_session_supported"] is True


@pytest.mark.spec("OID-12", "OID-05")
def test_introspection_is_for_clients_that_prove_who_they_are_and_revocation_for_all(provider):
    found = document(provider)
    methods = ["client_secret_basic", "client_secret_post"]
    assert found["introspection_endpoint_auth_methods_supported"] == methods
    assert found["revocation_endpoint_auth_methods_supported"] == [*methods, "none"]
    assert found["introspection_signing_alg_values_supported"] == ["ES256"]
    for client_id in [*provider.clients.clients]:
        if provider.clients.clients[client_id].authentication_method is not ClientAuthenticationMethod.NONE:
            del provider.clients.clients[client_id]
    found = document(provider)
    assert not [name for name in found if name.startswith("introspection")]
    assert found["revocation_endpoint_auth_methods_supported"] == ["none"]
    provider.clients.clients.clear()
    assert not [name for name in document(provider) if name.startswith("revocation")]


@pytest.mark.spec("OID-12")
def test_a_list_without_elements_is_left_out(provider):
    """RFC 8414 §3.2: of a deployment that has no application yet, and whose means give no level."""
    provider.clients.clients.clear()
    assert not [name for name, value in document(provider).items() if value == []]
