"""An answer of an authenticator is believed whole or not at all: each lie alone is refused, for its own reason, and nothing
outside says which (FID-04…FID-09, LIB-03)."""

import dataclasses
import json
import logging
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.signin.passkey.refusals import PasskeyNotAdded, PasskeyRefused
from gateway.signin.passkey.webauthn import RelyingParty, unverified
from tests.unit.signin.passkey.passkey_world import RP_ID, PasskeyWorld
from tests.unit.signin.world import CONTEXT, ORIGIN
from tests.webauthn_authenticator import (
    AT,
    BE,
    BS,
    EDDSA,
    ES256,
    ES384,
    RS256,
    UP,
    UV,
    SoftAuthenticator,
    base64url,
    handle_of,
    octets,
)


def row(name: str, reason: str, *rows: str, **lies: Any) -> Any:
    return pytest.param(lies, reason, id=name, marks=pytest.mark.spec(*rows))


SHARED = [
    row("another-site", "origin", "FID-05", "LIB-03", origin="https://connexion.exemple.org"),
    row("a-sub-domain", "origin", "FID-05", "LIB-03", "AC-114", origin="https://sub.connexion.exemple.fr"),
    row("the-parent-domain", "origin", "FID-05", "LIB-03", origin="https://exemple.fr"),
    row("a-look-alike", "origin", "FID-05", origin="https://connexion.exemple.fr.attaque.example"),
    row("another-port", "origin", "FID-05", origin="https://connexion.exemple.fr:8443"),
    row("clear-text", "origin", "FID-05", origin="http://connexion.exemple.fr"),
    row("localhost", "origin", "FID-05", "LIB-03", "AC-114", origin="http://localhost"),
    row("no-origin", "origin", "FID-05", origin=None),
    row("a-foreign-frame", "cross_origin", "FID-05", "AC-114", cross_origin=True),
    row("a-frame-that-is-no-boolean", "cross_origin", "FID-05", cross_origin="no"),
    row("a-top-origin", "cross_origin", "FID-05", top_origin="https://attaque.example"),
    row("a-top-origin-of-ours", "cross_origin", "FID-05", top_origin=ORIGIN),
    row("another-relying-party", "rp_id", "FID-05", rp_id="exemple.fr"),
    row("a-sub-relying-party", "rp_id", "FID-05", rp_id="sub.connexion.exemple.fr"),
    row("nobody-there", "user_presence", "FID-06", flags=UV),
    row("nobody-verified", "user_verification", "FID-06", "AC-115", flags=UP),
    row("backed-up-but-not-eligible", "backup_state", "FID-08", flags=UP | UV | BS),
    row("another-challenge", "challenge", "FID-04", challenge=base64url(b"x" * 32)),
    row("an-empty-challenge", "challenge", "FID-04", challenge=""),
    row("a-padded-challenge", "malformed", "FID-04", challenge="AAAA===="),
    row("no-challenge", "malformed", "FID-04", challenge=None),
]
SIGNING_IN = [
    *SHARED,
    row("a-registration", "type", "LIB-03", type="webauthn.create"),
    row("a-payment", "type", "LIB-03", type="payment.get"),
    row("became-eligible", "backup_eligibility", "FID-08", flags=UP | UV | BE),
    row("another-signature", "signature", "LIB-03", signature=b"not a signature"),
    row("no-user-handle", "user_handle", "FID-09", user_handle=None),
    row("somebody-else-s-handle", "user_handle", "FID-09", user_handle=b"x" * 16),
    row("an-unknown-credential", "unknown_credential", "FID-09", shown_id=b"unknown"),
    row("attested-data-that-is-not-there", "malformed", "LIB-03", flags=UP | UV | AT),
]
_P384 = ec.generate_private_key(ec.SECP384R1())
_SHORT_RSA = rsa.generate_private_key(65537, 1024)
ENROLLING = [
    *SHARED,
    row("an-assertion", "type", "LIB-03", type="webauthn.get"),
    row("an-algorithm-not-offered", "algorithm", "LIB-03", algorithm=ES384),
    row("another-curve-than-its-name", "malformed", "LIB-03", key=_P384, algorithm=ES256),
    row("an-unknown-algorithm", "algorithm", "LIB-03", cose={1: 2, 3: -65535, -1: 1, -2: b"x" * 32, -3: b"y" * 32}),
    row("a-point-off-the-curve", "malformed", "LIB-03", cose={1: 2, 3: -7, -1: 1, -2: b"x" * 32, -3: b"y" * 32}),
    row("a-short-rsa-key", "algorithm", "LIB-03", key=_SHORT_RSA, algorithm=RS256),
    row("no-key", "malformed", "LIB-03", cose={}),
    row("an-empty-identifier", "credential_id", "LIB-03", credential_id=b""),
    row("a-long-identifier", "credential_id", "LIB-03", credential_id=b"x" * 1024),
    row("more-behind", "malformed", "LIB-03", data=lambda data: data + b"\0"),
    row("less-behind", "malformed", "LIB-03", data=lambda data: data[:-1]),
    row("more-behind-the-statement", "malformed", "LIB-03", statement=lambda octets: octets + b"\0"),
]


@pytest.fixture
def world() -> PasskeyWorld:
    return PasskeyWorld()


@pytest.mark.parametrize(("lies", "reason"), SIGNING_IN)
def test_a_sign_in_that_lies_once_is_refused(world: PasskeyWorld, lies: dict[str, Any], reason: str) -> None:
    authenticator = world.authenticator()
    world.enrol(authenticator)
    with pytest.raises(PasskeyRefused) as caught:
        world.with_passkey(authenticator, **lies)
    # The digest of a challenge that is not ours is unknown before anything else of the answer is looked at.
    assert caught.value.detail == reason
    assert world.refusals() == [reason]
    assert caught.value.text == "passkey.refused"
    assert world.with_passkey(authenticator), "the honest answer to a new challenge is believed"


@pytest.mark.parametrize(("lies", "reason"), ENROLLING)
def test_an_enrolment_that_lies_once_adds_nothing(world: PasskeyWorld, lies: dict[str, Any], reason: str) -> None:
    authenticator = world.authenticator()
    with pytest.raises(PasskeyNotAdded) as caught:
        world.enrol(authenticator, **lies)
    assert caught.value.detail == reason
    assert not world.passkey_store.records


@pytest.mark.parametrize(
    "algorithm", [pytest.param(ES256, id="ES256"), pytest.param(EDDSA, id="EdDSA"), pytest.param(RS256, id="RS256")]
)
def test_each_algorithm_that_is_offered_signs_in(world: PasskeyWorld, algorithm: int) -> None:
    authenticator = world.authenticator(algorithm=algorithm)
    passkey = world.enrol(authenticator)
    assert passkey.transports == ("hybrid", "internal"), "an invented transport is not kept"
    world.with_passkey(authenticator)
    assert [event.outcome for event in world.written.of("signin.passkey")] == ["success"]


@pytest.mark.spec("FID-04", "FID-06", "FID-09", "LIB-03")
def test_what_browsers_are_asked(world: PasskeyWorld) -> None:
    session = world.session_of(world.claire)
    made = world.passkeys.begin(world.claire, session)
    assert len(octets(made["challenge"])) == 32
    assert octets(made["user"]["id"]) == handle_of(world.claire.id)
    assert made["rp"]["id"] == RP_ID
    assert made["attestation"] == "none"
    assert made["authenticatorSelection"]["userVerification"] == "required"
    assert made["authenticatorSelection"]["residentKey"] == "required"
    assert [one["alg"] for one in made["pubKeyCredParams"]] == [ES256, EDDSA, RS256]
    asked = world.passkey.begin(world.open())
    assert len(octets(asked["challenge"])) == 32
    assert asked["userVerification"] == "required"
    assert asked["rpId"] == RP_ID
    assert "allowCredentials" not in asked, "nobody is named"
    json.dumps([made, asked])


@pytest.mark.spec("FID-09", "AC-118")
def test_options_say_nothing_of_who_exists(world: PasskeyWorld) -> None:
    world.enrol(world.authenticator())
    shapes = set()
    for hint in ("claire", "nobody"):
        for _ in range(10):
            txn = world.open()
            asked = world.passkey.begin(
                dataclasses.replace(txn, demand=dataclasses.replace(txn.demand, login_hint=hint))
            )
            shapes.add(json.dumps({**asked, "challenge": len(asked["challenge"])}, sort_keys=True))
    assert len(shapes) == 1


@pytest.mark.spec("FID-04")
def test_a_challenge_serves_once_in_its_own_sign_in_and_for_ten_minutes(world: PasskeyWorld) -> None:
    authenticator = world.authenticator()
    world.enrol(authenticator)
    txn, other = world.open(), world.open()
    first = world.passkey.begin(txn)
    with pytest.raises(PasskeyRefused, match="challenge"):
        world.passkey.answered(other, authenticator.get(first), CONTEXT)
    with pytest.raises(PasskeyRefused, match="challenge"):
        world.passkey.answered(txn, authenticator.get(first), CONTEXT)
    answer = authenticator.get(world.passkey.begin(txn))
    txn = world.passkey.answered(txn, answer, CONTEXT)
    with pytest.raises(PasskeyRefused, match="challenge"):
        world.passkey.answered(txn, answer, CONTEXT)
    late = world.open()
    asked = world.passkey.begin(late)
    world.clock.advance(600)
    with pytest.raises(PasskeyRefused, match="challenge"):
        world.passkey.answered(late, authenticator.get(asked), CONTEXT)


@pytest.mark.spec("FID-04")
def test_a_challenge_to_sign_in_enrols_nothing_and_the_other_way_round(world: PasskeyWorld) -> None:
    authenticator = world.authenticator()
    world.enrol(authenticator)
    session = world.session_of(world.claire)
    asked, txn = world.passkeys.begin(world.claire, session), world.open()
    with pytest.raises(PasskeyRefused, match="challenge"):
        world.passkey.answered(txn, authenticator.get(asked), CONTEXT)
    challenge = world.passkey.begin(txn)["challenge"]
    lie = {**world.passkeys.begin(world.claire, session), "challenge": challenge}
    with pytest.raises(PasskeyNotAdded, match="challenge"):
        world.passkeys.finish(world.claire, session, world.authenticator().create(lie), "x", CONTEXT)


@pytest.mark.spec("FID-04")
def test_an_enrolment_is_of_the_session_that_asked_for_it(world: PasskeyWorld) -> None:
    paul = world.person("paul")
    mine, his = world.session_of(world.claire), world.session_of(paul)
    answer = world.authenticator().create(world.passkeys.begin(world.claire, mine))
    with pytest.raises(PasskeyNotAdded, match="challenge"):
        world.passkeys.finish(paul, his, answer, "x", CONTEXT)


@pytest.mark.spec("FID-09")
def test_nobody_signs_in_with_another_s_credential(world: PasskeyWorld) -> None:
    """A credential of Paul's that says to be Claire's, and Claire's identifier over Paul's key."""
    paul = world.person("paul")
    hers, his = world.authenticator(), world.authenticator()
    world.enrol(hers)
    world.enrol(his, paul)
    with pytest.raises(PasskeyRefused, match="user_handle"):
        world.with_passkey(his, user_handle=handle_of(world.claire.id))
    forged = dataclasses.replace(his.credentials[0], id=hers.credentials[0].id, user_handle=handle_of(world.claire.id))
    with pytest.raises(PasskeyRefused, match="signature"):
        world.with_passkey(his, credential=forged)


ENROLLED = PasskeyWorld()
AUTHENTICATOR = ENROLLED.authenticator()
PASSKEY = ENROLLED.enrol(AUTHENTICATOR)
ASKED = {"challenge": base64url(b"c" * 32), "user": {"id": base64url(handle_of(ENROLLED.claire.id))}}
MADE = SoftAuthenticator(ORIGIN, RP_ID).create(ASKED)
PARTY = RelyingParty(rp_id=RP_ID, name="Portail", origins=[ORIGIN])


def _cut(answer: dict[str, Any], member: str, at: int, flip: int) -> dict[str, Any]:
    content = bytearray(octets(answer["response"][member]))
    if flip:
        content[at % len(content)] ^= flip
    else:
        del content[at % len(content) :]
    return {**answer, "response": {**answer["response"], member: base64url(bytes(content))}}


FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.spec("LIB-03")
@FUZZ
@given(
    at=st.integers(0, 400), flip=st.integers(0, 255), member=st.sampled_from(["clientDataJSON", "attestationObject"])
)
def test_damaged_enrolments_are_refused_or_say_the_same(at: int, flip: int, member: str) -> None:
    """Whatever octet is cut or changed: a refusal, never another error. What attestation is not asked may change."""
    try:
        made = PARTY.new_credential(_cut(MADE, member, at, flip), expected_challenge=b"c" * 32)
    except PasskeyRefused:
        return
    assert made.backup_eligible or not made.backed_up


@pytest.mark.spec("LIB-03")
@FUZZ
@given(
    at=st.integers(0, 200),
    flip=st.integers(0, 255),
    member=st.sampled_from(["clientDataJSON", "authenticatorData", "signature"]),
)
def test_damaged_assertions_are_refused(at: int, flip: int, member: str) -> None:
    damaged = _cut(HONEST, member, at, flip)
    if damaged == HONEST:
        return
    with pytest.raises(PasskeyRefused):
        PARTY.assertion(damaged, expected_challenge=b"c" * 32, expected=PASSKEY)


HONEST = AUTHENTICATOR.get(ASKED)


@pytest.mark.spec("LIB-03")
@FUZZ
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["id", "rawId", "type", "response", "clientDataJSON", "x"]), inner, max_size=5
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_is_sent_in_the_place_of_an_answer_is_refused(answer: object) -> None:
    with pytest.raises(PasskeyRefused):
        unverified(answer)
    with pytest.raises(PasskeyRefused):
        PARTY.new_credential(answer, expected_challenge=b"c" * 32)
    with pytest.raises(PasskeyRefused):
        PARTY.assertion(answer, expected_challenge=b"c" * 32, expected=PASSKEY)


@pytest.mark.spec("LIB-03")
@pytest.mark.parametrize(
    "octets_sent",
    [
        pytest.param(b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", id="an-endless-list"),
        pytest.param(b"\x81" * 8000, id="lists-in-lists"),
        pytest.param(b"\xa1" * 8000, id="maps-in-maps"),
        pytest.param(b"\xa1\xa0\xa0", id="a-map-as-a-key"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xf9\x00\x00", id="a-half-float"),
        pytest.param(b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff", id="octets-that-are-not-there"),
    ],
)
def test_hostile_cbor_is_refused_quickly(octets_sent: bytes) -> None:
    answer = {**MADE, "response": {**MADE["response"], "attestationObject": base64url(octets_sent)[:8192]}}
    with pytest.raises(PasskeyRefused):
        PARTY.new_credential(answer, expected_challenge=b"c" * 32)


@pytest.mark.spec("LIB-03")
def test_a_member_said_twice_is_refused(world: PasskeyWorld) -> None:
    """A library that reads the last one and a check that reads the first would believe two stories."""
    authenticator = world.authenticator()
    world.enrol(authenticator)
    txn = world.open()
    answer = authenticator.get(world.passkey.begin(txn))
    said = octets(answer["response"]["clientDataJSON"]).decode()
    answer["response"]["clientDataJSON"] = base64url(said.replace("{", '{"crossOrigin":true,', 1).encode())
    with pytest.raises(PasskeyRefused, match="malformed"):
        world.passkey.answered(txn, answer, CONTEXT)


@pytest.mark.spec("LIB-03")
def test_the_library_logs_no_credential(world: PasskeyWorld, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        authenticator = world.authenticator()
        passkey = world.enrol(authenticator)
        world.with_passkey(authenticator)
    assert passkey.credential_id.hex() not in caplog.text
    assert not [record for record in caplog.records if record.name.startswith("fido2")]
