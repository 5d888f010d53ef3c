"""The ordered checks of a card's answer, each bent alone (§7.3, SV-03 to SV-13)."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from gateway.signin.card import private_extensions as private
from gateway.signin.card.assertion import UnverifiedAssertion
from gateway.signin.card.refusals import CardOfAnotherType, CardRefused
from gateway.signin.card.signed_value import nonce_digest, signed_value
from gateway.signin.card.verification import Expected
from sandbox.card.holder_certificate import TEST_POLICY, usual_key_usage
from sandbox.card.tlv import tlv
from tests.unit.signin.card.cards import NONCE, NOW, ORIGIN, START, Rig, days, igc, sign

VECTORS = Path(__file__).resolve().parents[3] / "vectors" / "cps_bridge_auth_v1.json"
CURVED_KEY = ec.generate_private_key(ec.SECP256R1())


def usage(**changed: bool) -> x509.KeyUsage:
    usual = usual_key_usage("authentication")
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign",
    )  # fmt: skip
    said: dict[str, Any] = {name: getattr(usual, name) for name in names} | changed
    return x509.KeyUsage(**said, encipher_only=False, decipher_only=False)


@pytest.mark.spec("SV-10", "BRG-06")
@pytest.mark.parametrize("vector", json.loads(VECTORS.read_text("utf-8")), ids=lambda vector: vector["origin"][8:])
def test_the_signed_value_is_the_one_of_the_vectors_that_the_bridge_keeps_to(vector: dict[str, str]) -> None:
    value = signed_value(origin=vector["origin"], nonce_digest=nonce_digest(vector["nonce"]), purpose=vector["purpose"])
    digest = hashes.Hash(hashes.SHA256())
    digest.update(value)
    assert value.hex() == vector["tbs_hex"]
    assert digest.finalize().hex() == vector["sha256_hex"]


@pytest.mark.spec("SV-12", "SV-13", "BRG-08")
def test_a_good_answer_gives_the_holder_and_nothing_else_of_the_certificate(rig: Rig) -> None:
    card = rig.igc.professional("99900000003", profession=60, serial=0x63DAFFCFC8034BDC0102030405060708)
    verified = rig.verify(card)
    assert verified.issuer == rig.igc.fort_personnes.certificate.subject.rfc4514_string()
    assert (verified.subject, verified.rpps) == ("899900000003", "99900000003")
    assert (verified.family_name, verified.given_name) == ("FICTIVE", "Camille")
    assert (verified.card_number, verified.card_type, verified.profession) == ("2900473128", 0, "60")
    assert verified.serial == "63daffcfc8034bdc0102030405060708"
    assert verified.amr == ("sc", "hwk", "pin", "mfa")
    assert verified.proved_at == NOW
    assert verified.expires_at == card.certificate.not_valid_after_utc.timestamp()


@pytest.mark.spec("SV-03")
def test_a_key_too_short_too_long_or_of_another_exponent_is_refused(rig: Rig) -> None:
    assert rig.why_refused(rig.igc.professional(rsa_bits=1024)) == "certificate: RSA size"
    assert rig.why_refused(rig.igc.professional(exponent=3)) == "certificate: RSA exponent"


@pytest.mark.spec("SV-03")
def test_a_key_that_is_not_rsa_and_a_certificate_nobody_can_read_are_refused(rig: Rig) -> None:
    curved = rig.igc.professional(key=CURVED_KEY)
    assert rig.why_refused(curved, signature=b"x" * 256) == "certificate: not an RSA key"

    def in_an_old_alphabet(tbs: bytes) -> bytes:
        before = tlv(0x0C, "Médecin".encode())
        return tbs.replace(before, tlv(0x14, "Médecin".encode("latin-1") + b" "))

    def one_name_less(tbs: bytes) -> bytes:
        assert b"FICTIVE" in tbs
        return tbs.replace(tlv(0x0C, b"FICTIVE"), tlv(0x14, b"FICTIV\xe9"))

    for rewrite in (in_an_old_alphabet, one_name_less):
        assert rig.why_refused(rig.igc.professional(rewrite_tbs=rewrite)) == "certificate: unreadable"


@pytest.mark.spec("SV-03")
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
def test_a_serial_that_no_list_could_hold_is_refused(rig: Rig) -> None:
    card = rig.igc.professional(serial=0x20FFAFFCFC8034BD)
    negative = card.certificate.tbs_certificate_bytes.replace(b"\x20\xff\xaf", b"\xa0\xff\xaf")
    key = rig.igc.fort_personnes.key
    der = card.der.replace(card.certificate.tbs_certificate_bytes, negative)
    der = der.replace(card.certificate.signature, key.sign(negative, padding.PKCS1v15(), hashes.SHA256()))
    with pytest.raises(CardRefused, match="certificate: serial"):
        rig.verifier.verify(UnverifiedAssertion(der, b"x", "1"), expected=Expected(ORIGIN, b"", "login", NOW))


@pytest.mark.spec("SV-04", "BRG-09")
def test_only_the_pinned_authority_of_the_accepted_range_makes_a_card(rig: Rig) -> None:
    files = rig.igc.professional(authority=rig.igc.elementaire_personnes)
    machines = rig.igc.professional(authority=rig.igc.fort_organisations)
    root = rig.igc.professional(authority=rig.igc.root)
    same_names = igc(keys="stranger").professional()
    assert rig.why_refused(files) == "chain: an authority that issues no cards"
    assert rig.why_refused(machines) == "chain: an authority that issues no cards"
    assert rig.why_refused(root) == "chain: not from a pinned authority"
    assert rig.why_refused(same_names) == "chain: not from a pinned authority"


@pytest.mark.spec("SV-04")
def test_an_employees_card_is_told_the_way_out_unless_this_deployment_accepts_it(rig: Rig, tmp_path: Path) -> None:
    employee = rig.igc.professional(authority=rig.igc.standard_personnes, card_type=2)
    with pytest.raises(CardOfAnotherType) as told:
        rig.verify(employee)
    assert (told.value.code, told.value.detail) == ("card_other_type", "chain: range")
    accepting = Rig(tmp_path, accepted_ranges=("fort", "standard"), accepted_card_types=(0, 2))
    accepting.revoke(accepting.igc.standard_personnes)
    accepting.revoke(accepting.igc.standard_root)
    assert accepting.verify(employee).card_type == 2


@pytest.mark.spec("SV-04", "SV-08")
def test_a_test_card_is_nothing_in_production_even_from_a_production_authority(tmp_path: Path) -> None:
    production = Rig(tmp_path, igc(test=False))
    assert production.verify(production.igc.professional(test=False)).rpps == "99900000003"
    assert production.why_refused(production.igc.professional(test=True)) == "card: category"
    assert production.why_refused(igc().professional()) == "chain: not from a pinned authority"


@pytest.mark.spec("SV-05", "BRG-09")
def test_a_certificate_counts_from_its_first_second_to_its_last(fresh: Rig) -> None:
    card = fresh.igc.professional(not_before=START - days(2), not_after=START + days(2))
    first, last = NOW - 2 * 86400, NOW + 2 * 86400
    fresh.revoke(fresh.igc.fort_personnes, this_update=START - days(3))
    fresh.revoke(fresh.igc.root, this_update=START - days(3))
    for instant in (first, last):
        assert fresh.verify(card, at=instant).rpps == "99900000003"
    for instant in (first - 1, last + 1):
        assert fresh.why_refused(card, at=instant) == "validity: certificate"


@pytest.mark.spec("SV-05")
def test_an_authority_that_has_expired_vouches_for_nobody(rig: Rig) -> None:
    end = rig.igc.fort_personnes.certificate.not_valid_after_utc
    card = rig.igc.professional(not_before=START, not_after=end + days(10))
    assert rig.why_refused(card, at=end.timestamp() + 1) == "validity: authority"


@pytest.mark.spec("SV-06", "BRG-09")
@pytest.mark.parametrize(
    ("oddity", "reason"),
    [
        ({"usage": "signature"}, "usage: no digitalSignature"),
        ({"key_usage": usage(content_commitment=True)}, "usage: nonRepudiation"),
        ({"key_usage": usage(digital_signature=False, key_encipherment=True)}, "usage: no digitalSignature"),
        ({"key_usage": None}, "usage: no digitalSignature"),
        ({"extended_key_usage": (ExtendedKeyUsageOID.SMARTCARD_LOGON,)}, "usage: no clientAuth"),
        ({"extended_key_usage": ()}, "usage: no clientAuth"),
        ({"certificate_authority": True}, "usage: an authority"),
        ({"key_usage": usage(key_cert_sign=True)}, "usage: an authority"),
    ],
    ids=["signature key", "both", "other usage", "none", "logon only", "no EKU", "an authority", "signs certificates"],
)
def test_only_a_key_for_client_authentication_signs_in(rig: Rig, oddity: dict[str, Any], reason: str) -> None:
    assert rig.why_refused(rig.igc.professional(**oddity)) == reason


@pytest.mark.spec("SV-06")
def test_a_critical_extension_that_nobody_reads_is_refused(rig: Rig) -> None:
    skills = rig.igc.professional(skills=("SM36",))
    assert rig.verify(skills).rpps == "99900000003"

    def critical(tbs: bytes) -> bytes:
        """The skills become critical, at the cost of three letters."""
        plain = tlv(0x04, tlv(0x30, tlv(0x0C, b"SM36")))
        assert plain in tbs
        return tbs.replace(plain, tlv(0x01, b"\xff") + tlv(0x04, tlv(0x30, tlv(0x0C, b"S"))))

    bent = rig.igc.professional(skills=("SM36",), rewrite_tbs=critical)
    assert rig.why_refused(bent) == "certificate: critical extension"


@pytest.mark.spec("SV-07", "BRG-09")
def test_policies_are_checked_when_this_deployment_names_some(tmp_path: Path) -> None:
    strict = Rig(tmp_path, policy_oids=(TEST_POLICY,), refused_policy_oids=("1.2.250.1.213.1.7.1.9",))
    assert strict.verify(strict.igc.professional()).rpps == "99900000003"
    assert strict.why_refused(strict.igc.professional(policy="1.2.250.1.213.1.7.1.1")) == "policy: not accepted"
    assert strict.why_refused(strict.igc.professional(policy=None)) == "policy: not accepted"
    lax = Rig(tmp_path, refused_policy_oids=(TEST_POLICY,))
    assert lax.why_refused(lax.igc.professional()) == "policy: refused"


@pytest.mark.spec("SV-07", "BRG-14")
def test_a_technical_certificate_signs_nobody_in(rig: Rig) -> None:
    technical = rig.igc.professional(extended_key_usage=(ExtendedKeyUsageOID.CLIENT_AUTH,))
    assert rig.why_refused(technical) == "profile: technical"


@pytest.mark.spec("SV-08")
@pytest.mark.parametrize(
    ("oid", "der", "reason"),
    [
        (private.CATEGORY, None, "card: category"),
        (private.CATEGORY, tlv(0x04, b"\x00"), "card: category"),
        (private.CATEGORY, tlv(0x04, b"\x82"), "card: category"),
        (private.CATEGORY, tlv(0x04, b"\x83"), "card: category"),
        (private.CATEGORY, tlv(0x02, b"\x00\x80"), "certificate: unreadable"),
        (private.CATEGORY, tlv(0x04, b"\x80\x80"), "certificate: unreadable"),
        (private.CARD_TYPE, None, "card: no type"),
        (private.CARD_TYPE, tlv(0x04, b"\x00"), "certificate: unreadable"),
        (private.CARD_TYPE, tlv(0x02, b"\x00\x00"), "certificate: unreadable"),
        (private.CARD_TYPE, tlv(0x02, b""), "certificate: unreadable"),
        (private.CARD_TYPE, tlv(0x02, b"\xff"), "certificate: unreadable"),
        (private.CARD_TYPE, tlv(0x02, b"\x00") + b"\x00", "certificate: unreadable"),
        (private.CARD_NUMBER, None, "card: number"),
        (private.CARD_NUMBER, tlv(0x13, b"8025000001/290047312"), "card: number"),
        (private.CARD_NUMBER, tlv(0x13, b"8025000001/29004731280"), "card: number"),
        (private.CARD_NUMBER, tlv(0x13, b"8025000002/2900473128"), "card: number"),
        (private.CARD_NUMBER, tlv(0x13, b"8025000001/2900473128\n"), "card: number"),
        (private.CARD_NUMBER, tlv(0x0C, b"8025000001/2900473128"), "certificate: unreadable"),
        (private.PROFESSION, tlv(0x04, b"\x0a"), "certificate: unreadable"),
    ],
)
def test_the_private_extensions_are_there_in_their_real_types(
    rig: Rig, oid: str, der: bytes | None, reason: str
) -> None:
    assert rig.why_refused(rig.igc.professional(private={oid: der})) == reason


@pytest.mark.spec("SV-08")
@pytest.mark.parametrize("card_type", [1, 2, 3])
def test_a_card_of_another_type_is_told_the_way_out(rig: Rig, card_type: int) -> None:
    with pytest.raises(CardOfAnotherType) as told:
        rig.verify(rig.igc.professional(card_type=card_type))
    assert told.value.detail == "card: type"


@pytest.mark.spec("SV-10", "BRG-08")
def test_a_signature_of_another_origin_nonce_or_purpose_is_refused(rig: Rig) -> None:
    card = rig.igc.professional()
    for other in (
        {"origin": "https://connexion.exemple.fr.attaquant.example"},
        {"origin": "http://connexion.exemple.fr"},
        {"nonce": NONCE[:-1] + "4"},
        {"purpose": "link"},
    ):
        assert rig.why_refused(card, **other) == "signature"


@pytest.mark.spec("SV-10")
def test_no_other_key_and_no_other_way_of_signing_will_do(rig: Rig) -> None:
    card, other = rig.igc.professional(), rig.igc.professional("99900000011", card_number="2900473129")
    key = card.private_key
    assert isinstance(key, RSAPrivateKey)
    value = signed_value(origin=ORIGIN, nonce_digest=nonce_digest(NONCE), purpose="login")
    digest = hashes.Hash(hashes.SHA256())
    digest.update(value)
    hashed = digest.finalize()
    good = sign(key, value)
    assert rig.verify(card, signature=good).rpps == "99900000003"
    forged: dict[str, bytes] = {
        "another card's": sign(other.private_key, value),
        "the signature key's": sign(rig.igc.professional(usage="signature").private_key, value),
        "a flipped bit": good[:-1] + bytes([good[-1] ^ 1]),
        "cut": good[:-1],
        "PSS": key.sign(value, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()),
        "SHA-512": key.sign(value, padding.PKCS1v15(), hashes.SHA512()),
        "of the hash itself": key.sign(hashed, padding.PKCS1v15(), hashes.SHA256()),
        "without DigestInfo": key.sign(hashed, padding.PKCS1v15(), utils.NoDigestInfo()),
    }
    for name, signature in forged.items():
        assert rig.why_refused(card, signature=signature) == "signature", name


@pytest.mark.spec("SV-11", "LNK-04")
@pytest.mark.parametrize(
    "national_id",
    [
        "099900000003",
        "30B0057881/CPET0002",
        "89990000000",
        "8999000000031",
        "8999000000O3",
        "899900000003 ",
        "8９99000000031",
    ],
)
def test_only_an_rpps_to_the_digit_names_a_professional(rig: Rig, national_id: str) -> None:
    with pytest.raises(CardOfAnotherType) as told:
        rig.verify(rig.igc.professional(national_id=national_id, upn=None))
    assert told.value.detail == "identity: no RPPS"


@pytest.mark.spec("SV-11")
def test_two_names_or_none_are_refused(rig: Rig) -> None:
    def without(oid: ObjectIdentifier) -> x509.Name:
        person = [(NameOID.GIVEN_NAME, "Camille"), (NameOID.COMMON_NAME, "899900000003"), (NameOID.SURNAME, "FICTIVE")]
        return x509.Name([x509.NameAttribute(name, value) for name, value in person if name != oid])

    assert rig.why_refused(rig.igc.professional(second_common_name="899900000011")) == "identity: one CN"
    assert rig.why_refused(rig.igc.professional(subject=without(NameOID.COMMON_NAME))) == "identity: one CN"
    for oid in (NameOID.SURNAME, NameOID.GIVEN_NAME):
        assert rig.why_refused(rig.igc.professional(subject=without(oid))) == "identity: one GN and one SN"


@pytest.mark.spec("SV-11")
def test_the_upn_names_the_same_holder_when_there_is_one(rig: Rig) -> None:
    for upn in (None, "899900000003@carte-cps.fr", "8.99900000003@carte-cps.fr"):
        assert rig.verify(rig.igc.professional(upn=upn)).rpps == "99900000003"
    for upn in ("899900000011@carte-cps.fr", "899900000003@example.fr", "899900000003", "8.899900000003@carte-cps.fr"):
        assert rig.why_refused(rig.igc.professional(upn=upn)) == "identity: UPN"


@pytest.mark.spec("SV-11")
def test_names_are_composed_and_spaced_once(rig: Rig) -> None:
    verified = rig.verify(rig.igc.professional(family_name="LE  GOFF ", given_name="E\u0301lodie"))
    assert (verified.family_name, verified.given_name) == ("LE GOFF", "Élodie")


@pytest.mark.spec("SV-12")
def test_a_refusal_of_a_certificate_that_is_vouched_for_says_which_to_the_journal_alone(rig: Rig) -> None:
    with pytest.raises(CardOfAnotherType) as told:
        rig.verify(rig.igc.professional(card_type=3, serial=0xABCDEF))
    assert told.value.certificate == (rig.igc.fort_personnes.certificate.subject.rfc4514_string(), "abcdef")
    with pytest.raises(CardRefused) as unknown:
        rig.verify(igc(keys="stranger").professional())
    assert unknown.value.certificate is None


def test_the_environment_can_do_without_the_logon_usage(tmp_path: Path) -> None:
    lax = Rig(tmp_path, smartcard_logon=False)
    card = lax.igc.professional(extended_key_usage=(ExtendedKeyUsageOID.CLIENT_AUTH,))
    assert lax.verify(card).rpps == "99900000003"
