"""Whatever is changed in a good answer, alone, it is refused; whatever the bytes, nothing but the typed refusal (SV-14)."""

import random
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.signin.card.assertion import UnverifiedAssertion, read_assertion
from gateway.signin.card.certificate import read_certificate
from gateway.signin.card.refusals import CardRefused
from gateway.signin.card.revocation import ListRefusedError, read_list
from gateway.signin.card.signed_value import nonce_digest
from gateway.signin.card.verification import Expected
from tests.unit.signin.card.cards import NONCE, NOW, ORIGIN, Rig, message

# Serials below one: `cryptography` says that it will refuse them one day; we do already.
pytestmark = pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")

EXPECTED = Expected(ORIGIN, nonce_digest(NONCE), "login", NOW)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=6,
)
PROVING = ("format", "certificate", "algorithm", "signature", "card")
"""`bridge_version` proves nothing and is believed about nothing."""


@pytest.fixture(scope="module")
def honest(rig: Rig) -> dict[str, Any]:
    return message(rig.igc.professional(skills=("SM36",)))


def verdict(rig: Rig, unverified: object) -> str:
    try:
        rig.verifier.verify(read_assertion(unverified), expected=EXPECTED)
    except CardRefused:
        return "refused"
    return "verified"


def test_the_answer_that_is_bent_here_is_good(rig: Rig, honest: dict[str, Any]) -> None:
    assert verdict(rig, honest) == "verified"


@pytest.mark.spec("SV-14")
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(member=st.sampled_from(PROVING), value=ANY_JSON)
def test_a_member_with_any_other_value_is_refused(rig: Rig, honest: dict[str, Any], member: str, value: object) -> None:
    if value != honest[member]:
        assert verdict(rig, honest | {member: value}) == "refused"


@pytest.mark.spec("SV-14")
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(member=st.sampled_from(("certificate", "signature")), data=st.data())
def test_a_character_changed_added_or_lost_is_refused(
    rig: Rig, honest: dict[str, Any], member: str, data: st.DataObject
) -> None:
    written: str = honest[member]
    place = data.draw(st.integers(0, len(written) - 1))
    other = data.draw(st.sampled_from(["", "A", "_", "/", "=", "\n", written[place] * 2]))
    bent = written[:place] + other + written[place + 1 :]
    if bent != written:
        assert verdict(rig, honest | {member: bent}) == "refused"


@pytest.mark.spec("SV-14", "SV-04", "SV-10")
def test_every_byte_of_the_certificate_and_of_the_signature_counts(rig: Rig, honest: dict[str, Any]) -> None:
    good = read_assertion(honest)
    for part in ("certificate", "signature"):
        octets: bytes = getattr(good, part)
        for place in range(len(octets)):
            bent = octets[:place] + bytes([octets[place] ^ (1 << place % 8)]) + octets[place + 1 :]
            changed = {"certificate": good.certificate, "signature": good.signature} | {part: bent}
            with pytest.raises(CardRefused):
                rig.verifier.verify(UnverifiedAssertion(**changed, bridge_version="1"), expected=EXPECTED)


def bent(octets: bytes, chance: random.Random) -> bytes:
    """One to three edits: a byte changed, a few removed, repeated or made up."""
    made = bytearray(octets)
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(made))
        match chance.randrange(5):
            case 0:
                made[place] ^= 1 << chance.randrange(8)
            case 1:
                made[place] = chance.choice((0x00, 0x01, 0x7F, 0x80, 0xFF, 0x30, 0x04, 0x02, 0x0C, 0x13, 0x14, 0xA0))
            case 2:
                del made[place : place + chance.randint(1, 4)]
            case 3:
                made[place:place] = made[place : place + chance.randint(1, 8)]
            case _:
                made[place:place] = chance.randbytes(chance.randint(1, 4))
    return bytes(made)


@pytest.mark.spec("SV-14", "SV-03")
def test_bent_certificates_raise_the_typed_refusal_or_nothing(rig: Rig, honest: dict[str, Any]) -> None:
    chance, good = random.Random(20260914), read_assertion(honest)
    for _ in range(6000):
        try:
            read_certificate(bent(good.certificate, chance))
        except CardRefused as refusal:
            assert refusal.detail in {"certificate: unreadable", "certificate: not an RSA key"}
    for length in range(0, 300, 7):
        with pytest.raises(CardRefused):
            read_certificate(chance.randbytes(length))


@pytest.mark.spec("SV-14")
def test_bent_certificates_that_the_authority_has_signed_raise_it_too(rig: Rig) -> None:
    """The bytes that a careless authority could sign: every reader behind the signature meets them."""
    chance, card, key = random.Random(4), rig.igc.professional(skills=("SM36",)), rig.igc.fort_personnes.key
    tbs, algorithm = card.certificate.tbs_certificate_bytes, bytes.fromhex("300d06092a864886f70d01010b0500")
    reasons = set()
    for _ in range(700):
        changed = bytearray(tbs)
        for _ in range(chance.randint(1, 2)):
            changed[chance.randrange(4, len(tbs))] = chance.randrange(256)
        signature = key.sign(bytes(changed), padding.PKCS1v15(), hashes.SHA256())
        content = bytes(changed) + algorithm + b"\x03\x82\x01\x01\x00" + signature
        whole = b"\x30\x82" + len(content).to_bytes(2) + content
        try:
            rig.verifier.verify(UnverifiedAssertion(whole, b"x" * 256, "1"), expected=EXPECTED)
        except CardRefused as refusal:
            reasons.add(refusal.detail)
    assert len(reasons) > 6
    assert "signature" in reasons


@pytest.mark.spec("SV-14", "SV-09")
def test_bent_lists_raise_their_refusal_and_none_is_believed(rig: Rig) -> None:
    chance = random.Random(7)
    good = rig.igc.crl(rig.igc.fort_personnes, [1, 2, 3], number=7)
    (issuing,) = [one for one in rig.trust.watched if one.anchor.role == "issuing"]
    for _ in range(1500):
        changed = bent(good, chance)
        if changed != good:
            with pytest.raises(ListRefusedError):
                read_list(changed, issuing)
