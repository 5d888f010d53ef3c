"""GET and POST /userinfo."""

from dataclasses import replace

import pytest

from gateway.keys.signing_key import Algorithm
from tests.protocol.provider import ACCOUNT, Provider, claims_of, json_of, structure

FORM = "application/x-www-form-urlencoded"


def assert_refused(response, error: str, status: int = 401) -> None:
    assert response.status == status
    assert f'error="{error}"' in response.headers["WWW-Authenticate"]
    assert response.headers["Cache-Control"] == "no-store"


def forged(provider: Provider, token: str, *, typ: str = "at+jwt", **changes: object) -> str:
    """The same claims but for the changes, signed with our own key."""
    claims = {**claims_of(token), **changes}
    return provider.signer.sign(
        {name: value for name, value in claims.items() if value is not None}, typ=typ, algorithm=Algorithm.ES256
    )


def test_every_granted_scope_gives_its_claims(provider):
    answer = provider.tokens(scope="openid profile email rpps profession ror")
    for method in ("GET", "POST"):
        response = provider.machine(method, "/userinfo", authorization=f"Bearer {answer['access_token']}")
        assert response.status == 200
        assert response.headers["Cache-Control"] == "no-store"
        said = json_of(response)
        assert said["sub"] == ACCOUNT
        assert said["email"] == "camille@exemple.example"
        assert said["email_verified"] is True
        assert (said["rpps"], said["nat_id"], said["rpps_proof"]) == ("99900000003", "899900000003", "declared")
        assert said["professions"] == [{"code": "60", "oid": "1.2.250.1.71.1.2.7"}]
        assert said["structure"] == {"id": "fineg:990000001", "name": "Foyer fictif 1"}
        assert said["roles"] == ["msph.notif"]
    assert provider.event_names().count("userinfo.read") == 2


@pytest.mark.spec("TOK-07")
def test_a_scope_that_was_not_granted_gives_nothing(provider):
    assert json_of(provider.userinfo(provider.tokens(scope="openid")["access_token"])) == {"sub": ACCOUNT}


@pytest.mark.spec("TOK-06")
def test_claims_are_those_of_now(provider):
    token = provider.tokens()["access_token"]
    provider.people.structures = [structure(1, roles=("msph.stats",))]
    provider.people.known[ACCOUNT] = replace(provider.people.known[ACCOUNT], family_name="Nouveau")
    said = json_of(provider.userinfo(token))
    assert said["roles"] == ["msph.stats"]
    assert said["family_name"] == "Nouveau"


def test_without_a_token_the_challenge_names_no_error(provider):
    response = provider.machine("GET", "/userinfo")
    assert response.status == 401
    assert response.headers["WWW-Authenticate"].startswith('Bearer realm="userinfo", DPoP ')


@pytest.mark.spec("TOK-10")
def test_a_token_in_the_address_or_in_the_body_is_refused_even_beside_a_good_header(provider):
    token = provider.tokens()["access_token"]
    placed = f"access_token={token}".encode()
    authorization = f"Bearer {token}"
    assert_refused(provider.machine("GET", "/userinfo", query=placed), "invalid_request", 400)
    assert_refused(
        provider.machine("GET", "/userinfo", query=placed, authorization=authorization), "invalid_request", 400
    )
    assert_refused(provider.machine("POST", "/userinfo", body=placed, content_type=FORM), "invalid_request", 400)


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Bearer a b", "Bearer é", "DPoP", "DPoP a,b"])
def test_a_malformed_header_is_refused(provider, authorization):
    assert_refused(provider.machine("GET", "/userinfo", authorization=authorization), "invalid_request", 400)


@pytest.mark.parametrize("authorization", ["Basic abc", "Negotiate", 'Digest username="x"', "x" * 9000], ids=len)
def test_another_way_to_authenticate_is_told_ours_and_no_error(provider, authorization):
    """RFC 6750 §3.1: nothing was said that could be wrong."""
    response = provider.machine("GET", "/userinfo", authorization=authorization)
    assert response.status == 401
    assert response.headers["WWW-Authenticate"].startswith('Bearer realm="userinfo", DPoP ')
    assert "error" not in response.headers["WWW-Authenticate"]


@pytest.mark.parametrize("token", ["x", "a.b.c", "e30.e30.", "x" * 20_000])
def test_what_is_not_a_token_of_ours_is_refused(provider, token):
    assert_refused(provider.userinfo(token), "invalid_token")


@pytest.mark.spec("TOK-03")
def test_an_id_token_is_no_access_token(provider):
    answer = provider.tokens()
    assert_refused(provider.userinfo(answer["id_token"]), "invalid_token")
    assert_refused(provider.userinfo(forged(provider, answer["access_token"], typ="JWT")), "invalid_token")


@pytest.mark.spec("TOK-03", "TOK-04")
@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://autre.example/api"},
        {"aud": ["https://orientation.example/api"]},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"client_id": "autre"},
        {"client_id": "unknown"},
        {"client_id": None},
        {"sub": "someone-else"},
        {"jti": "unknown.x"},
        {"jti": None},
        {"exp": None},
        {"exp": "never"},
        {"iat": 4_000_000_000},
    ],
)
def test_a_token_with_one_claim_changed_is_refused(provider, changes):
    token = provider.tokens()["access_token"]
    assert provider.userinfo(forged(provider, token)).status == 200
    assert_refused(provider.userinfo(forged(provider, token, **changes)), "invalid_token")


def test_a_token_lives_five_minutes(provider):
    token = provider.tokens()["access_token"]
    provider.clock.advance(299)
    assert provider.userinfo(token).status == 200
    provider.clock.advance(1)
    assert_refused(provider.userinfo(token), "invalid_token")


def test_a_token_dies_with_its_session_before_its_time(provider):
    token = provider.tokens()["access_token"]
    provider.ephemeral.sessions.clear()
    assert_refused(provider.userinfo(token), "invalid_token")
    assert provider.event_names()[-1] == "userinfo.refused"


def test_a_token_dies_with_its_account(provider):
    token = provider.tokens()["access_token"]
    provider.people.known[ACCOUNT] = replace(provider.people.known[ACCOUNT], active=False)
    assert_refused(provider.userinfo(token), "invalid_token")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(provider, method):
    assert provider.machine(method, "/userinfo").status == 405


@pytest.mark.spec("WEB-05")
def test_only_the_pages_of_public_clients_may_read_it(provider):
    token = provider.tokens()["access_token"]
    for origin, allowed in (("https://suivi.example", "https://suivi.example"), ("https://evil.example", None)):
        answer = provider.machine("GET", "/userinfo", authorization=f"Bearer {token}", origin=origin)
        assert answer.headers.get("Access-Control-Allow-Origin") == allowed
        preflight = provider.machine("OPTIONS", "/userinfo", origin=origin)
        assert preflight.headers.get("Access-Control-Allow-Origin") == allowed
