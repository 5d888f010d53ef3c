"""DPoP: tokens that only the holder of a key can use (RFC 9449; OID-08, AC-099)."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.applications.client import SenderConstraint
from gateway.oidc.dpop_nonces import PERIOD_SECONDS
from gateway.randomness import system_randomness
from gateway.storage.ephemeral import EphemeralStore, open_ephemeral
from gateway.web.machine_door import MachineRequest, MachineResponse
from tests.protocol.proofs import (
    FORM,
    NOW,
    SIGNING,
    asserted,
    by_hmac,
    code_fields,
    encoded,
    key,
    post,
    proof,
    public,
    register,
    thumbprint,
)
from tests.protocol.provider import CHALLENGE, ISSUER, Provider, answer_of, basic, claims_of, json_of, named, secret_of

BOUND = replace(SIGNING, sender_constraint=SenderConstraint.DPOP)
SERVICE = {"grant_type": "client_credentials"}


@pytest.fixture
def provider() -> Provider:
    made = Provider()
    register(made, BOUND)
    return made


def ask(provider: Provider, dpop: str | None, path: str = "/token", **fields: Any) -> MachineResponse:
    """The client that must use DPoP asks; its assertion is fresh each time."""
    headers = {} if dpop is None else {"dpop": dpop}
    return post(provider, path, headers=headers, **{**SERVICE, **asserted(), **fields})


def error_of(answer: MachineResponse) -> str:
    return str(json_of(answer)["error"])


def resource(
    provider: Provider, token: str, dpop: str | None, scheme: str = "DPoP", method: str = "GET"
) -> MachineResponse:
    headers = {"authorization": f"{scheme} {token}"} | ({} if dpop is None else {"dpop": dpop})
    return provider.machine(method, "/userinfo", **headers)


@pytest.fixture
def token(provider: Provider) -> str:
    """A bound access token of a person."""
    answer = ask(provider, proof(nonce=provider.nonce()), **code_fields(provider, "signataire"))
    assert answer.status == 200, answer.body
    return str(json_of(answer)["access_token"])


# ── at the token endpoint ──


@pytest.mark.spec("OID-08")
def test_tokens_are_bound_to_the_key_that_was_proven(provider):
    answer = json_of(ask(provider, proof(nonce=provider.nonce()), **code_fields(provider, "signataire")))
    assert answer["token_type"] == "DPoP"
    assert claims_of(answer["access_token"])["cnf"] == {"jkt": thumbprint()}
    assert "cnf" not in claims_of(answer["id_token"])
    service = json_of(ask(provider, proof(nonce=provider.nonce())))
    assert (service["token_type"], claims_of(service["access_token"])["cnf"]) == ("DPoP", {"jkt": thumbprint()})


@pytest.mark.spec("OID-08")
@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "EdDSA"])
def test_each_advertised_algorithm_works_and_rs256_does_not(provider, algorithm):
    found = json_of(provider.machine("GET", "/.well-known/openid-configuration"))
    assert algorithm in found["dpop_signing_alg_values_supported"]
    private = key(algorithm)
    assert ask(provider, proof(private=private, header={"alg": algorithm}, nonce=provider.nonce())).status == 200
    refused = ask(provider, proof(private=key("RS256"), header={"alg": "RS256"}, nonce=provider.nonce()))
    assert error_of(refused) == "invalid_dpop_proof"


@pytest.mark.spec("OID-08")
def test_a_client_that_may_do_without_gets_bound_tokens_when_it_proves_a_key_and_plain_ones_otherwise(provider):
    headers = {"authorization": basic("service", secret_of("service"))}
    plain = post(provider, headers=headers, **SERVICE)
    assert json_of(plain)["token_type"] == "Bearer"
    assert "DPoP-Nonce" not in plain.headers
    bound = post(provider, headers={**headers, "dpop": proof(nonce=provider.nonce())}, **SERVICE)
    assert json_of(bound)["token_type"] == "DPoP"
    assert post(provider, headers={**headers, "dpop": "rubbish"}, **SERVICE).status == 400


@pytest.mark.spec("OID-08")
@pytest.mark.parametrize("nonce", [..., "", 7, "A" * 22, "é", ["x"]], ids=repr)
def test_without_a_nonce_of_ours_the_client_is_told_one_that_works(provider, nonce):
    answer = ask(provider, proof(nonce=nonce))
    assert (answer.status, error_of(answer)) == (400, "use_dpop_nonce")
    assert not provider.ephemeral.events
    assert ask(provider, proof(nonce=answer.headers["DPoP-Nonce"])).status == 200


@pytest.mark.spec("OID-08")
def test_a_nonce_serves_for_its_period_and_the_next_one(provider):
    nonce = provider.nonce()
    provider.clock.advance(PERIOD_SECONDS)
    later = int(provider.clock.now())
    fields = asserted(iat=later, exp=later + 60)
    answer = ask(provider, proof(nonce=nonce, iat=later), **fields)
    assert answer.status == 200
    assert answer.headers["DPoP-Nonce"] != nonce
    provider.clock.advance(PERIOD_SECONDS)
    later = int(provider.clock.now())
    fields = asserted(iat=later, exp=later + 60)
    assert error_of(ask(provider, proof(nonce=nonce, iat=later), **fields)) == "use_dpop_nonce"


BROKEN: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"typ": ...}, {}),
    ({"typ": "JWT"}, {}),
    ({"typ": "DPOP+JWT"}, {}),
    ({"jwk": ...}, {}),
    ({"jwk": "key"}, {}),
    ({"jwk": {}}, {}),
    ({"jwk": {"kty": "oct", "k": "c2VjcmV0"}}, {}),
    ({"jwk": public("ES256", "second")}, {}),
    ({"jwk": {**public(), "x": "A" * 43}}, {}),
    ({"jwk": {**public(), "crv": "P-384"}}, {}),
    ({"jwk": {**public(), "use": "enc"}}, {}),
    ({"jwk": {**public(), "kty": ["EC"]}}, {}),
    ({"jwk": {**public(), "x": None}}, {}),
    ({"crit": ["exp"]}, {}),
    ({"jku": "https://evil.example"}, {}),
    ({}, {"htm": ...}),
    ({}, {"htm": "GET"}),
    ({}, {"htm": "post"}),
    ({}, {"htm": ["POST"]}),
    ({}, {"htu": ...}),
    ({}, {"htu": ""}),
    ({}, {"htu": f"{ISSUER}/userinfo"}),
    ({}, {"htu": f"{ISSUER}/token/"}),
    ({}, {"htu": "https://autre.example/token"}),
    ({}, {"htu": ISSUER.replace("https", "http") + "/token"}),
    ({}, {"htu": f"{ISSUER}:8443/token"}),
    ({}, {"htu": f"{ISSUER}:port/token"}),
    ({}, {"htu": "/token"}),
    ({}, {"htu": ISSUER + "/token" + "?" * 1100}),
    ({}, {"iat": ...}),
    ({}, {"iat": str(NOW)}),
    ({}, {"iat": True}),
    ({}, {"iat": NOW - 300}),
    ({}, {"iat": NOW + 61}),
    ({}, {"jti": ...}),
    ({}, {"jti": ""}),
    ({}, {"jti": 5}),
    ({}, {"jti": "j" * 257}),
]


@pytest.mark.spec("OID-08", "AC-099")
@pytest.mark.parametrize(("header", "claims"), BROKEN, ids=named)
def test_a_proof_that_breaks_a_rule_is_refused_and_not_remembered(provider, header, claims):
    dpop = proof(header=header, nonce=provider.nonce(), **claims)
    answer = ask(provider, dpop)
    assert (answer.status, error_of(answer)) == (400, "invalid_dpop_proof")
    assert not [kind for kind, _, _ in provider.ephemeral.used if kind == "dpop"]
    assert provider.event_names()[-1] == "token.refused"


@pytest.mark.spec("OID-08")
@pytest.mark.parametrize(
    "claims", [{"iat": NOW - 299}, {"iat": NOW + 60}, {"htu": "HTTPS://PORTAIL.example:443/token?a#b"}]
)
def test_clocks_a_little_apart_and_the_same_address_otherwise_written_are_accepted(provider, claims):
    assert ask(provider, proof(nonce=provider.nonce(), **claims)).status == 200


@pytest.mark.spec("OID-08")
def test_a_private_key_in_a_proof_is_refused(provider):
    dpop = proof(header={"jwk": key().as_dict(private=True)}, nonce=provider.nonce())
    assert error_of(ask(provider, dpop)) == "invalid_dpop_proof"


@pytest.mark.spec("OID-08")
def test_a_proof_that_is_missing_empty_too_long_or_no_jws_is_refused(provider):
    whole = proof(nonce=provider.nonce())
    head, body, signature = whole.split(".")
    none = encoded(json.dumps({"typ": "dpop+jwt", "alg": "none", "jwk": public()}).encode())
    hmac_signed = by_hmac({"typ": "dpop+jwt", "jwk": public()}, {"htm": "POST"}, key().as_pem(private=False))
    texts = (None, "", "x", "a.b.c", f"{head}.{body}", f"{head}.{body}.", f"{whole}.x", f"{none}.{body}.", hmac_signed)
    for text in (
        *texts,
        f"{whole}, {whole}",
        f"{head}.{body}.{signature[::-1]}",
        f"{head}.{'A' * 9000}.{signature}",
        "é",
    ):
        answer = ask(provider, text)
        assert (answer.status, error_of(answer)) == (400, "invalid_dpop_proof"), text


@pytest.mark.spec("OID-08", "AC-099")
def test_a_proof_serves_once(provider):
    dpop = proof(nonce=provider.nonce())
    assert ask(provider, dpop).status == 200
    assert error_of(ask(provider, dpop)) == "invalid_dpop_proof"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EphemeralStore]:
    opened = open_ephemeral(f"sqlite:///{tmp_path / 'ephemeral.db'}", system_randomness)
    yield opened
    opened.close()


@pytest.mark.spec("OID-08")
def test_of_twenty_parallel_uses_of_one_proof_one_succeeds(store):
    provider = Provider(store)
    headers = {"content-type": FORM, "authorization": basic("service", secret_of("service"))}
    headers["dpop"] = proof(nonce=provider.nonce())
    request = MachineRequest("POST", "/token", b"", headers, urlencode(SERVICE).encode(), "192.0.2.7", "R")

    async def all_at_once() -> list[MachineResponse]:
        return await asyncio.gather(*(provider.endpoints["/token"](request) for _ in range(20)))

    assert sorted(answer.status for answer in asyncio.run(all_at_once())) == [200] + [400] * 19


# ── the code and the refresh token ──


@pytest.mark.spec("OID-08")
def test_a_code_asked_for_a_key_is_worth_nothing_without_it_and_is_burnt(provider):
    fields = code_fields(provider, "signataire", dpop_jkt=thumbprint())
    wrong = ask(provider, proof(private=key("ES256", "second"), nonce=provider.nonce()), **fields)
    assert error_of(wrong) == "invalid_grant"
    assert error_of(ask(provider, proof(nonce=provider.nonce()), **fields)) == "invalid_grant"
    fields = code_fields(provider, "signataire", dpop_jkt=thumbprint())
    assert ask(provider, proof(nonce=provider.nonce()), **fields).status == 200
    plain = code_fields(provider, "orientation", dpop_jkt=thumbprint())
    authorization = basic("orientation", secret_of("orientation"))
    assert error_of(post(provider, headers={"authorization": authorization}, **plain)) == "invalid_grant"


@pytest.mark.spec("OID-08")
def test_asking_for_another_nonce_does_not_spend_the_code(provider):
    fields = code_fields(provider, "signataire", dpop_jkt=thumbprint())
    answer = ask(provider, proof(), **fields)
    assert error_of(answer) == "use_dpop_nonce"
    assert ask(provider, proof(nonce=answer.headers["DPoP-Nonce"]), **fields).status == 200


@pytest.mark.spec("OID-08")
@pytest.mark.parametrize("jkt", ["x", "a" * 42, "a" * 44, "a" * 42 + "=", "a" * 42 + "é", "a" * 65])
def test_a_malformed_dpop_jkt_is_refused(provider, jkt):
    provider.sign_in()
    assert answer_of(provider.authorize(dpop_jkt=jkt))["error"] == "invalid_request"


@pytest.mark.spec("OID-08", "OID-06")
def test_a_proof_at_the_pushed_request_binds_the_code(provider):
    pushed = {
        "client_id": "signataire",
        "redirect_uri": BOUND.redirect_uris[0],
        "response_type": "code",
        "scope": "openid",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "grant_type": None,
    }
    asking = ask(provider, proof("/par"), "/par", **pushed)
    assert error_of(asking) == "use_dpop_nonce"
    other = proof("/par", nonce=provider.nonce())
    wrong = ask(provider, other, "/par", **pushed, dpop_jkt=thumbprint(key("ES256", "second")))
    assert error_of(wrong) == "invalid_dpop_proof"
    assert error_of(ask(provider, proof(nonce=provider.nonce()), "/par", **pushed)) == "invalid_dpop_proof"
    for more in ({}, {"dpop_jkt": thumbprint()}):
        answer = ask(provider, proof("/par", nonce=provider.nonce()), "/par", **pushed, **more)
        assert answer.status == 201, answer.body
        provider.sign_in()
        query = urlencode({"client_id": "signataire", "request_uri": json_of(answer)["request_uri"]})
        code = answer_of(provider.browser.get(f"/authorize?{query}"))["code"]
        fields = {**code_fields(provider, "signataire"), "code": code}
        wrong = ask(provider, proof(private=key("ES256", "second"), nonce=provider.nonce()), **fields)
        assert error_of(wrong) == "invalid_grant"


def refresh(provider: Provider, token: str, dpop: str | None, client_id: str | None = None) -> MachineResponse:
    fields = {"grant_type": "refresh_token", "refresh_token": token}
    if client_id is None:
        return ask(provider, dpop, **fields)
    return post(provider, headers={} if dpop is None else {"dpop": dpop}, client_id=client_id, **fields)


@pytest.mark.spec("OID-08", "OID-09")
def test_the_refresh_token_of_a_public_client_is_for_one_key_and_never_again_without_it(provider):
    headers = {"dpop": proof(nonce=provider.nonce())}
    first = json_of(post(provider, headers=headers, client_id="mobile", **code_fields(provider, "mobile")))
    assert first["token_type"] == "DPoP"
    token = first["refresh_token"]
    other = proof(private=key("ES256", "second"), nonce=provider.nonce())
    assert error_of(refresh(provider, token, other, "mobile")) == "invalid_grant"
    assert error_of(refresh(provider, token, None, "mobile")) == "invalid_grant"
    again = refresh(provider, token, proof(nonce=provider.nonce()), "mobile")
    assert claims_of(json_of(again)["access_token"])["cnf"] == {"jkt": thumbprint()}


@pytest.mark.spec("OID-08", "OID-09")
def test_a_public_client_cannot_bind_later_what_was_not_bound(provider):
    first = json_of(post(provider, client_id="mobile", **code_fields(provider, "mobile")))
    late = refresh(provider, first["refresh_token"], proof(nonce=provider.nonce()), "mobile")
    assert error_of(late) == "invalid_grant"


@pytest.mark.spec("OID-08", "OID-09")
def test_a_client_that_proves_who_it_is_may_change_its_key_but_not_do_without(provider):
    register(provider, replace(BOUND, sender_constraint=SenderConstraint.NONE))
    fields = code_fields(provider, "signataire")
    first = json_of(ask(provider, proof(nonce=provider.nonce()), **fields))
    assert error_of(refresh(provider, first["refresh_token"], None)) == "invalid_grant"
    other = key("ES256", "second")
    changed = refresh(provider, first["refresh_token"], proof(private=other, nonce=provider.nonce()))
    assert claims_of(json_of(changed)["access_token"])["cnf"] == {"jkt": thumbprint(other)}


@pytest.mark.spec("OID-08", "OID-09")
def test_the_same_answer_within_ten_seconds_is_for_the_same_key_only(store):
    provider = Provider(store)
    register(provider, BOUND)
    token = json_of(ask(provider, proof(nonce=provider.nonce()), **code_fields(provider, "signataire")))[
        "refresh_token"
    ]
    first = refresh(provider, token, proof(nonce=provider.nonce()))
    assert refresh(provider, token, proof(nonce=provider.nonce())).body == first.body
    stolen = refresh(provider, token, proof(private=key("ES256", "second"), nonce=provider.nonce()))
    assert error_of(stolen) == "invalid_grant"
    dead = refresh(provider, json_of(first)["refresh_token"], proof(nonce=provider.nonce()))
    assert error_of(dead) == "invalid_grant"
    assert "token.refresh_reused" in [event.name for _, event in store.spool.take_events(100)]


# ── at a resource ──


@pytest.mark.spec("OID-08", "AC-099")
def test_a_bound_token_serves_with_a_proof_for_this_token_this_method_and_this_address(provider, token):
    for method in ("GET", "POST"):
        dpop = proof("/userinfo", method, token=token, nonce=provider.nonce())
        answer = resource(provider, token, dpop, method=method)
        assert answer.status == 200
        assert answer.headers["DPoP-Nonce"]


@pytest.mark.spec("OID-08", "AC-099")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"nonce": ...}, "use_dpop_nonce"),
        ({"token": None}, "invalid_dpop_proof"),
        ({"token": "another"}, "invalid_dpop_proof"),
        ({"ath": ""}, "invalid_dpop_proof"),
        ({"ath": 5}, "invalid_dpop_proof"),
        ({"method": "POST"}, "invalid_dpop_proof"),
        ({"path": "/token"}, "invalid_dpop_proof"),
        ({"iat": NOW - 300}, "invalid_dpop_proof"),
        ({"private": key("ES256", "second")}, "invalid_token"),
    ],
    ids=named,
)
def test_any_other_proof_is_refused_and_the_challenge_says_dpop(provider, token, changes, error):
    dpop = proof(**{"path": "/userinfo", "method": "GET", "token": token, "nonce": provider.nonce(), **changes})
    answer = resource(provider, token, dpop)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == f'DPoP algs="ES256 EdDSA PS256", error="{error}"'
    assert answer.headers["DPoP-Nonce"] == provider.nonce()


@pytest.mark.spec("OID-08", "AC-099")
def test_a_bound_token_is_worth_nothing_as_a_bearers(provider, token):
    dpop = proof("/userinfo", "GET", token=token, nonce=provider.nonce())
    for presented in (None, dpop):
        answer = resource(provider, token, presented, "Bearer")
        assert (answer.status, error_of(answer)) == (401, "invalid_token")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    missing = resource(provider, token, None)
    assert (missing.status, error_of(missing)) == (401, "invalid_dpop_proof")


@pytest.mark.spec("OID-08")
def test_a_token_without_a_key_cannot_be_dressed_up_as_bound(provider):
    token = provider.tokens()["access_token"]
    answer = resource(provider, token, proof("/userinfo", "GET", token=token, nonce=provider.nonce()))
    assert (answer.status, error_of(answer)) == (401, "invalid_token")
    assert resource(provider, token, None, "Bearer").status == 200


@pytest.mark.spec("OID-08", "AC-099")
def test_a_proof_seen_on_the_way_does_not_serve_again(provider, token):
    dpop = proof("/userinfo", "GET", token=token, nonce=provider.nonce())
    assert resource(provider, token, dpop).status == 200
    assert error_of(resource(provider, token, dpop)) == "invalid_dpop_proof"


def test_without_a_token_both_schemes_are_offered(provider):
    offered = provider.machine("GET", "/userinfo").headers["WWW-Authenticate"]
    assert offered == 'Bearer realm="userinfo", DPoP algs="ES256 EdDSA PS256"'


@pytest.mark.spec("OID-08")
def test_introspection_tells_the_key(provider, token):
    said = json_of(post(provider, "/introspect", token=token, **asserted()))
    assert (said["active"], said["cnf"], said["token_type"]) == (True, {"jkt": thumbprint()}, "DPoP")


@pytest.mark.spec("WEB-05")
def test_pages_of_public_clients_may_send_proofs_and_read_nonces(provider):
    origin = "https://suivi.example"
    preflight = provider.machine("OPTIONS", "/token", origin=origin)
    assert "dpop" in preflight.headers["Access-Control-Allow-Headers"]
    answer = provider.machine("POST", "/token", origin=origin)
    assert "DPoP-Nonce" in answer.headers["Access-Control-Expose-Headers"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    claims=st.dictionaries(st.sampled_from(["htm", "htu", "iat", "jti", "ath", "nonce"]), json_values),
    jwk=st.none()
    | st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "n", "e", "use", "alg", "kid"]), json_values),
    raw=st.none() | st.text(st.characters(codec="latin-1"), max_size=30),
)
def test_no_proof_breaks_an_endpoint(provider, claims, jwk, raw):
    header = {} if jwk is None else {"jwk": {**public(), **jwk}}
    dpop = proof(header=header, **{"nonce": provider.nonce(), **claims}) if raw is None else raw
    assert ask(provider, dpop).status in {200, 400}
    assert resource(provider, "x.y.z", dpop).status in {400, 401}
