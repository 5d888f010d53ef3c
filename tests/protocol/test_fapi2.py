"""A client whose file says `profile: fapi2`, from its file to its tokens (FAPI 2.0 Security Profile §5.3; OID-18)."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from gateway.applications.client_file import read_client
from tests.protocol.proofs import NOW, asserted, post, proof, public, register, thumbprint
from tests.protocol.provider import CHALLENGE, ISSUER, VERIFIER, Provider, answer_of, claims_of, json_of

REDIRECT = "https://fapi.example/cb"
FILE = f"""
client_id: fapi
name: {{fr: Application exigeante}}
profile: fapi2
authentication_method: private_key_jwt
jwks: {json.dumps({"keys": [{**public(), "kid": "ES256-first", "alg": "ES256"}]})}
redirect_uris: [{REDIRECT}]
scopes: [openid, ror]
audience: https://fapi.example/api
role_application: handicap
refresh_tokens: true
"""
REQUEST = {
    "client_id": "fapi",
    "redirect_uri": REDIRECT,
    "response_type": "code",
    "scope": "openid ror",
    "state": "s",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


@pytest.fixture
def provider(tmp_path: Path) -> Provider:
    (tmp_path / "fapi.yaml").write_text(FILE, "utf-8")
    made = Provider()
    register(made, read_client(tmp_path / "fapi.yaml", loopback_http=False))
    return made


def push(provider: Provider, **changes: Any) -> dict[str, Any]:
    return json_of(post(provider, "/par", **{**REQUEST, **asserted("fapi"), **changes}))


def authorized(provider: Provider) -> dict[str, str]:
    provider.sign_in()
    query = urlencode({"client_id": "fapi", "request_uri": push(provider)["request_uri"]})
    return answer_of(provider.browser.get(f"/authorize?{query}"))


def redeem(provider: Provider, code: str, **changes: Any) -> Any:
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    headers = {"dpop": changes.pop("dpop", proof(nonce=provider.nonce()))}
    headers = {name: value for name, value in headers.items() if value is not None}
    now = int(provider.clock.now())
    return post(provider, headers=headers, **{**fields, **asserted("fapi", iat=now, exp=now + 60), **changes})


@pytest.mark.spec("OID-18")
def test_pushed_signed_bound_and_answered_with_the_issuer(provider):
    answer = authorized(provider)
    assert answer["iss"] == ISSUER
    tokens = json_of(redeem(provider, answer["code"]))
    assert tokens["token_type"] == "DPoP"
    assert claims_of(tokens["access_token"])["cnf"] == {"jkt": thumbprint()}


@pytest.mark.spec("OID-18", "OID-06")
def test_a_request_that_was_not_pushed_or_has_no_challenge_is_refused(provider):
    provider.sign_in()
    assert answer_of(provider.browser.get(f"/authorize?{urlencode(REQUEST)}"))["error"] == "invalid_request"
    assert push(provider, code_challenge=None, code_challenge_method=None)["error"] == "invalid_request"
    assert push(provider, code_challenge_method="plain")["error"] == "invalid_request"
    assert push(provider, client_assertion_type=None, client_assertion=None)["error"] == "invalid_client"


@pytest.mark.spec("OID-18", "OID-08")
def test_a_token_is_never_a_bearers(provider):
    code = authorized(provider)["code"]
    assert json_of(redeem(provider, code, dpop=None))["error"] == "invalid_dpop_proof"


@pytest.mark.spec("OID-18", "OID-04")
def test_a_code_lives_a_minute_and_serves_once(provider):
    code = authorized(provider)["code"]
    provider.clock.advance(60)
    assert json_of(redeem(provider, code, dpop=proof(nonce=provider.nonce(), iat=NOW + 60)))["error"] == "invalid_grant"


@pytest.mark.spec("OID-18", "OID-09")
def test_its_refresh_token_is_not_rotated(provider):
    token = json_of(redeem(provider, authorized(provider)["code"]))["refresh_token"]
    for _ in range(3):
        answer = redeem(provider, "", grant_type="refresh_token", refresh_token=token)
        assert answer.status == 200, answer.body
        assert json_of(answer)["refresh_token"] == token
