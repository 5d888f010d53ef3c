"""GET /jwks."""

import pytest

from gateway.keys.rotation import new_key
from gateway.keys.signing_key import Algorithm, KeyState
from gateway.randomness import system_randomness
from tests.protocol.provider import header_of, json_of


def test_the_published_keys_verify_what_was_signed(provider):
    import jwt

    token = provider.tokens()["id_token"]
    published = json_of(provider.machine("GET", "/jwks"))
    key = next(key for key in jwt.PyJWKSet.from_dict(published).keys if key.key_id == header_of(token)["kid"])
    read = jwt.decode(
        token, key, algorithms=["ES256"], audience="orientation", options={"verify_exp": False, "verify_iat": False}
    )
    assert read["sub"]


def test_no_private_member_is_ever_published(provider):
    for key in json_of(provider.machine("GET", "/jwks"))["keys"]:
        assert not {"d", "p", "q", "dp", "dq", "qi", "oth", "k"} & set(key)
        assert (key["use"], key["alg"] in {"ES256", "RS256", "PS256", "EdDSA"}) == ("sig", True)


@pytest.mark.spec("KEY-01")
def test_a_key_that_was_staged_meanwhile_is_published_within_seconds(provider):
    staged = new_key(Algorithm.ES256, KeyState.STAGED, now=0.0, randomness=system_randomness)
    provider.machine("GET", "/jwks")
    provider.keys.keys[staged.kid] = staged
    provider.keys.moved += 1
    provider.clock.advance(5)
    assert staged.kid in [key["kid"] for key in json_of(provider.machine("GET", "/jwks"))["keys"]]


@pytest.mark.spec("WEB-05")
@pytest.mark.parametrize("path", ["/jwks", "/.well-known/openid-configuration"])
def test_public_documents_are_readable_from_anywhere_and_cacheable(provider, path):
    response = provider.machine("GET", path, origin="https://evil.example")
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Cache-Control"].startswith("public, max-age=")
    assert provider.machine("POST", path).status == 405
