"""POST /token."""

import asyncio
import base64
import hashlib
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.applications.ports import SecretSlot
from gateway.journal.effects import NO_EFFECTS
from gateway.signin.evidence import Means
from tests.protocol.provider import (
    ACCOUNT,
    CALLBACK,
    ISSUER,
    VERIFIER,
    Provider,
    basic,
    claims_of,
    header_of,
    json_of,
    secret_of,
    structure,
)

FORM = "application/x-www-form-urlencoded"


def error_of(response) -> str:
    assert response.headers["Cache-Control"] == "no-store"
    assert set(json_of(response)) == {"error", "error_description"}
    return json_of(response)["error"]


# ── what a code gives ──


@pytest.mark.spec("TOK-03", "TOK-04", "LOA-01")
def test_a_code_becomes_an_id_token_for_the_client_and_an_access_token_for_its_resource_server(provider):
    provider.sign_in(Means.PASSWORD, Means.SMS_CODE)
    answer = provider.tokens()
    assert answer["token_type"] == "Bearer"
    assert answer["expires_in"] == 300
    id_token, access_token = claims_of(answer["id_token"]), claims_of(answer["access_token"])
    now = int(provider.clock.now())
    common = {"iss": ISSUER, "sub": ACCOUNT, "iat": now, "exp": now + 300, "auth_time": now}
    assert common.items() <= id_token.items()
    assert common.items() <= access_token.items()
    assert (id_token["aud"], id_token["nonce"]) == ("orientation", "n-0S6_WzA2Mj")
    assert id_token["amr"] == ["pwd", "sms", "mfa"]
    assert id_token["acr"] == access_token["acr"] == "urn:passerelle:acr:pwd-otp-sms"
    half = hashlib.sha256(answer["access_token"].encode()).digest()[:16]
    assert id_token["at_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode()
    assert header_of(answer["access_token"])["typ"] == "at+jwt"
    assert header_of(answer["id_token"])["typ"] == "JWT"
    assert access_token["aud"] == "https://orientation.example/api"
    assert access_token["client_id"] == "orientation"
    assert access_token["scope"] == answer["scope"] == "openid profile rpps ror"
    assert access_token["jti"].split(".")[0] in provider.ephemeral.grants


@pytest.mark.spec("TOK-01")
def test_each_client_gets_the_algorithm_of_its_file(provider):
    provider.sign_in()
    assert header_of(provider.tokens()["id_token"])["alg"] == "ES256"
    code = provider.code(client_id="postant", redirect_uri="https://postant.example/cb", scope="openid")
    answer = json_of(provider.token(client_id="postant", code=code))
    assert header_of(answer["id_token"])["alg"] == "RS256"
    assert header_of(answer["access_token"])["alg"] == "ES256"


@pytest.mark.spec("TOK-07")
def test_tokens_say_nothing_that_no_granted_scope_asks_for(provider):
    provider.sign_in()
    answer = provider.tokens(scope="openid")
    protocol = {"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash"}
    assert set(claims_of(answer["id_token"])) == protocol
    access = {"iss", "sub", "aud", "exp", "iat", "auth_time", "acr", "amr", "sid", "jti", "client_id", "scope"}
    assert set(claims_of(answer["access_token"])) == access


@pytest.mark.spec("TOK-07")
def test_neither_rpps_nor_name_nor_address_is_ever_in_an_access_token(provider):
    provider.sign_in()
    answer = provider.tokens(scope="openid profile email rpps profession ror")
    said = str(claims_of(answer["access_token"]))
    for secret in ("99900000003", "Exemple", "camille", "Foyer"):
        assert secret not in said
    assert "camille@" not in str(claims_of(answer["id_token"]))
    assert claims_of(answer["id_token"])["rpps"] == "99900000003"
    assert claims_of(answer["id_token"])["nat_id"] == "899900000003"


@pytest.mark.spec("TOK-05")
def test_roles_are_those_of_the_requesting_application_alone(provider):
    provider.sign_in()
    claims = claims_of(provider.tokens()["access_token"])
    assert claims["roles"] == ["msph.notif"]
    assert claims["entitlements"] == ["notif.declare", "notif.repondre"]
    public = {"client_id": "suivi", "redirect_uri": "https://suivi.example/app/callback"}
    answer = json_of(provider.token(code=provider.code(**public), **public))
    assert claims_of(answer["access_token"])["roles"] == []
    assert claims_of(answer["access_token"])["structures"] == []


@pytest.mark.spec("TOK-05", "TOK-06")
def test_roles_are_read_at_issuance_not_when_the_code_was_made(provider):
    provider.sign_in()
    code = provider.code()
    provider.people.structures = []
    claims = claims_of(json_of(provider.token(code=code))["access_token"])
    assert claims["roles"] == []
    assert "structure" not in claims


def test_more_structures_than_the_cap_are_counted_and_the_active_one_comes_first(provider):
    provider.people.structures = [structure(number) for number in range(1, 61)]
    provider.sign_in()
    claims = claims_of(provider.tokens(structure="fineg:990000060")["access_token"])
    assert len(claims["structures"]) == 40
    assert claims["structures"][0]["id"] == "fineg:990000060"
    assert claims["structures_total"] == 60
    assert claims["structures_truncated"] is True


@pytest.mark.spec("TOK-08")
@pytest.mark.parametrize("roles_each", [2, 40, 900])
@pytest.mark.spec("AC-106")
def test_a_token_stays_below_its_limit_and_says_what_it_leaves_out(provider, roles_each):
    roles = tuple(f"msph.role-{number}" for number in range(roles_each))
    provider.people.structures = [structure(number, roles=roles) for number in range(1, 41)]
    provider.sign_in()
    answer = provider.tokens(structure="fineg:990000001")
    for token in (answer["id_token"], answer["access_token"]):
        assert len(token) <= 8192
        claims = claims_of(token)
        if "roles" in claims:
            assert claims["roles"] == list(roles)
            assert claims["structures_truncated"] is (len(claims["structures"]) < 40)
        else:
            assert claims["roles_overflow"] is True
        assert claims["structures_total"] == 40
    everything = json_of(provider.userinfo(answer["access_token"]))
    assert len(everything["structures"]) == 40
    assert everything["roles"] == list(roles)
    assert everything["structures_truncated"] is False


def test_a_claim_asked_by_name_comes_in_the_id_token_when_the_client_may_ask_its_scope(provider):
    provider.sign_in()
    asked = '{"id_token":{"email":null,"rpps":{"essential":true}}}'
    claims = claims_of(provider.tokens(scope="openid", claims=asked)["id_token"])
    assert claims["email"] == "camille@exemple.example"
    assert claims["rpps"] == "99900000003"
    code = provider.code(client_id="postant", redirect_uri="https://postant.example/cb", scope="openid", claims=asked)
    answer = json_of(provider.token(client_id="postant", code=code))
    assert "rpps" not in claims_of(answer["id_token"])


# ── the code ──


@pytest.mark.spec("OID-04")
def test_a_code_used_twice_fails_and_silences_the_tokens_of_its_first_use(provider):
    code = provider.code()
    first = json_of(provider.token(code=code))
    assert provider.userinfo(first["access_token"]).status == 200
    assert error_of(provider.token(code=code)) == "invalid_grant"
    assert provider.userinfo(first["access_token"]).status == 401
    assert "token.code_replayed" in provider.event_names()


@pytest.mark.spec("OID-04")
def test_of_two_parallel_redemptions_one_succeeds_and_its_grant_does_not_survive(provider):
    code = provider.code()
    body = urlencode(
        {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER, "code": code}
    ).encode()
    from gateway.web.machine_door import MachineRequest

    headers = {"content-type": FORM, "authorization": basic("orientation", secret_of("orientation"))}
    request = MachineRequest("POST", "/token", b"", headers, body, "192.0.2.7", "R")
    read = provider.ephemeral.find_code

    async def both_read_before_either_spends(handle, now):
        found = await read(handle, now)
        await asyncio.sleep(0)
        return found

    provider.ephemeral.find_code = both_read_before_either_spends

    async def both():
        return await asyncio.gather(*(provider.endpoints["/token"](request) for _ in range(2)))

    answers = asyncio.run(both())
    assert sorted(answer.status for answer in answers) == [200, 400]
    winner = next(answer for answer in answers if answer.status == 200)
    assert provider.userinfo(json_of(winner)["access_token"]).status == 401


@pytest.mark.spec("OID-04")
def test_a_code_lives_sixty_seconds(provider):
    early, late = provider.code(), provider.code()
    provider.clock.advance(59)
    assert provider.token(code=early).status == 200
    provider.clock.advance(1)
    assert error_of(provider.token(code=late)) == "invalid_grant"


@pytest.mark.spec("OID-04")
def test_a_code_dies_with_its_session(provider):
    code = provider.code()
    provider.ephemeral.sessions.clear()
    assert error_of(provider.token(code=code)) == "invalid_grant"


@pytest.mark.spec("OID-04")
def test_a_code_of_one_client_is_worth_nothing_to_another_and_is_burnt(provider):
    code = provider.code()
    assert error_of(provider.token(client_id="autre", code=code, redirect_uri=CALLBACK)) == "invalid_grant"
    assert error_of(provider.token(code=code)) == "invalid_grant"


@pytest.mark.spec("OID-04")
@pytest.mark.parametrize("redirect_uri", [CALLBACK + "/", CALLBACK.upper(), "https://autre.example/callback"])
def test_a_code_presented_with_another_redirect_uri_is_refused_and_burnt(provider, redirect_uri):
    code = provider.code()
    assert error_of(provider.token(code=code, redirect_uri=redirect_uri)) == "invalid_grant"
    assert error_of(provider.token(code=code)) == "invalid_grant"


@pytest.mark.spec("OID-03", "RFC 7636 §4.6")
@pytest.mark.parametrize("verifier", [None, "", "w" * 43, VERIFIER + "v", "v" * 42, "v" * 200, "v" * 42 + "é"])
def test_a_wrong_or_missing_verifier_is_refused_and_burns_the_code(provider, verifier):
    code = provider.code()
    assert error_of(provider.token(code=code, code_verifier=verifier)) == "invalid_grant"
    assert error_of(provider.token(code=code)) == "invalid_grant"


@pytest.mark.spec("OID-03")
def test_a_verifier_without_a_challenge_is_refused(provider):
    legacy = {"client_id": "ancien", "redirect_uri": "https://ancien.example/cb?lang=fr"}
    without = {"code_challenge": None, "code_challenge_method": None}
    code = provider.code(**legacy, **without)
    assert error_of(provider.token(client_id="ancien", code=code)) == "invalid_grant"
    code = provider.code(**legacy, **without)
    assert provider.token(client_id="ancien", code=code, code_verifier=None).status == 200


@pytest.mark.parametrize("code", ["x", "x" * 5000, "0" * 44, "\0", "é"])
def test_a_code_that_was_never_issued_is_refused(provider, code):
    assert error_of(provider.token(code=code)) == "invalid_grant"


def test_nothing_is_issued_for_an_account_that_is_no_longer_active(provider):
    code = provider.code()
    provider.people.known[ACCOUNT] = replace(provider.people.known[ACCOUNT], active=False)
    assert error_of(provider.token(code=code)) == "invalid_grant"


# ── the request ──


@pytest.mark.spec("OID-01")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "unauthorized_client"),
        ({"grant_type": "refresh_token"}, "unauthorized_client"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}, "unsupported_grant_type"),
        ({"code": None}, "invalid_request"),
        ({"code": ""}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"resource": "https://autre.example/api"}, "invalid_target"),
    ],
)
def test_a_token_request_that_breaks_a_rule_is_refused(provider, changes, error):
    code = provider.code()
    response = provider.token(**{"code": code, **changes})
    assert response.status == 400
    assert error_of(response) == error
    assert provider.event_names()[-1] == "token.refused"


@pytest.mark.parametrize("name", ["code", "grant_type", "redirect_uri", "code_verifier", "client_id", "anything"])
def test_a_repeated_parameter_is_refused_without_spending_the_code(provider, name):
    code = provider.code()
    twice = ((name, "x"), (name, "x"))
    assert error_of(provider.token(*twice, code=code)) == "invalid_request"
    assert provider.token(code=code).status == 200


def test_parameters_in_the_address_or_in_json_are_refused(provider):
    authorization = basic("orientation", secret_of("orientation"))
    for content_type, query in ((FORM, b"code=x"), ("application/json", b""), ("", b"")):
        response = provider.machine(
            "POST", "/token", body=b"{}", query=query, content_type=content_type, authorization=authorization
        )
        assert error_of(response) == "invalid_request"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
def test_only_post_is_accepted(provider, method):
    response = provider.machine(method, "/token")
    assert response.status == 405
    assert "POST" in response.headers["Allow"]


# ── the client ──


def token_with(provider, authorization=None, **fields):
    body = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER, **fields}
    headers = {"content_type": FORM} | ({"authorization": authorization} if authorization else {})
    return provider.machine("POST", "/token", body=urlencode(body).encode(), **headers)


@pytest.mark.spec("OID-05")
@pytest.mark.parametrize(
    "authorization",
    [
        basic("orientation", "wrong"),
        basic("orientation", ""),
        basic("unknown", "whatever"),
        basic("", "whatever"),
        basic("suivi", "whatever"),
        basic("postant", secret_of("postant")),
        basic("orientation", secret_of("autre")),
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"orientation").decode(),
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        "Basic " + "A" * 5000,
        "Bearer abc",
        "Digest username=x",
    ],
)
def test_a_client_that_does_not_prove_itself_is_refused_and_challenged(provider, authorization):
    code = provider.code()
    response = token_with(provider, authorization, code=code)
    assert response.status == 401
    assert error_of(response) == "invalid_client"
    assert response.headers["WWW-Authenticate"].startswith("Basic ")
    assert provider.event_names()[-1] == "client.refused"
    assert provider.token(code=code).status == 200


@pytest.mark.spec("OID-05")
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"client_id": "orientation"},
        {"client_id": "orientation", "client_secret": secret_of("orientation")},
        {"client_id": "postant"},
        {"client_id": "postant", "client_secret": "wrong"},
        {"client_id": "suivi", "client_secret": "anything"},
        {"client_id": "unknown"},
        {"client_id": "orientation", "client_assertion": "x", "client_assertion_type": "y"},
    ],
)
def test_a_client_uses_its_own_method_and_no_other(provider, fields):
    response = token_with(provider, code=provider.code(), **fields)
    assert response.status == 401
    assert error_of(response) == "invalid_client"
    assert "WWW-Authenticate" not in response.headers


@pytest.mark.spec("OID-05")
@pytest.mark.parametrize("more", [{"client_secret": secret_of("orientation")}, {"client_id": "autre"}])
def test_two_methods_at_once_are_refused(provider, more):
    authorization = basic("orientation", secret_of("orientation"))
    assert error_of(token_with(provider, authorization, code=provider.code(), **more)) == "invalid_request"


@pytest.mark.spec("OID-05")
def test_credentials_are_form_decoded(provider):
    odd = "a+b%c:d é"
    provider.secrets.put(SecretSlot("orientation", 2, hashlib.sha256(odd.encode()).digest(), 0.0, None), NO_EFFECTS)
    assert token_with(provider, basic("orientation", odd), code=provider.code()).status == 200


@pytest.mark.spec("AC-132")
def test_the_secrets_of_both_slots_work_until_one_expires(provider):
    later = provider.clock.now() + 100
    provider.secrets.slots = [
        SecretSlot("orientation", 1, hashlib.sha256(b"old").digest(), 0.0, later),
        SecretSlot("orientation", 2, hashlib.sha256(b"new").digest(), 0.0, None),
    ]
    assert token_with(provider, basic("orientation", "old"), code=provider.code()).status == 200
    assert token_with(provider, basic("orientation", "new"), code=provider.code()).status == 200
    provider.clock.advance(100)
    assert token_with(provider, basic("orientation", "old"), code=provider.code()).status == 401


def test_a_secret_put_away_stops_working_within_seconds(provider):
    assert token_with(provider, basic("orientation", secret_of("orientation")), code=provider.code()).status == 200
    provider.secrets.slots = []
    provider.clock.advance(5)
    assert token_with(provider, basic("orientation", secret_of("orientation")), code=provider.code()).status == 401


def test_a_public_client_redeems_its_code_with_the_verifier_alone(provider):
    public = {"client_id": "suivi", "redirect_uri": "https://suivi.example/app/callback"}
    code = provider.code(**public)
    assert token_with(provider, code=code, **public).status == 200


# ── browsers, journal, anything ──


@pytest.mark.spec("WEB-05")
def test_only_the_pages_of_public_clients_may_read_the_answer(provider):
    for origin, allowed in (
        ("https://suivi.example", "https://suivi.example"),
        ("https://orientation.example", None),
        ("https://evil.example", None),
        ("null", None),
        ("https://suivi.example.evil.example", None),
    ):
        preflight = provider.machine("OPTIONS", "/token", origin=origin)
        answer = provider.machine("POST", "/token", origin=origin)
        for response in (preflight, answer):
            assert response.headers.get("Access-Control-Allow-Origin") == allowed
            assert response.headers["Vary"] == "Origin"
            assert "Access-Control-Allow-Credentials" not in response.headers


def test_the_journal_holds_neither_code_nor_token_nor_secret(provider):
    code = provider.code()
    answer = json_of(provider.token(code=code))
    provider.token(code=code)
    token_with(provider, basic("orientation", "wrong-secret"), code=code)
    written = repr(provider.ephemeral.events)
    secrets = [code, answer["access_token"], answer["id_token"], "wrong-secret", VERIFIER, secret_of("orientation")]
    assert not [secret for secret in secrets if secret in written]
    issued = next(event for event in provider.ephemeral.events if event.name == "token.issued")
    assert (issued.actor, issued.client, issued.structure) == (ACCOUNT, "orientation", "fineg:990000001")


NAMES = ["grant_type", "code", "redirect_uri", "code_verifier", "client_id", "client_secret", "resource", "x"]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pairs=st.lists(st.tuples(st.sampled_from(NAMES), st.text(st.characters(codec="utf-8"), max_size=30)), max_size=6),
    raw=st.binary(max_size=30),
    authorization=st.none() | st.text(st.characters(codec="ascii"), max_size=30),
)
def test_no_token_request_leads_to_a_server_error(provider: Provider, pairs, raw, authorization):
    headers = {"content_type": FORM} | ({"authorization": authorization} if authorization is not None else {})
    for body in (urlencode(pairs).encode(), raw, urlencode(pairs).encode() + raw):
        assert provider.machine("POST", "/token", body=body, **headers).status in {400, 401}
