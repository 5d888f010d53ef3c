"""TOK rows on the assembled gateway: what a token is made of, whom it is for, how long it says something."""

import base64
import datetime
import hashlib
import hmac
import json

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils
from joserfc import jwt
from joserfc.jwk import KeySet
from jwt import PyJWK

from gateway.clock import PARIS
from gateway.journal.effects import NO_EFFECTS
from gateway.randomness import base64url
from gateway.settings import Settings
from sandbox.relying_party.access_token import read_as_own_api
from tests.requirements.assembled import (
    CLIENTS,
    ISSUER,
    REFERENT,
    STATISTICS,
    Gateway,
    claims_of,
    header_of,
    opened,
    told,
)

ALLOWED = {"ES256", "PS256", "EdDSA", "RS256"}


def encoded(value: object) -> str:
    return base64url(value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode())


def published(gateway: Gateway) -> list[dict[str, str]]:
    keys: list[dict[str, str]] = gateway.ask("GET", "/jwks").json["keys"]
    return keys


def verified(gateway: Gateway, token: str, algorithm: str) -> dict:
    """As a stranger reads it: with the published keys."""
    keys = KeySet.import_key_set({"keys": published(gateway)})
    return jwt.decode(token, keys, algorithms=[algorithm]).claims


# ── TOK-01, TOK-02 ──


@pytest.mark.spec("TOK-01")
def test_each_token_is_signed_with_the_algorithm_of_its_key_and_of_the_clients_file(gateway):
    gateway.registered()
    for client_id, declared in CLIENTS.items():
        expected = declared.get("id_token_algorithm", "ES256")
        asked = {"id_token_signed_response_alg": "none", "alg": "HS256"}  # no request chooses
        code = gateway.browser.code(client_id, channel="sms", **asked)
        tokens = gateway.token(code, client_id, **asked).json
        for token, algorithm in ((tokens["id_token"], expected), (tokens["access_token"], "ES256")):
            header = header_of(token)
            assert header["alg"] == algorithm
            assert verified(gateway, token, algorithm)["iss"] == ISSUER
            (key,) = [key for key in published(gateway) if key["kid"] == header["kid"]]
            assert key["alg"] == algorithm
    assert {key["alg"] for key in published(gateway)} <= ALLOWED


def forgeries(gateway: Gateway, token: str) -> dict[str, str]:
    """The same claims, under each signature an attacker can make."""
    claims = encoded(claims_of(token))
    typ = header_of(token)["typ"]
    es, rs = (next(key for key in published(gateway) if key["alg"] == alg) for alg in ("ES256", "RS256"))
    mine = ec.generate_private_key(ec.SECP256R1())
    point = mine.public_key().public_numbers()
    mine_jwk = {
        "kty": "EC",
        "crv": "P-256",
        "x": encoded(point.x.to_bytes(32, "big")),
        "y": encoded(point.y.to_bytes(32, "big")),
    }
    public = rsa.RSAPublicNumbers(_number(rs["e"]), _number(rs["n"])).public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def with_mac(header: dict, secret: bytes) -> str:
        body = f"{encoded(header)}.{claims}"
        return f"{body}.{encoded(hmac.digest(secret, body.encode(), hashlib.sha256))}"

    def with_mine(header: dict) -> str:
        body = f"{encoded(header)}.{claims}"
        r, s = utils.decode_dss_signature(mine.sign(body.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{body}.{encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    made = {
        f"alg {alg!r}": f"{encoded({'alg': alg, 'typ': typ, **named})}.{claims}."
        for alg in ("none", "None", "NONE", "nOnE", "")
        for named in ({}, {"kid": es["kid"]})
    }
    for alg in ("HS256", "HS384", "HS512"):
        made[f"{alg} with the public PEM"] = with_mac({"alg": alg, "typ": typ, "kid": rs["kid"]}, pem)
    made["HS256 with the public JWK"] = with_mac(
        {"alg": "HS256", "typ": typ, "kid": es["kid"]}, json.dumps(es).encode()
    )
    made["own key, our kid"] = with_mine({"alg": "ES256", "typ": typ, "kid": es["kid"]})
    made["own key, the other kid"] = with_mine({"alg": "ES256", "typ": typ, "kid": rs["kid"]})
    made["own key, embedded"] = with_mine({"alg": "ES256", "typ": typ, "kid": es["kid"], "jwk": mine_jwk})
    made["own key, by address"] = with_mine(
        {"alg": "ES256", "typ": typ, "kid": "x", "jku": "https://evil.example/jwks"}
    )
    made["own key, a critical extension"] = with_mine(
        {"alg": "ES256", "typ": typ, "kid": es["kid"], "crit": ["b64"], "b64": True}
    )
    made["signature of zeros"] = f"{token.rpartition('.')[0]}.{encoded(bytes(64))}"
    made["cut"] = token.rpartition(".")[0] + "."
    return made


def _number(member: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(member + "=" * (-len(member) % 4)), "big")


@pytest.mark.spec("TOK-01", "TOK-03", "AC-096")
def test_no_forged_token_is_taken_at_any_door(gateway):
    gateway.person()
    tokens = gateway.tokens(gateway.browser.code())
    assert gateway.userinfo(tokens["access_token"]).status == 200
    for how, token in forgeries(gateway, tokens["access_token"]).items():
        assert gateway.userinfo(token).status == 401, how
    assert gateway.userinfo(tokens["id_token"]).status == 401
    for how, token in forgeries(gateway, tokens["id_token"]).items():
        assert told(gateway.browser.authorize(id_token_hint=token))["error"] == "invalid_request", how
        page = gateway.browser.get(f"/logout?id_token_hint={token}")
        assert "form_token" in page.text, how
        assert gateway.browser.session is not None, how


@pytest.mark.spec("TOK-02")
def test_a_deployment_as_it_comes_has_p256_and_rsa_of_3072_bits(tmp_path):
    for gateway in opened(tmp_path, parameters={}):
        for key in published(gateway):
            assert "d" not in key
            if key["kty"] == "EC":
                assert key["crv"] == "P-256"
            else:
                assert _number(key["n"]).bit_length() == 3072
                assert _number(key["e"]) == 65537


@pytest.mark.spec("TOK-02")
@pytest.mark.parametrize("bits", [512, 1024, 2047])
def test_a_deployment_with_shorter_keys_refuses_to_start(bits):
    smtp = {"host": "mail.portail.example", "sender": "a@portail.example"}
    for profile in ("demo", "standard"):
        with pytest.raises(ValueError, match="rsa_bits"):
            Settings.model_validate(
                {"profile": profile, "issuer": ISSUER, "smtp": smtp, "parameters": {"key.sign.rsa_bits": bits}}
            )


# ── TOK-03, TOK-04 ──


@pytest.mark.spec("TOK-03")
def test_an_access_token_has_its_type_and_every_claim_and_no_name_for_two_uses(gateway):
    gateway.person()
    first = gateway.tokens(gateway.browser.code())
    claims = claims_of(first["access_token"])
    assert header_of(first["access_token"]) == {
        "typ": "at+jwt", "alg": "ES256", "kid": header_of(first["access_token"])["kid"],
    }  # fmt: skip
    needed = {"iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope", "auth_time", "acr", "amr"}
    assert needed <= set(claims)
    second = gateway.tokens(gateway.browser.code())
    assert claims_of(second["access_token"])["jti"] != claims["jti"]
    assert claims_of(first["id_token"])["aud"] != claims["aud"]
    assert header_of(first["id_token"])["typ"] != "at+jwt"


@pytest.mark.spec("TOK-04")
def test_a_token_made_for_one_application_is_refused_by_the_api_of_another(gateway):
    """Read by a stranger's code, with our published keys: the signature is good, the audience is not its own."""
    gateway.registered()
    keys = {key["kid"]: PyJWK(key) for key in published(gateway)}
    now = datetime.datetime.fromtimestamp(gateway.clock.now(), datetime.UTC)

    def read(token: str, audience: str) -> str:
        reading = read_as_own_api(
            token,
            key_for=lambda kid, _: keys[str(kid)],
            expected_issuer=ISSUER,
            own_audiences=frozenset({audience}),
            now=now,
        )
        return reading.refused_because

    tokens = {
        client_id: gateway.tokens(gateway.browser.code(client_id, channel="sms"), client_id)["access_token"]
        for client_id in CLIENTS
    }
    for client_id, token in tokens.items():
        assert isinstance(claims_of(token)["aud"], str)
        for other, declared in CLIENTS.items():
            assert bool(read(token, str(declared["audience"]))) is (other != client_id), (client_id, other)


@pytest.mark.spec("TOK-04")
def test_no_request_chooses_another_audience(gateway):
    gateway.person()
    gateway.browser.sign_in()
    elsewhere = "https://suivi.example/api"
    assert told(gateway.browser.authorize(resource=elsewhere))["error"] == "invalid_target"
    code = gateway.browser.code()
    answer = gateway.token(code, resource=elsewhere)
    assert (answer.status, answer.json["error"]) == (400, "invalid_target")
    claims = claims_of(gateway.token(code, audience=elsewhere).json["access_token"])
    assert claims["aud"] == "https://orientation.example/api"


# ── TOK-05, TOK-06, TOK-08 ──


@pytest.mark.spec("TOK-05", "AC-101")
def test_each_application_hears_of_its_own_roles_in_the_structures_where_it_gives_some(gateway):
    camille = gateway.registered()
    one, two, three = (gateway.structure(number) for number in (1, 2, 3))
    gateway.habilitation(camille, one, REFERENT)
    gateway.habilitation(camille, two, STATISTICS)
    gateway.habilitation(gateway.person("autre"), three, REFERENT)
    tokens = gateway.tokens(gateway.browser.code("suivi"), "suivi")
    for claims in (
        claims_of(tokens["access_token"]), claims_of(tokens["id_token"]), gateway.userinfo(tokens["access_token"]).json,
    ):  # fmt: skip
        assert claims["roles"] == ["suivi.lecture"]
        assert [item["id"] for item in claims["structures"]] == [two.id]
        assert "msph" not in json.dumps(claims)
        assert one.id not in json.dumps(claims)
    code = gateway.browser.code(structure=one.id)
    claims = claims_of(gateway.tokens(code)["access_token"])
    assert claims["roles"] == ["msph.referent"]
    assert {item["id"]: item["roles"] for item in claims["structures"]} == {
        one.id: ["msph.referent"],
        two.id: ["msph.stats"],
    }
    assert three.id not in json.dumps(claims)
    assert told(gateway.browser.authorize(structure=three.id))["error"] == "access_denied"


@pytest.mark.spec("TOK-05", "TOK-06")
def test_what_begins_tomorrow_or_ended_yesterday_is_not_a_role(gateway):
    camille = gateway.person()
    one, today, day = gateway.structure(1), gateway.today(), datetime.timedelta(days=1)
    gateway.habilitation(camille, one, REFERENT, start_on=today + day, end_on=today + 20 * day)
    gateway.habilitation(camille, one, STATISTICS, start_on=today - 20 * day, end_on=today - day)
    assert claims_of(gateway.tokens(gateway.browser.code())["access_token"])["roles"] == []


@pytest.mark.spec("TOK-06")
def test_a_right_that_is_taken_away_is_gone_from_the_next_token_userinfo_and_introspection_at_once(gateway):
    camille = gateway.person()
    held = gateway.habilitation(camille, gateway.structure(1), REFERENT)
    code = gateway.browser.code()
    begun = gateway.tokens(gateway.browser.code())
    old = begun["access_token"]
    assert claims_of(old)["roles"] == gateway.introspected(old)["roles"] == ["msph.referent"]
    gateway.stores.database.habilitations.end(held.id, NO_EFFECTS)
    assert gateway.userinfo(old).json["roles"] == []
    assert gateway.introspected(old)["roles"] == []
    assert claims_of(gateway.refreshed(begun["refresh_token"]).json["access_token"])["roles"] == []
    assert claims_of(gateway.tokens(code)["access_token"])["roles"] == []  # even from a code made before
    assert claims_of(gateway.tokens(gateway.browser.code())["access_token"])["roles"] == []


@pytest.mark.spec("TOK-06", "AC-102")
def test_a_right_that_ends_tonight_is_gone_at_midnight_and_the_last_token_lives_five_minutes_more(gateway):
    camille = gateway.person()
    today = gateway.today()
    gateway.habilitation(camille, gateway.structure(1), REFERENT, end_on=today)
    midnight = datetime.datetime.combine(today + datetime.timedelta(days=1), datetime.time(), PARIS).timestamp()
    gateway.clock.at = midnight - 2
    begun = gateway.tokens(gateway.browser.code())
    last = begun["access_token"]
    assert claims_of(last)["roles"] == gateway.introspected(last)["roles"] == ["msph.referent"]
    gateway.clock.at = midnight
    assert claims_of(gateway.tokens(gateway.browser.code())["access_token"])["roles"] == []
    assert claims_of(gateway.refreshed(begun["refresh_token"]).json["access_token"])["roles"] == []
    assert gateway.userinfo(last).json["roles"] == []
    assert gateway.introspected(last)["roles"] == []
    assert claims_of(last)["exp"] <= midnight - 2 + 300
    gateway.clock.at = claims_of(last)["exp"]
    assert gateway.userinfo(last).status == 401
    assert gateway.introspected(last) == {"active": False}


@pytest.mark.spec("TOK-06")
@pytest.mark.parametrize("key", ["oidc.at.ttl", "oidc.id_token.ttl"])
def test_tokens_never_live_more_than_fifteen_minutes(tmp_path, key):
    for gateway in opened(tmp_path, parameters={"key.sign.rsa_bits": 2048, key: "15 min"}):
        gateway.person()
        tokens = gateway.tokens(gateway.browser.code())
        for token in (tokens["access_token"], tokens["id_token"]):
            assert claims_of(token)["exp"] - claims_of(token)["iat"] <= 900
    smtp = {"host": "mail.portail.example", "sender": "a@portail.example"}
    with pytest.raises(ValueError, match=key):
        Settings.model_validate({"issuer": ISSUER, "smtp": smtp, "parameters": {key: "901 s"}})


@pytest.mark.spec("TOK-08", "AC-106")
def test_five_hundred_habilitations_fit_in_a_token_and_none_is_lost(gateway):
    camille = gateway.registered()
    structures = [gateway.structure(number) for number in range(1, 251)]
    for structure in structures:
        for label in (REFERENT, STATISTICS):
            gateway.habilitation(camille, structure, label)
    answer = gateway.browser.code(structure=structures[249].id)
    tokens = gateway.tokens(answer)
    for token in (tokens["access_token"], tokens["id_token"]):
        assert len(token) <= 8 * 1024
        claims = claims_of(token)
        assert claims["structures_total"] == 250
        assert claims["structures_truncated"] is True
        assert claims["roles"] == ["msph.referent", "msph.stats"]
        assert claims["structure"]["id"] == structures[249].id
    everything = gateway.userinfo(tokens["access_token"]).json
    assert {item["id"] for item in everything["structures"]} == {structure.id for structure in structures}
    assert {tuple(item["roles"]) for item in everything["structures"]} == {("msph.referent", "msph.stats")}
    assert everything["structures_truncated"] is False


# ── TOK-07, TOK-10 ──


@pytest.mark.spec("TOK-07")
@pytest.mark.parametrize("client_id", ["orientation", "suivi"])
def test_without_a_scope_nothing_about_the_person_is_said_anywhere(gateway, client_id):
    camille = gateway.registered()
    assert camille.phone is not None
    gateway.habilitation(camille, gateway.structure(1), STATISTICS)
    answer = gateway.browser.onward(gateway.browser.authorize(client_id, scope="openid"))
    tokens = gateway.tokens(told(gateway.browser.sign_in(answer))["code"], client_id)
    said = json.dumps(
        [
            claims_of(tokens["id_token"]),
            claims_of(tokens["access_token"]),
            gateway.userinfo(tokens["access_token"]).json,
        ],
        ensure_ascii=False,
    )
    for private in (
        camille.email, camille.phone, camille.phone[3:], camille.username, "99900000003", "Exemple", "Camille", "Foyer",
        "990000001", "1.2.250.1.71", "msph", "suivi.lecture",
    ):  # fmt: skip
        assert private not in said, private


@pytest.mark.spec("TOK-07")
def test_no_scope_gives_the_phone_and_only_its_own_scope_gives_the_number(gateway):
    camille = gateway.registered()
    for scope in ("openid profile", "openid email", "openid profession", "openid ror", "openid rpps"):
        code = gateway.browser.code(scope=scope)
        tokens = gateway.tokens(code)
        read = [
            claims_of(tokens["id_token"]),
            claims_of(tokens["access_token"]),
            gateway.userinfo(tokens["access_token"]).json,
        ]
        said = json.dumps(read)
        assert camille.phone[1:] not in said
        assert ("99900000003" in said) is (scope == "openid rpps"), scope
        assert (camille.email in said) is (scope == "openid email"), scope
        assert "99900000003" not in json.dumps(read[1])


@pytest.mark.spec("TOK-10")
def test_no_answer_of_ours_puts_a_token_in_an_address_or_in_a_page(gateway):
    gateway.person()
    tokens = gateway.tokens(gateway.browser.code())
    gateway.browser.get("/")
    gateway.browser.get(f"/logout?client_id=orientation&id_token_hint={tokens['access_token']}")
    for answer in gateway.browser.trail[:-1]:
        assert "eyJ" not in (answer.header("location") or "")
        assert "eyJ" not in answer.text
    assert gateway.ask("GET", f"/userinfo?access_token={tokens['access_token']}").status == 400
