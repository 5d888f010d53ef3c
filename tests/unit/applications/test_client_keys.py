"""The public keys in an application's file, and what the file may demand of its requests."""

import base64
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from gateway.applications.client import ResponseMode
from gateway.applications.client_key import KEY_ALGORITHMS, read_client_keys
from tests.unit.applications.test_application_files import read, refusal

EC, ED, RSA = ECKey.generate_key("P-256"), OKPKey.generate_key("Ed25519"), RSAKey.generate_key(2048)


def base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def members(key: Any, **changes: Any) -> dict[str, Any]:
    public = {name: value for name, value in key.as_dict(private=False).items() if name != "kid"}
    return {name: value for name, value in {**public, **changes}.items() if value is not None}


GOOD = {
    "ES256": members(EC, kid="a", alg="ES256"),
    "EdDSA": members(ED, kid="b", alg="EdDSA", use="sig"),
    "PS256": members(RSA, kid="c", alg="PS256"),
    "RS256": members(RSA, kid="d", alg="RS256"),
}


@pytest.mark.spec("TOK-01")
def test_each_kind_of_key_is_read_with_its_one_algorithm() -> None:
    keys = read_client_keys(list(GOOD.values()))
    assert [key.algorithm for key in keys] == list(KEY_ALGORITHMS)
    assert keys[0].public == {name: GOOD["ES256"][name] for name in ("kty", "crv", "x", "y")}


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
@pytest.mark.spec("TOK-01", "TOK-02")
@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({**EC.as_dict(private=True), "kid": "a", "alg": "ES256"}, "private or a symmetric"),
        ({**OctKey.generate_key(256).as_dict(), "kid": "a", "alg": "HS256"}, "private or a symmetric"),
        (members(EC, kid="a", alg="HS256"), "alg: "),
        (members(EC, kid="a", alg="none"), "alg: "),
        (members(EC, kid="a", alg=None), "alg: "),
        (members(EC, kid="a", alg="ES384"), "alg: "),
        (members(EC, kid="a", alg="PS256"), "kty and crv"),
        (members(ECKey.generate_key("P-384"), kid="a", alg="ES256"), "kty and crv"),
        (members(EC, kid=None, alg="ES256"), "kid: "),
        (members(EC, kid="../a", alg="ES256"), "kid: "),
        (members(EC, kid="a" * 129, alg="ES256"), "kid: "),
        (members(EC, kid=1, alg="ES256"), "text"),
        (members(EC, kid="a", alg="ES256", use="enc"), "use: "),
        (members(EC, kid="a", alg="ES256", jku="https://x.test"), "jku"),
        (members(EC, kid="a", alg="ES256", y=None), "members"),
        (members(EC, kid="a", alg="ES256", y="AAAA"), "no key"),
        (members(EC, kid="a", alg="ES256", y="é"), "missing"),
        (members(EC, kid="a", alg="ES256", y=EC.as_dict(private=False)["x"]), "no key"),
        (members(EC, kid="a", alg="ES256", n="AQAB"), "members"),
        (members(RSA, kid="a", alg="PS256", n=base64url(b"\xff" * 128)), "2048 to 8192 bits"),
        (members(RSA, kid="a", alg="PS256", e="Aw"), "e: "),
        (members(RSA, kid="a", alg="PS256", n="AQ"), "key"),
    ],
)
def test_a_key_that_may_not_serve_is_named_and_not_repeated(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as refused:
        read_client_keys([GOOD["EdDSA"], wrong])
    assert "keys.1" in str(refused.value)
    assert not [
        value for name, value in wrong.items() if name in {"x", "n", "d", "k"} and str(value) in str(refused.value)
    ]


def test_two_keys_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="same kid"):
        read_client_keys([GOOD["ES256"], {**GOOD["EdDSA"], "kid": "a"}])


@given(
    st.dictionaries(
        st.sampled_from(["kty", "crv", "x", "y", "n", "e", "kid", "alg", "use", "d"]), st.text() | st.none()
    )
)
def test_whatever_stands_there_is_a_key_or_a_sentence(declared: dict[str, Any]) -> None:
    try:
        (key,) = read_client_keys([declared])
    except ValueError as error:
        assert str(error).startswith("keys.0: ")
    else:
        assert key.algorithm == declared["alg"]


@pytest.mark.spec("OID-10", "OID-11")
def test_the_file_says_how_its_requests_and_answers_travel(tmp_path: Path) -> None:
    plain = read(tmp_path)
    assert (plain.keys, plain.response_modes, plain.consent) == ((), (ResponseMode.QUERY,), False)
    assert not plain.require_pushed_authorization_requests
    assert not plain.require_signed_request_object
    said = read(
        tmp_path,
        jwks="{keys: [" + str(GOOD["ES256"]) + "]}",
        response_modes="[form_post, query]",
        require_pushed_authorization_requests="true",
        require_signed_request_object="true",
        consent="true",
    )
    assert [key.kid for key in said.keys] == ["a"]
    assert said.response_modes == (ResponseMode.FORM_POST, ResponseMode.QUERY)
    assert said.consent
    assert said.require_pushed_authorization_requests
    assert said.require_signed_request_object


@pytest.mark.spec("OID-11")
@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"response_modes": "[fragment]"}, "response_modes"),
        ({"response_modes": "[]"}, "response_modes"),
        ({"response_modes": "[query, query]"}, "response_modes: the same value is written twice"),
        ({"require_signed_request_object": "true"}, "require_signed_request_object: write the keys"),
        ({"require_pushed_authorization_requests": "'yes'"}, "require_pushed_authorization_requests"),
        ({"consent": "1"}, "consent"),
        ({"jwks": "{keys: []}"}, "jwks.keys"),
        ({"jwks": "{keys: [{kty: oct, k: AAAA}]}"}, "jwks: keys.0: it holds a private or a symmetric key"),
        ({"jwks_uri": "https://x.test/jwks"}, "jwks_uri: no such key"),
    ],
)
def test_a_file_outside_the_schema_is_refused(tmp_path: Path, keys: dict[str, str | None], sentence: str) -> None:
    assert sentence in refusal(tmp_path, **keys)
