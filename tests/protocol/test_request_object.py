"""`request` at the authorization endpoint and at /par (RFC 9101)."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, OctKey

from gateway.oidc.request_object import RequestObjectRefused, read_request_object
from tests.protocol.provider import CALLBACK as ANOTHER_CALLBACK
from tests.protocol.provider import CLIENT_KEYS, ISSUER, Provider, answer_of, error_of, json_of, parameters
from tests.protocol.signed_requests import CALLBACK, members, sent, signed, signed_request


def refused(response: Any) -> None:
    """On a page of ours: no address beside the object is known to be good."""
    assert response.status_code == 400
    assert "Location" not in response.headers


@pytest.mark.spec("RFC 9101 §5")
@pytest.mark.parametrize("algorithm", list(CLIENT_KEYS))
def test_a_signed_request_is_followed_and_only_what_is_in_it_counts(provider, algorithm):
    provider.sign_in()
    asked = signed_request(provider, algorithm, state="inside", scope="openid email")
    answer = answer_of(provider.authorize(**{**asked, "state": "outside", "scope": "openid", "prompt": "login"}))
    assert (answer["state"], answer["iss"]) == ("inside", ISSUER)
    assert provider.ephemeral.codes[answer["code"]][0].scope == ("openid", "email")


def test_an_address_outside_does_not_move_the_answer(provider):
    provider.sign_in()
    asked = signed_request(provider) | {"redirect_uri": "https://signant.example/other"}
    assert provider.authorize(**asked).headers["Location"].startswith(CALLBACK + "?")


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": None},
        {"iss": "orientation"},
        {"client_id": None},
        {"client_id": "orientation"},
        {"aud": None},
        {"aud": "https://other.example"},
        {"aud": [ISSUER, "https://other.example"]},
        {"aud": ISSUER + "/"},
        {"aud": 1},
        {"sub": "signant"},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"exp": 1_799_999_999},
        {"exp": 1_800_000_000},
        {"exp": 1_800_003_601},
        {"nbf": 1_800_000_011},
        {"nbf": "now"},
        {"iat": 1_800_000_011},
        {"request": "x"},
        {"request_uri": "urn:ietf:params:oauth:request_uri:x"},
        {"scope": ["openid"]},
        {"state": 1},
        {"nonce": {"a": "b"}},
        {"prompt": True},
        {"max_age": 1.5},
        {"max_age": True},
        {"claims": []},
        {"resource": [1]},
        {f"x{number}": "x" for number in range(64)},
    ],
)
@pytest.mark.spec("RFC 9101 §6.1", "OID-15")
def test_an_object_that_breaks_a_rule_is_told_at_a_good_address_and_on_a_page_without_one(provider, changes):
    provider.sign_in()
    asked = signed_request(provider, **changes)
    refused(provider.authorize(**asked))
    refused(provider.authorize(**{**asked, "redirect_uri": "https://evil.example/cb"}))
    told = answer_of(provider.authorize(**{**asked, "redirect_uri": CALLBACK, "state": "s"}))
    assert (told["error"], told["state"]) == ("invalid_request_object", "s")
    assert "code" not in told


@pytest.mark.parametrize(
    "header",
    [
        {"typ": None},
        {"typ": "JWT"},
        {"typ": "at+jwt"},
        {"kid": "other"},
        {"kid": None},
        {"kid": "ps256"},
        {"kid": "../es256"},
        {"crit": ["exp"], "exp": 1},
        {"jku": "https://evil.example/keys"},
        {"jwk": {"kty": "EC"}},
        {"x5u": "https://evil.example/x"},
        {"cty": "JWT"},
    ],
)
@pytest.mark.spec("RFC 9101 §10.8", "TOK-01")
def test_only_alg_kid_and_typ_may_stand_in_the_header_and_typ_says_what_it_is(provider, header):
    provider.sign_in()
    refused(provider.authorize(**sent(signed(members(provider), **header))))


def encoded(header: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()


@pytest.mark.spec("TOK-01")
def test_neither_none_nor_a_secret_nor_another_key_nor_another_algorithm_signs(provider):
    provider.sign_in()
    good = signed(members(provider))
    header, payload, signature = good.split(".")
    said = {"kid": "es256", "typ": "oauth-authz-req+jwt"}
    public = json.dumps(CLIENT_KEYS["ES256"].as_dict(private=False)).encode()
    octets = json.dumps(members(provider))
    by_secret = jws.serialize_compact({"alg": "HS256", **said}, octets, OctKey.import_key(public), algorithms=["HS256"])
    by_another = jws.serialize_compact({"alg": "ES256", **said}, octets, ECKey.generate_key("P-256"))
    for forged in (
        f"{encoded({'alg': 'none', **said})}.{payload}.",
        f"{header}.{payload}.",
        f"{header}.{payload}",
        f"{header}.{payload}.{signature}.x",
        f"{header}.{payload}.{signature}.x.y",
        f"{encoded({'alg': 'PS256', **said})}.{payload}.{signature}",
        f"{header}.{payload[:-4]}AAAA.{signature}",
        by_secret,
        by_another,
        "é" * 10,
        good + " " * 17000,
    ):
        refused(provider.authorize(**sent(forged)))
    assert "code" in answer_of(provider.authorize(**sent(good)))


@pytest.mark.parametrize("payload", [b"", b"[]", b"null", b"{", b'{"iss":"a","iss":"a"}', b"\xff", b"[" * 4000])
def test_a_payload_that_is_no_object_with_single_members_is_refused(provider, payload):
    provider.sign_in()
    refused(provider.authorize(**sent(signed(payload))))


def test_half_a_character_is_no_text(provider):
    provider.sign_in()
    whole = json.dumps(members(provider, state="HALF")).replace("HALF", "\\ud800").encode()
    refused(provider.authorize(**sent(signed(whole))))


def test_a_client_with_one_key_need_not_name_it(provider):
    clients = provider.clients.clients
    clients["signant"] = replace(clients["signant"], keys=clients["signant"].keys[:1])
    provider.sign_in()
    assert "code" in answer_of(provider.authorize(**sent(signed(members(provider), kid=None))))


def test_a_request_object_serves_until_its_end_and_not_at_it(provider):
    provider.sign_in()
    asked = signed_request(provider)
    provider.clock.advance(299)
    assert "code" in answer_of(provider.authorize(**asked))
    provider.clock.advance(1)
    refused(provider.authorize(**asked))


def test_an_object_of_another_client_is_refused(provider):
    provider.sign_in()
    asked = signed_request(provider) | {"client_id": "orientation", "redirect_uri": ANOTHER_CALLBACK}
    assert error_of(provider.authorize(**asked)) == "request_not_supported"
    clients = provider.clients.clients
    clients["orientation"] = replace(clients["orientation"], keys=clients["signant"].keys)
    assert error_of(provider.authorize(**asked)) == "invalid_request_object"


def test_a_response_type_beside_the_object_may_not_contradict_it(provider):
    provider.sign_in()
    asked = signed_request(provider) | {"redirect_uri": CALLBACK}
    assert "code" in answer_of(provider.authorize(**{**asked, "response_type": "code"}))
    assert error_of(provider.authorize(**{**asked, "response_type": "token"})) == "invalid_request"


@pytest.mark.spec("OID-15")
def test_a_parameter_twice_beside_the_object_is_refused(provider):
    provider.sign_in()
    asked = signed_request(provider) | {"redirect_uri": CALLBACK}
    assert error_of(provider.authorize(("state", "a"), ("state", "b"), **asked)) == "invalid_request"
    assert error_of(provider.authorize(("request", asked["request"] or ""), **asked)) == "invalid_request"


def test_what_is_signed_is_examined_like_the_rest(provider):
    provider.sign_in()
    for changes, error in (
        ({"scope": "openid stranger"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"resource": ["https://signant.example/api", "https://autre.example/api"]}, "invalid_target"),
    ):
        assert error_of(provider.authorize(**signed_request(provider, **changes))) == error
    refused(provider.authorize(**signed_request(provider, redirect_uri="https://evil.example/")))
    claims = {"id_token": {"email": None}}
    answer = answer_of(provider.authorize(**signed_request(provider, claims=claims, max_age=60)))
    assert provider.ephemeral.codes[answer["code"]][0].claims_request == {"id_token": ["email"]}


def test_a_client_whose_file_says_so_must_sign(provider):
    clients = provider.clients.clients
    clients["signant"] = replace(clients["signant"], require_signed_request_object=True)
    provider.sign_in()
    plain = parameters(client_id="signant", redirect_uri=CALLBACK)
    assert error_of(provider.authorize(**plain)) == "invalid_request"
    assert provider.push(**plain).status == 400
    assert "code" in answer_of(provider.authorize(**signed_request(provider)))
    pushed = provider.push(**signed_request(provider))
    assert pushed.status == 201
    query = {**dict.fromkeys(parameters()), "client_id": "signant", "request_uri": json_of(pushed)["request_uri"]}
    assert "code" in answer_of(provider.authorize(**query))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
MEMBERS = ["iss", "aud", "exp", "nbf", "iat", "sub", "client_id", "claims", "max_age", "state", "resource"]
HEADER = ["alg", "kid", "typ", "crit", "b64", "jwk", "zip"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.dictionaries(st.sampled_from(MEMBERS) | st.text(max_size=8), anything, max_size=3))
def test_whatever_a_client_signs_is_read_or_refused(provider, changes):
    octets = json.dumps({**members(provider), **changes}).encode()
    client = provider.clients.clients["signant"]
    try:
        read = read_request_object(signed(octets), client, expected_audience=ISSUER, now=provider.clock.now())
    except RequestObjectRefused:
        return
    assert all(isinstance(value, str) for _, value in read.pairs)
    assert not {"request", "request_uri"} & {name for name, _ in read.pairs}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    header=st.dictionaries(st.sampled_from(HEADER), anything, max_size=3),
    noise=st.text(max_size=30),
    cut=st.integers(0, 400),
)
def test_whatever_is_not_signed_is_refused(provider: Provider, header, noise, cut):
    good = signed(members(provider))
    client = provider.clients.clients["signant"]
    another_header = f"{encoded(header)}.{good.partition('.')[2]}"
    for forged in (noise, another_header, good[:cut] + noise + good[cut + 1 :]):
        if forged != good:
            with pytest.raises(RequestObjectRefused):
                read_request_object(forged, client, expected_audience=ISSUER, now=provider.clock.now())
