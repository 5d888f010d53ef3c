"""Userinfo as a JWT, for the clients whose file wants it (OpenID Connect Core §5.3.2)."""

from dataclasses import replace

import pytest
from joserfc import jws
from joserfc.jwk import KeySet

from gateway.keys.signing_key import Algorithm
from tests.protocol.provider import ACCOUNT, ISSUER, Provider, claims_of, client, error_of, header_of, json_of
from tests.protocol.test_userinfo import assert_refused


def signing(provider: Provider, algorithm: str = "ES256", **changes: object) -> None:
    provider.clients.clients["orientation"] = replace(client(), userinfo_algorithm=algorithm, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_it_is_signed_by_us_for_this_client_and_says_the_same(provider, algorithm, method):
    token = provider.tokens(scope="openid profile email ror")["access_token"]
    plain = json_of(provider.userinfo(token))
    signing(provider, algorithm)
    answer = provider.machine(method, "/userinfo", authorization=f"Bearer {token}", accept="application/json")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/jwt")
    assert answer.headers["Cache-Control"] == "no-store"
    said = answer.body.decode()
    keys = KeySet.import_key_set(json_of(provider.machine("GET", "/jwks")))
    jws.deserialize_compact(said, keys, algorithms=[algorithm])
    assert header_of(said)["alg"] == algorithm
    assert claims_of(said) == {**plain, "iss": ISSUER, "aud": "orientation"}
    assert plain["sub"] == ACCOUNT


@pytest.mark.spec("TOK-03")
def test_a_signed_answer_is_neither_a_hint_nor_a_token(provider):
    token = provider.tokens()["access_token"]
    signing(provider)
    said = provider.userinfo(token).body.decode()
    assert_refused(provider.userinfo(said), "invalid_token")
    assert error_of(provider.authorize(id_token_hint=said)) == "invalid_request"
    page = provider.browser.get("/logout", query_string={"id_token_hint": said})
    assert page.status_code == 200
    assert provider.ephemeral.sessions
    assert json_of(provider.form("/introspect", token=said)) == {"active": False}


def test_a_refusal_is_not_signed(provider):
    signing(provider)
    assert_refused(provider.userinfo("x"), "invalid_token")
    assert provider.userinfo("x").headers["Content-Type"] == "application/json"


@pytest.mark.spec("OID-16")
def test_it_has_the_pairwise_name(provider):
    signing(provider, sector="orientation.example")
    answer = provider.tokens()
    assert (
        claims_of(provider.userinfo(answer["access_token"]).body.decode())["sub"]
        == claims_of(answer["id_token"])["sub"]
    )


@pytest.mark.spec("OID-12")
def test_discovery_names_the_algorithms_that_some_client_gets(provider):
    name = "userinfo_signing_alg_values_supported"

    def document():
        return json_of(provider.machine("GET", "/.well-known/openid-configuration"))

    assert name not in document()
    signing(provider, "RS256")
    assert document()[name] == [Algorithm.RS256]
