"""The shape of the bridge's answer: one writing, nothing missing, nothing more (SV-01)."""

import base64
from typing import Any

import pytest

from gateway.signin.card.assertion import CERTIFICATE_LIMIT, read_assertion
from gateway.signin.card.refusals import CardRefused
from tests.unit.signin.card.cards import Rig, message

CARD = {"family": "cps3", "interface": "contact"}


@pytest.fixture(scope="module")
def honest(rig: Rig) -> dict[str, Any]:
    return message(rig.igc.professional())


def why_refused(unverified: object) -> str:
    with pytest.raises(CardRefused) as refusal:
        read_assertion(unverified)
    return refusal.value.detail


@pytest.mark.spec("SV-01")
def test_an_honest_answer_is_read_to_the_byte(honest: dict[str, Any]) -> None:
    read = read_assertion(honest)
    assert base64.b64encode(read.certificate).decode() == honest["certificate"]
    assert len(read.signature) == 256


@pytest.mark.spec("SV-01", "BRG-08")
@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"format": "cps-bridge:2"}, "assertion: format"),
        ({"format": "web-eid:1.0"}, "assertion: format"),
        ({"algorithm": "rs256"}, "assertion: algorithm"),
        ({"algorithm": "RS1"}, "assertion: algorithm"),
        ({"algorithm": "PS256"}, "assertion: algorithm"),
        ({"algorithm": "none"}, "assertion: algorithm"),
        ({"algorithm": None}, "assertion: algorithm"),
        ({"origin": "https://connexion.exemple.fr"}, "assertion: members"),
        ({"nonce": "x"}, "assertion: members"),
        ({"card": None}, "assertion: members"),
        ({"card": {**CARD, "label": "x"}}, "assertion: members"),
        ({"card": {**CARD, "interface": "contactless"}}, "assertion: contactless"),
        ({"card": {**CARD, "interface": ""}}, "assertion: text"),
        ({"card": {**CARD, "family": "\u0000"}}, "assertion: text"),
        ({"bridge_version": "1" * 65}, "assertion: text"),
        ({"bridge_version": 1}, "assertion: text"),
        ({"certificate": ""}, "assertion: size"),
        ({"certificate": 12}, "assertion: base64"),
        ({"certificate": "é"}, "assertion: base64"),
        ({"signature": "AA=="}, "assertion: base64"),
        ({"signature": "AB"}, "assertion: base64"),
        ({"signature": "A+/A"}, "assertion: base64"),
        ({"signature": ""}, "assertion: size"),
        ({"signature": "A" * 1368}, "assertion: size"),
    ],
)
def test_any_other_shape_is_refused(honest: dict[str, Any], changed: dict[str, Any], reason: str) -> None:
    assert why_refused(honest | changed) == reason


@pytest.mark.spec("SV-01")
@pytest.mark.parametrize("member", ["format", "certificate", "algorithm", "signature", "card", "bridge_version"])
def test_no_member_may_be_missing(honest: dict[str, Any], member: str) -> None:
    assert why_refused({name: value for name, value in honest.items() if name != member}) == "assertion: members"


@pytest.mark.spec("SV-01")
@pytest.mark.parametrize("unverified", [None, [], "x", 1, {}])
def test_what_is_no_object_is_refused(unverified: object) -> None:
    assert why_refused(unverified) == "assertion: members"


@pytest.mark.spec("SV-01")
def test_a_certificate_has_one_writing_and_eight_kibibytes_at_most(honest: dict[str, Any]) -> None:
    certificate: str = honest["certificate"]
    url_safe = base64.urlsafe_b64encode(b"\xff" * 300).decode()
    broken = certificate[:76] + "\n" + certificate[76:]
    for written in (certificate + "\n", broken, certificate.rstrip("=") + "====", url_safe, " " + certificate):
        assert why_refused(honest | {"certificate": written}) == "assertion: base64"
    at_most = base64.b64encode(b"0" * CERTIFICATE_LIMIT).decode()
    assert len(read_assertion(honest | {"certificate": at_most}).certificate) == CERTIFICATE_LIMIT
    too_large = base64.b64encode(b"0" * (CERTIFICATE_LIMIT + 1)).decode()
    assert why_refused(honest | {"certificate": too_large}) == "assertion: size"


@pytest.mark.spec("SV-01")
def test_bytes_after_the_certificate_are_refused(rig: Rig) -> None:
    from gateway.signin.card.certificate import read_certificate

    card = rig.igc.professional()
    assert read_certificate(card.der).card_type == 0
    with pytest.raises(CardRefused, match="unreadable"):
        read_certificate(card.der + b"\x00")
