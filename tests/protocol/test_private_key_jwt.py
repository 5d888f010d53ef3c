"""`private_key_jwt` at every endpoint where a client proves who it is (RFC 7523 §3, FAPI 2.0 §5.3.2.1; OID-05)."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.keys.public_key import verified_claims
from gateway.randomness import system_randomness
from gateway.storage.ephemeral import EphemeralStore, open_ephemeral
from gateway.web.machine_door import MachineRequest
from tests.protocol.proofs import (
    ASSERTION_TYPE,
    FORM,
    NOW,
    SIGNING,
    asserted,
    assertion,
    by_hmac,
    code_fields,
    declared,
    key,
    post,
    public,
    register,
)
from tests.protocol.provider import ISSUER, Provider, basic, json_of, named, secret_of

SERVICE = {"grant_type": "client_credentials"}


@pytest.fixture
def provider() -> Provider:
    made = Provider()
    register(made, SIGNING)
    return made


def refused(provider: Provider, **fields: str) -> str:
    """Why, as the journal says it."""
    answer = post(provider, **SERVICE, **fields)
    assert answer.status == 401, answer.body
    assert json_of(answer) == {"error": "invalid_client", "error_description": "Client authentication failed."}
    assert "WWW-Authenticate" not in answer.headers
    assert provider.event_names()[-1] == "client.refused"
    return str(provider.ephemeral.events[-1].reason)


@pytest.mark.spec("OID-05")
def test_a_client_that_signs_who_it_is_gets_tokens_revokes_and_introspects(provider):
    tokens = post(provider, **code_fields(provider, "signataire"), **asserted())
    assert tokens.status == 200, tokens.body
    assert post(provider, "/introspect", token=json_of(tokens)["refresh_token"], **asserted()).status == 200
    assert post(provider, "/revoke", token=json_of(tokens)["access_token"], **asserted()).status == 200
    assert post(provider, **SERVICE, **asserted(), client_id="signataire").status == 200


@pytest.mark.spec("OID-05", "TOK-01")
@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "RS256", "EdDSA"])
def test_each_algorithm_on_the_list_serves_with_a_key_of_its_own(provider, algorithm):
    register(provider, replace(SIGNING, keys=(declared(algorithm),)))
    header = {"alg": algorithm, "kid": f"{algorithm}-first"}
    assert post(provider, **SERVICE, **asserted(private=key(algorithm), header=header)).status == 200
    assert post(provider, **SERVICE, **asserted(private=key(algorithm), header={**header, "kid": ...})).status == 200


@pytest.mark.spec("OID-05")
def test_an_assertion_serves_once_whatever_it_was_for(provider):
    once = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion()}
    assert post(provider, **SERVICE, **once).status == 200
    assert refused(provider, **once) == "assertion: jti was used before"
    assert post(provider, "/introspect", token="x", **once).status == 401


@pytest.mark.spec("OID-05")
@pytest.mark.parametrize(
    "changes",
    [
        {"iss": ...},
        {"iss": "autre"},
        {"iss": ISSUER},
        {"iss": ["signataire"]},
        {"sub": "autre"},
        {"aud": ...},
        {"aud": ""},
        {"aud": [ISSUER]},
        {"aud": [ISSUER, "https://autre.example"]},
        {"aud": f"{ISSUER}/"},
        {"aud": f"{ISSUER}/token"},
        {"aud": ISSUER.upper()},
        {"aud": "https://autre.example"},
        {"exp": ...},
        {"exp": NOW},
        {"exp": NOW - 1},
        {"exp": NOW + 301},
        {"exp": str(NOW + 60)},
        {"exp": True},
        {"exp": None},
        {"iat": ..., "exp": NOW + 301},
        {"iat": ..., "nbf": NOW + 31},
        {"iat": None},
        {"iat": NOW + 31, "exp": NOW + 60},
        {"iat": "now"},
        {"iat": NOW - 300, "exp": NOW + 60},
        {"nbf": NOW + 31},
        {"nbf": "soon"},
        {"jti": ...},
        {"jti": ""},
        {"jti": 7},
        {"jti": "j" * 257},
    ],
    ids=named,
)
def test_an_assertion_that_breaks_a_rule_is_refused_and_is_not_spent(provider, changes):
    refused(provider, **asserted(**changes))
    assert not provider.ephemeral.used


@pytest.mark.spec("OID-05")
@pytest.mark.parametrize("sub", [..., "", 7, None, ["signataire"], "inconnu"], ids=str)
def test_an_assertion_about_nobody_or_about_somebody_unknown_is_refused(provider, sub):
    refused(provider, **asserted(sub=sub))


@pytest.mark.spec("OID-05")
@pytest.mark.parametrize(("before", "status"), [(59, 200), (60, 401)])
def test_an_assertion_lives_to_its_last_second(provider, before, status):
    fields = asserted()
    provider.clock.advance(before)
    assert post(provider, **SERVICE, **fields).status == status


@pytest.mark.spec("OID-05")
def test_the_longest_life_and_a_clock_a_little_fast_are_accepted(provider):
    assert post(provider, **SERVICE, **asserted(exp=NOW + 300)).status == 200
    assert post(provider, **SERVICE, **asserted(iat=NOW + 30, nbf=NOW + 30)).status == 200


@pytest.mark.spec("OID-05")
def test_an_assertion_need_not_say_when_it_was_made(provider):
    """OpenID Connect Core §9: `iat` is optional. Then the longest life counts from now."""
    assert post(provider, **SERVICE, **asserted(iat=..., exp=NOW + 300)).status == 200


@pytest.mark.spec("OID-05", "TOK-01")
@pytest.mark.parametrize(
    "header",
    [
        {"typ": "dpop+jwt"},
        {"typ": "oauth-authz-req+jwt"},
        {"typ": "at+jwt"},
        {"typ": ""},
        {"kid": "ES256-second"},
        {"kid": "unknown"},
        {"kid": "../../etc/passwd"},
        {"kid": ...},
        {"kid": 1},
        {"jku": "https://evil.example/keys"},
        {"jwk": public("ES256", "third")},
        {"x5u": "https://evil.example/cert"},
        {"crit": ["exp"]},
        {"b64": True},
    ],
    ids=named,
)
def test_a_header_that_chooses_something_else_is_refused(provider, header):
    refused(provider, **asserted(header=header))


@pytest.mark.spec("OID-05", "TOK-01")
def test_the_algorithm_is_the_keys_own_and_never_none_or_a_secret(provider):
    register(provider, replace(SIGNING, keys=(declared("PS256"),)))
    header = {"alg": "RS256", "kid": "PS256-first"}
    refused(provider, **asserted(private=key("PS256"), header=header))
    claims = {"iss": "signataire", "sub": "signataire", "aud": ISSUER, "iat": NOW, "exp": NOW + 60, "jti": "x"}
    pem = key("PS256").as_pem(private=False)
    for text in (by_hmac({"kid": "PS256-first"}, claims, pem), _unsigned(claims)):
        refused(provider, client_assertion_type=ASSERTION_TYPE, client_assertion=text)


def _unsigned(claims) -> str:
    body = by_hmac({}, claims, b"s" * 32).split(".")[1]
    none = by_hmac({}, {"alg": "none", "kid": "PS256-first"}, b"s" * 32).split(".")[1]
    return f"{none}.{body}."


@pytest.mark.spec("OID-05")
def test_another_clients_key_proves_nothing(provider):
    register(provider, replace(SIGNING, client_id="voisin", keys=(declared("ES256", "third"),)))
    refused(provider, **asserted(private=key("ES256", "third")))
    refused(provider, **asserted(private=key("ES256", "third"), header={"kid": "ES256-third"}))


@pytest.mark.spec("OID-05")
def test_a_signature_that_was_touched_is_refused(provider):
    whole = assertion()
    head, body, signature = whole.split(".")
    for text in (f"{head}.{body}.", f"{head}.{body}", f"{whole}.x", f"{head}.{body}.{signature[::-1]}", "", "a.b.c"):
        refused(provider, client_assertion_type=ASSERTION_TYPE, client_assertion=text)
    refused(provider, client_assertion_type=ASSERTION_TYPE, client_assertion=f"{head}.{'e30' * 3000}.{signature}")


@pytest.mark.spec("OID-05")
@pytest.mark.parametrize("kind", ["", "x", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"])
def test_an_assertion_of_another_type_is_refused(provider, kind):
    refused(provider, client_assertion_type=kind, client_assertion=assertion())


@pytest.mark.spec("OID-05")
def test_exactly_one_method_is_used_and_it_is_the_clients_own(provider):
    for more in (
        {"client_secret": "x"},
        {"client_id": "autre"},
    ):
        answer = post(provider, **SERVICE, **asserted(), **more)
        assert (answer.status, json_of(answer)["error"]) == (400, "invalid_request")
    header = {"authorization": basic("service", secret_of("service"))}
    assert post(provider, headers=header, **SERVICE, **asserted()).status == 400
    refused(provider, client_id="signataire")
    refused(provider, client_id="signataire", client_secret="anything")
    register(provider, replace(SIGNING, client_id="service"))
    provider.clients.clients["service"] = replace(provider.clients.clients["orientation"], client_id="service")
    refused(provider, **asserted("service"))


@pytest.mark.spec("OID-05")
def test_an_assertion_that_comes_twice_in_the_form_is_refused(provider):
    fields = asserted()
    answer = post(provider, "/token", ("client_assertion", fields["client_assertion"]), **SERVICE, **fields)
    assert (answer.status, json_of(answer)["error"]) == (400, "invalid_request")


@pytest.mark.spec("OID-05")
@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "PS256", "RS256"])
def test_an_unknown_client_costs_a_verification_too(provider, algorithm, monkeypatch):
    verified = []

    def counted(unverified, presented, *, expected_algorithm):
        verified.append(expected_algorithm)
        return verified_claims(unverified, presented, expected_algorithm=expected_algorithm)

    monkeypatch.setattr("gateway.oidc.client_assertion.verified_claims", counted)
    refused(provider, **asserted("inconnu", private=key(algorithm), header={"alg": algorithm, "kid": "k"}))
    assert verified == [algorithm]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EphemeralStore]:
    opened = open_ephemeral(f"sqlite:///{tmp_path / 'ephemeral.db'}", system_randomness)
    yield opened
    opened.close()


@pytest.mark.spec("OID-05")
def test_of_twenty_parallel_uses_of_one_assertion_one_succeeds(store):
    provider = Provider(store)
    register(provider, SIGNING)
    body = urlencode({**SERVICE, **asserted()}).encode()
    request = MachineRequest("POST", "/token", b"", {"content-type": FORM}, body, "192.0.2.7", "R")

    async def all_at_once():
        return await asyncio.gather(*(provider.endpoints["/token"](request) for _ in range(20)))

    answers = asyncio.run(all_at_once())
    assert sorted(answer.status for answer in answers) == [200] + [401] * 19


@pytest.mark.spec("OID-12")
def test_discovery_says_which_algorithms_these_keys_have(provider):
    found = json_of(provider.machine("GET", "/.well-known/openid-configuration"))
    for endpoint in ("token", "revocation", "introspection"):
        assert "private_key_jwt" in found[f"{endpoint}_endpoint_auth_methods_supported"]
        assert found[f"{endpoint}_endpoint_auth_signing_alg_values_supported"] == ["ES256"]
    del provider.clients.clients["signataire"]
    assert not [
        name
        for name in json_of(provider.machine("GET", "/.well-known/openid-configuration"))
        if "_auth_signing" in name
    ]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    claims=st.dictionaries(st.sampled_from(["iss", "sub", "aud", "iat", "exp", "nbf", "jti"]), json_values),
    header=st.dictionaries(st.sampled_from(["typ", "kid", "crit", "jwk"]), json_values, max_size=2),
)
def test_no_assertion_breaks_the_endpoint(provider, claims, header):
    token = assertion()
    try:
        token = assertion(header=header, **claims)
    except Exception:  # what the library would not even sign
        token = f"{token}{claims}"
    answer = post(provider, **SERVICE, client_assertion_type=ASSERTION_TYPE, client_assertion=token)
    assert answer.status in {200, 401}
