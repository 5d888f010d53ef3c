"""The abuse cases of authorization and tokens (AC-091…), each as it is told: given, when, then."""

from dataclasses import replace

import pytest

from gateway.keys.signing_key import Algorithm
from gateway.oidc.grants.token_exchange import NAME as EXCHANGE
from gateway.oidc.presented_request import PUSHED
from tests.protocol import proofs
from tests.protocol.negative_cases import ACCESS_TOKEN
from tests.protocol.provider import (
    CALLBACK,
    CHALLENGE,
    ISSUER,
    OTHER,
    VERIFIER,
    Provider,
    claims_of,
    error_of,
    header_of,
    json_of,
)
from tests.protocol.signed_requests import members, signed

ALTERED = (
    f"{CALLBACK}/", f"{CALLBACK}/more", f"{CALLBACK}?a=b", f"{CALLBACK}?", f"{CALLBACK}#", f"{CALLBACK}#a", f"{CALLBACK};a",
    CALLBACK.replace(".example", ".example:443"), CALLBACK.replace(".example", ".example:8443"),
    CALLBACK.replace("https://", "https://me@"), CALLBACK.replace("https://", "https://orientation.example@evil."),
    CALLBACK.replace("orientation", "Orientation"), CALLBACK.replace("callback", "Callback"),
    CALLBACK.replace("https", "HTTPS"), CALLBACK.replace("https", "http"), CALLBACK.replace(".example/", ".example./"),
    CALLBACK.replace("/callback", "%2Fcallback"),
    CALLBACK.replace("/callback", "/%63allback"), CALLBACK.replace("/callback", "//callback"),
    CALLBACK.replace("/callback", "/./callback"), CALLBACK.replace("/callback", "/x/../callback"),
    CALLBACK.replace("/callback", "\\callback"), f" {CALLBACK}", f"{CALLBACK} ", f"{CALLBACK}\n", f"{CALLBACK}\0",
    CALLBACK.replace("o", "о", 1), CALLBACK.removesuffix("k"), "https://orientation.example", "",
)  # fmt: skip


@pytest.mark.spec("AC-091", "OID-02")
@pytest.mark.parametrize("address", ALTERED, ids=repr)
def test_an_address_altered_in_any_way_is_a_page_and_no_redirect(provider, address):
    provider.sign_in()
    for silently in (None, "none"):
        response = provider.authorize(redirect_uri=address, prompt=silently)
        assert response.status_code == 400
        assert "Location" not in response.headers
    assert json_of(provider.push(redirect_uri=address))["error"] == "invalid_request"
    code = provider.code()
    assert provider.token(code=code, redirect_uri=address or None).status == 400
    assert provider.ephemeral.grants == {}


@pytest.mark.spec("AC-092", "OID-03")
@pytest.mark.parametrize(
    "challenge",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge": VERIFIER, "code_challenge_method": "plain"},
        {"code_challenge_method": "s256"},
    ],
    ids=str,
)
def test_a_confidential_client_without_s256_is_refused_at_every_door(provider, challenge):
    provider.sign_in()
    assert error_of(provider.authorize(**challenge)) == "invalid_request"
    assert json_of(provider.push(**challenge))["error"] == "invalid_request"
    assert provider.ephemeral.codes == {}


@pytest.mark.spec("AC-092", "OID-03")
def test_a_verifier_of_a_code_without_challenge_is_refused(provider):
    """The one client that may do without is not served when somebody removed the challenge on its way."""
    provider.sign_in()
    address = provider.clients.clients["ancien"].redirect_uris[0]
    asked = {"client_id": "ancien", "redirect_uri": address, "code_challenge": None, "code_challenge_method": None}
    refused = provider.token(code=provider.code(**asked), client_id="ancien", code_verifier=VERIFIER)
    assert json_of(refused)["error"] == "invalid_grant"


@pytest.mark.spec("AC-093", "OID-04")
def test_a_code_used_twice_fails_and_kills_all_that_its_first_use_gave(provider):
    provider.sign_in()
    address = provider.clients.clients["durable"].redirect_uris[0]
    code = provider.code(client_id="durable", redirect_uri=address)
    first = json_of(provider.token(code=code, client_id="durable"))
    assert provider.userinfo(first["access_token"]).status == 200
    assert json_of(provider.token(code=code, client_id="durable"))["error"] == "invalid_grant"
    assert provider.userinfo(first["access_token"]).status == 401
    refreshed = provider.token(client_id="durable", grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert json_of(refreshed)["error"] == "invalid_grant"
    assert "token.code_replayed" in provider.event_names()


@pytest.mark.spec("AC-094", "OID-04")
@pytest.mark.parametrize("thief", ["autre", "suivi"])
def test_a_code_of_one_client_is_worth_nothing_to_another(provider, thief):
    code = provider.code()
    stolen = provider.token(code=code, client_id=thief, redirect_uri=CALLBACK)
    assert json_of(stolen)["error"] == "invalid_grant"
    assert provider.ephemeral.grants == {}
    assert provider.token(code=code).status == 400  # somebody else has seen it


@pytest.mark.spec("AC-095", "OID-06")
def test_a_pushed_request_is_its_clients_own_and_serves_once(provider):
    provider.sign_in()
    request_uri = json_of(provider.push())["request_uri"]
    for address in (CALLBACK, OTHER.redirect_uris[0]):
        stolen = provider.authorize(client_id="autre", request_uri=request_uri, redirect_uri=address)
        assert "code=" not in stolen.headers.get("Location", "")
    nothing_else = dict.fromkeys(
        ("response_type", "scope", "state", "nonce", "code_challenge", "code_challenge_method")
    )
    used = provider.authorize(request_uri=request_uri, **nothing_else)
    assert "code=" in used.headers["Location"]
    assert error_of(provider.authorize(request_uri=request_uri)) == "invalid_request_uri"
    assert error_of(provider.authorize(request_uri=f"{PUSHED}0{'A' * 43}")) == "invalid_request_uri"


def every_kind_of_token(provider: Provider) -> dict[str, str]:
    """All that is signed here, and what clients sign, by kind."""
    proofs.register(provider, proofs.SIGNING)
    provider.sign_in()
    durable = provider.begin("durable")
    clients = provider.clients.clients
    clients["orientation"] = replace(clients["orientation"], userinfo_algorithm="ES256")
    told = provider.userinfo(provider.tokens()["access_token"]).body.decode()
    asked = provider.form("/introspect", client_id="durable", token=durable["access_token"], accept=INTROSPECTED)
    return {
        "access token": durable["access_token"],
        "ID token": durable["id_token"],
        "refresh token": durable["refresh_token"],
        "signed userinfo": told,
        "signed introspection": asked.body.decode(),
        "logout token": logout_token(provider),
        "service token": json_of(provider.token(client_id="service", grant_type="client_credentials"))["access_token"],
        "request object": signed(members(provider)),
        "assertion": proofs.assertion(),
        "DPoP proof": proofs.proof(nonce=provider.nonce()),
        "code": provider.code(),
    }


INTROSPECTED = "application/token-introspection+jwt"


def logout_token(provider: Provider) -> str:
    now = int(provider.clock.now())
    claims = {"iss": ISSUER, "aud": "durable", "sub": "x", "sid": "sid-0", "iat": now, "exp": now + 120, "jti": "a",
              "events": {"http://schemas.openid.net/event/backchannel-logout": {}}}  # fmt: skip
    return provider.signer.sign(claims, typ="logout+jwt", algorithm=Algorithm.ES256)


@pytest.mark.spec("AC-097", "TOK-03")
def test_a_token_is_taken_as_what_it_is_and_as_nothing_else(provider):
    """Each kind at each door that takes another kind."""
    tokens = every_kind_of_token(provider)
    types = {kind: header_of(token).get("typ") for kind, token in tokens.items() if token.count(".") == 2}
    assert types["access token"] == types["service token"] == "at+jwt"
    assert len({types[kind] for kind in ("access token", "ID token", "logout token", "signed introspection")}) == 4
    for kind, token in tokens.items():
        if kind != "access token":
            assert provider.userinfo(token).status in {400, 401}, kind
        if kind not in {"access token", "refresh token"}:
            told = provider.form("/introspect", client_id="durable", token=token)
            assert told.body == b'{"active":false}', kind
        if kind != "ID token":
            refused = provider.authorize(
                client_id="durable", redirect_uri="https://durable.example/cb", id_token_hint=token
            )
            assert error_of(refused) == "invalid_request", kind
            assert provider.browser.get(f"/logout?id_token_hint={token}").status_code == 200, kind
            assert provider.ephemeral.sessions, kind  # the person is asked; nothing has ended
        exchanged = provider.form(
            "/token", client_id="relais", grant_type=EXCHANGE, subject_token=token, subject_token_type=ACCESS_TOKEN,
            audience="https://notif.example/api",
        )  # fmt: skip
        assert exchanged.status == 400, kind
        if kind != "refresh token":
            refreshed = provider.token(client_id="durable", grant_type="refresh_token", refresh_token=token)
            assert json_of(refreshed)["error"] == "invalid_grant", kind
        if kind not in {"assertion", "DPoP proof"}:
            fields = {"client_assertion_type": proofs.ASSERTION_TYPE, "client_assertion": token}
            asserted = proofs.post(provider, "/token", grant_type="client_credentials", **fields)
            assert json_of(asserted)["error"] == "invalid_client", kind
        if kind != "request object":
            asked = provider.authorize(client_id="signant", redirect_uri="https://signant.example/cb", request=token)
            assert error_of(asked) == "invalid_request_object", kind
    assert provider.userinfo(tokens["access token"]).status == 200


@pytest.mark.spec("AC-097", "OID-05")
def test_a_proof_or_a_request_that_a_client_signed_says_nothing_of_who_it_is(provider):
    """Signed with the very key, and with all the members of an assertion: its type is another."""
    proofs.register(provider, proofs.SIGNING)
    for typ in ("dpop+jwt", "oauth-authz-req+jwt", "at+jwt", "logout+jwt"):
        fields = {
            "client_assertion_type": proofs.ASSERTION_TYPE,
            "client_assertion": proofs.assertion(header={"typ": typ}),
        }
        answer = proofs.post(provider, "/token", grant_type="client_credentials", **fields)
        assert json_of(answer)["error"] == "invalid_client"


@pytest.mark.spec("AC-098", "TOK-04")
def test_a_token_for_one_application_is_worth_nothing_to_another(provider):
    token = provider.begin("durable")["access_token"]
    assert claims_of(token)["aud"] == "https://durable.example/api"
    for stranger in ("orientation", "autre", "notif", "relais", "service"):
        assert provider.form("/introspect", client_id=stranger, token=token).body == b'{"active":false}'
        assert json_of(provider.form("/revoke", client_id=stranger, token=token))["error"] == "invalid_grant"
    assert provider.userinfo(token).status == 200
    clients = provider.clients.clients
    clients["durable"] = replace(clients["durable"], audience="https://moved.example/api")
    assert provider.userinfo(token).status == 401


@pytest.mark.spec("AC-100", "OID-09")
def test_a_spent_refresh_token_used_again_ends_the_family_and_is_told(provider):
    first = provider.begin("mobile")["refresh_token"]

    def refresh(token: str) -> dict[str, str]:
        return json_of(provider.token(client_id="mobile", grant_type="refresh_token", refresh_token=token))

    second = refresh(first)
    third = refresh(second["refresh_token"])
    provider.clock.advance(11)
    assert refresh(first)["error"] == "invalid_grant"
    assert refresh(third["refresh_token"])["error"] == "invalid_grant"
    for answer in (second, third):
        assert provider.userinfo(answer["access_token"]).status == 401
    assert provider.event_names().count("token.refresh_reused") == 1


@pytest.mark.spec("AC-100", "OID-10", "TOK-07")
def test_a_narrowed_token_is_told_no_more_than_its_own_scope(provider):
    """Whoever was given less must not read more at userinfo."""
    begun = provider.begin("durable", scope="openid profile email rpps ror")
    refreshed = provider.token(
        client_id="durable", grant_type="refresh_token", refresh_token=begun["refresh_token"], scope="openid profile"
    )
    told = json_of(provider.userinfo(json_of(refreshed)["access_token"]))
    assert "name" in told
    assert not {"email", "rpps", "nat_id", "roles", "structures"} & set(told)
    assert "email" in json_of(provider.userinfo(begun["access_token"]))


@pytest.mark.spec("AC-095", "AC-092")
def test_a_challenge_of_another_request_does_not_serve(provider):
    """A code injected into somebody's answer is bound to the verifier of the request it came from."""
    provider.sign_in()
    injected = provider.code(code_challenge="A" * 43)
    assert json_of(provider.token(code=injected))["error"] == "invalid_grant"
    assert provider.token(code=provider.code(code_challenge=CHALLENGE)).status == 200
