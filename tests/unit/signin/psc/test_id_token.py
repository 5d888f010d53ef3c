"""An ID token is believed whole or not at all: each test changes one thing in a good one."""

import base64
import hmac
import json
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from gateway.signin.psc.refusals import PscRefused
from tests.unit.signin.psc.honest_psc import (
    CLIENT_ID,
    ELLIPTIC,
    ENCRYPTION,
    ISSUER,
    SIGNING,
    STRANGER,
    SUBJECT,
    Visit,
    half_hash,
    published,
    signed,
)

MISSING = object()


def segment(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def why_refused(visit: Visit) -> str:
    with pytest.raises(PscRefused) as refusal:
        visit.answer()
    assert refusal.value.text == "signin.psc.refused"
    assert "userinfo" not in visit.psc.calls, "userinfo was asked for an unbelieved token"
    return refusal.value.detail


def with_claims(visit: Visit, **changed: Any) -> Visit:
    visit.psc.claims |= changed
    for name in [name for name, value in visit.psc.claims.items() if value is MISSING]:
        del visit.psc.claims[name]
    return visit


def test_a_good_token_says_who_proved_what_and_when() -> None:
    visit = with_claims(Visit(), amr=["pin", "hwk"])
    assertion = visit.answer()
    assert (assertion.issuer, assertion.subject, assertion.acr) == (ISSUER, SUBJECT, "eidas3")
    assert assertion.auth_time == visit.clock.at - 5
    assert assertion.amr == ("pin", "hwk")
    assert assertion.session_id == "0d9c3f7e"
    assert visit.psc.calls == ["redeem", "keys", "userinfo"]


@pytest.mark.spec("PSC-03", "PSC-R8")
@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"iss": f"{ISSUER}/"}, "iss"),
        ({"iss": MISSING}, "iss"),
        ({"aud": "another"}, "aud"),
        ({"aud": MISSING}, "aud"),
        ({"aud": [CLIENT_ID, "another"]}, "aud"),
        ({"aud": [CLIENT_ID, CLIENT_ID, 3]}, "aud"),
        ({"aud": []}, "aud"),
        ({"azp": "another"}, "azp"),
        ({"azp": None}, "azp"),
        ({"exp": MISSING}, "exp"),
        ({"exp": "1900000000"}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": 1e300}, "exp"),
        ({"iat": MISSING}, "iat"),
        ({"nbf": 2_000_000_000}, "nbf"),
        ({"nbf": True}, "nbf"),
        ({"nonce": MISSING}, "nonce"),
        ({"nonce": ""}, "nonce"),
        ({"nonce": "another"}, "nonce"),
        ({"nonce": 5}, "nonce"),
        ({"at_hash": half_hash("another")}, "at_hash"),
        ({"at_hash": None}, "at_hash"),
        ({"sub": MISSING}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": 7}, "sub"),
        ({"sub": "a\nb"}, "sub"),
        ({"sub": "s" * 256}, "sub"),
        ({"typ": "Bearer"}, "typ"),
        ({"typ": "Logout"}, "typ"),
        ({"typ": MISSING, "events": {"logout": {}}}, "typ"),
        ({"auth_time": MISSING}, "auth_time"),
        ({"auth_time": "now"}, "auth_time"),
        ({"sid": 5}, "sid"),
        ({"preferred_username": 5}, "preferred_username"),
        ({"amr": "pin"}, "amr"),
        ({"amr": [1]}, "amr"),
        ({"amr": ["pin"] * 17}, "amr"),
    ],
)
def test_one_false_claim_refuses_the_token(changed: dict[str, Any], why: str) -> None:
    assert why_refused(with_claims(Visit(), **changed)) == f"id token: {why}"


@pytest.mark.parametrize(
    "changed",
    [{"aud": [CLIENT_ID]}, {"azp": MISSING}, {"at_hash": MISSING}, {"typ": MISSING}, {"sid": MISSING}, {"extra": [1]}],
)
def test_what_an_honest_provider_may_leave_out_or_add_is_borne(changed: dict[str, Any]) -> None:
    with_claims(Visit(), **changed).answer()


@pytest.mark.spec("PSC-03", "REG-03", "PSC-R9")
@pytest.mark.parametrize("acr", [MISSING, "0", "1", "eidas0", "eidas4", "EIDAS3", "", 3, ["eidas3"], None])
def test_a_level_outside_the_list_is_refused(acr: object) -> None:
    assert why_refused(with_claims(Visit(), acr=acr)) == "id token: acr"


@pytest.mark.spec("REG-03", "PSC-R9")
def test_the_environments_list_decides_not_the_level_asked_for() -> None:
    for acr in ("eidas1", "eidas2", "eidas3"):
        assert with_claims(Visit(), acr=acr).answer().acr == acr
    regulated = ["eidas2", "eidas3"]
    assert with_claims(Visit(accepted_acr=regulated), acr="eidas2").answer().acr == "eidas2"
    assert why_refused(with_claims(Visit(accepted_acr=regulated), acr="eidas1")) == "id token: acr"


@pytest.mark.spec("PSC-03", "PSC-R27")
@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [("exp", -29, -30), ("iat", 30, 31), ("nbf", 30, 31), ("auth_time", 30, 31)],
)
def test_clocks_may_differ_by_thirty_seconds(name: str, good: int, bad: int) -> None:
    visit = Visit()
    now = int(visit.clock.at)
    with_claims(visit, **{name: now + good}).answer()
    assert why_refused(with_claims(Visit(), **{name: now + bad})) == f"id token: {name}"


@pytest.mark.spec("PSC-03")
def test_a_token_older_than_the_question_is_refused() -> None:
    visit = Visit()
    started = int(visit.attempt.started_at)
    assert why_refused(with_claims(visit, iat=started - 31)) == "id token: iat"
    with_claims(Visit(), iat=started - 30).answer()


@pytest.mark.spec("PSC-03", "PSC-R19")
def test_a_proof_older_than_their_session_may_live_is_refused() -> None:
    now = int(Visit().clock.at)
    with_claims(Visit(), auth_time=now - 4 * 3600).answer()
    assert why_refused(with_claims(Visit(), auth_time=now - 4 * 3600 - 31)) == "id token: auth_time"


@pytest.mark.spec("PSC-03")
def test_a_proof_older_than_max_age_is_refused() -> None:
    now = int(Visit().clock.at)
    with_claims(Visit(max_age_seconds=300), auth_time=now - 330).answer()
    assert why_refused(with_claims(Visit(max_age_seconds=300), auth_time=now - 331)) == "id token: auth_time"


@pytest.mark.spec("PSC-03")
def test_on_a_shared_post_a_proof_from_before_the_question_is_refused() -> None:
    started = int(Visit().attempt.started_at)
    with_claims(Visit(reauthenticate=True), auth_time=started).answer()
    assert why_refused(with_claims(Visit(reauthenticate=True), auth_time=started - 31)) == "id token: auth_time"


def hs256(key: bytes) -> Callable[[dict[str, Any], dict[str, Any]], str]:
    def sign(header: dict[str, Any], claims: dict[str, Any]) -> str:
        made = f"{segment(json.dumps({**header, 'alg': 'HS256'}).encode())}.{segment(json.dumps(claims).encode())}"
        return f"{made}.{segment(hmac.digest(key, made.encode(), 'sha256'))}"

    return sign


def unsigned(alg: str) -> Callable[[dict[str, Any], dict[str, Any]], str]:
    return lambda header, claims: (
        f"{segment(json.dumps({**header, 'alg': alg}).encode())}.{segment(json.dumps(claims).encode())}."
    )


@pytest.mark.spec("PSC-03", "LIB-02", "PSC-R8")
@pytest.mark.parametrize(
    "sign",
    [
        unsigned("none"),
        unsigned("nOnE"),
        hs256(b"our own client secret, 32 bytes.."),
        hs256(SIGNING.as_pem(private=False)),
    ],
)
def test_nobody_signs_without_the_private_key(sign: Callable[[dict[str, Any], dict[str, Any]], str]) -> None:
    visit = Visit()
    visit.psc.sign = sign
    assert why_refused(visit) == "id token: alg"


@pytest.mark.spec("PSC-03")
def test_an_algorithm_outside_the_list_is_refused_though_rightly_signed() -> None:
    for alg in ("RS512", "PS256"):
        visit = Visit()
        visit.psc.header["alg"] = alg
        assert why_refused(visit) == "id token: alg"


@pytest.mark.spec("PSC-03")
def test_a_listed_algorithm_is_used_with_its_own_kind_of_key_alone() -> None:
    lists = ["RS256", "PS256", "ES256"]
    visit = Visit(id_token_algorithms=lists)
    visit.psc.header = {"alg": "ES256", "kid": "elliptic"}
    visit.psc.key = ELLIPTIC
    visit.answer()
    for header in ({"alg": "ES256", "kid": "signing"}, {"alg": "PS256", "kid": "signing"}):
        visit = Visit(id_token_algorithms=lists)
        visit.psc.sign = lambda _, claims, header=header: (  # type: ignore[misc]
            f"{segment(json.dumps(header).encode())}.{segment(json.dumps(claims).encode())}.{'A' * 86}"
        )
        assert why_refused(visit) == "id token: alg is not the key's"


@pytest.mark.spec("PSC-03", "PSC-R8")
def test_a_changed_signature_or_payload_or_another_key_is_refused() -> None:
    def broken(header: dict[str, Any], claims: dict[str, Any]) -> str:
        head, payload, signature = signed(header, json.dumps(claims).encode(), SIGNING).split(".")
        return f"{head}.{payload}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"

    def changed(header: dict[str, Any], claims: dict[str, Any]) -> str:
        head, _, signature = signed(header, json.dumps(claims).encode(), SIGNING).split(".")
        return f"{head}.{segment(json.dumps({**claims, 'acr': 'eidas2'}).encode())}.{signature}"

    def empty(header: dict[str, Any], claims: dict[str, Any]) -> str:
        return signed(header, json.dumps(claims).encode(), SIGNING).rpartition(".")[0] + "."

    def strange(header: dict[str, Any], claims: dict[str, Any]) -> str:
        return signed(header, json.dumps(claims).encode(), STRANGER)

    for sign in (broken, changed, empty, strange):
        visit = Visit()
        visit.psc.sign = sign
        assert why_refused(visit) == "id token: signature"


@pytest.mark.spec("PSC-03", "PSC-R8")
@pytest.mark.parametrize("kid", ["unknown", "", "encryption", MISSING])
def test_only_a_published_signing_key_signs(kid: object) -> None:
    visit = Visit()
    visit.psc.header["kid"] = kid
    visit.psc.key = ENCRYPTION if kid == "encryption" else SIGNING
    if kid is MISSING:
        del visit.psc.header["kid"]
    assert why_refused(visit) == "id token: kid"


@pytest.mark.spec("PSC-03")
@pytest.mark.parametrize(
    "member",
    [
        {"jku": "https://liar.test/keys"},
        {"x5u": "https://liar.test/chain"},
        {"jwk": published(STRANGER)},
        {"x5c": ["MIIB"]},
        {"crit": ["exp"], "exp": 1},
        {"crit": ["b64"], "b64": False},
        {"zip": "DEF"},
        {"kid": ["signing"]},
    ],
)
def test_a_header_never_brings_its_own_key_or_rules(member: dict[str, Any]) -> None:
    visit = Visit()

    def sign(header: dict[str, Any], claims: dict[str, Any]) -> str:
        head = segment(json.dumps({**header, **member}).encode())
        good = signed(header, json.dumps(claims).encode(), SIGNING).split(".")
        return f"{head}.{good[1]}.{good[2]}"

    visit.psc.sign = sign
    assert why_refused(visit) == "id token: header members"
    assert "keys" not in visit.psc.calls


@pytest.mark.spec("PSC-03")
def test_the_header_says_jwt_or_nothing() -> None:
    visit = Visit()
    visit.psc.header["typ"] = "at+jwt"
    assert why_refused(visit) == "id token: header typ"
    visit = Visit()
    del visit.psc.header["typ"]
    visit.answer()


@pytest.mark.spec("PSC-03")
@pytest.mark.parametrize("payload", [b"[]", b'{"iss":"a","iss":"b"}', b"not json", b'{"exp": NaN}', b"[" * 5000])
def test_a_payload_that_reads_two_ways_is_refused(payload: bytes) -> None:
    visit = Visit()
    visit.psc.sign = lambda header, _: signed(header, payload, SIGNING)
    assert why_refused(visit) == "id token: payload"


@pytest.mark.parametrize("token", ["", "a.b.c", "é", "." * 4, "x" * 17_000, "bm90.e30."])
def test_what_is_no_token_is_refused(token: str) -> None:
    visit = Visit()
    visit.psc.sign = lambda *_: token
    assert why_refused(visit).startswith("id token: ")


@pytest.mark.spec("PSC-R10")
def test_a_weak_key_of_the_set_signs_nothing() -> None:
    with warnings.catch_warnings(action="ignore"):
        weak = RSAKey.generate_key(1024, {"kid": "weak"})
    visit = Visit()
    visit.psc.key_set = json.dumps({"keys": [published(weak), published(SIGNING)]}).encode()
    visit.psc.header["kid"], visit.psc.key = "weak", weak
    assert why_refused(visit) == "id token: kid"


def test_a_token_longer_than_any_provider_makes_is_refused_though_rightly_signed() -> None:
    assert why_refused(with_claims(Visit(), padding="x" * 16_384)) == "id token: size or alphabet"
