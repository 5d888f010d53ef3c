"""The look-alike hierarchy has the shape of the real one and none of its substance (card dossier §2, checklist VC-07)."""

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from sandbox.card.igc_sante import LookAlikeIgc

ROOT = Path(__file__).resolve().parents[3]


def _extension(certificate: x509.Certificate, oid: str) -> bytes:
    value = certificate.extensions.get_extension_for_oid(ObjectIdentifier(oid)).value
    assert isinstance(value, x509.UnrecognizedExtension)
    return value.value


def _verify(igc: LookAlikeIgc, certificate: x509.Certificate) -> None:
    store = Store([igc.fort_personnes.certificate])
    PolicyBuilder().store(store).time(igc.now).build_client_verifier().verify(certificate, [])


@pytest.mark.spec("VC-07")
def test_the_name_of_a_person_is_one_multivalued_rdn_after_the_profession(igc: LookAlikeIgc) -> None:
    subject = igc.professional(given_name="Zoé").certificate.subject
    assert [len(rdn) for rdn in subject.rdns] == [1, 1, 3]
    assert subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "899900000003"
    assert subject.get_attributes_for_oid(NameOID.GIVEN_NAME)[0].value == "Zoé"
    assert subject.get_attributes_for_oid(NameOID.TITLE)[0].value == "Médecin"


@pytest.mark.spec("VC-07")
def test_private_extensions_have_their_mixed_encodings(igc: LookAlikeIgc) -> None:
    certificate = igc.professional(card_number="2800636234", profession=60, skills=("SM36",)).certificate
    assert _extension(certificate, "1.2.250.1.71.1.2.5") == bytes.fromhex("040180")
    assert _extension(certificate, "1.2.250.1.71.1.2.2") == bytes.fromhex("020100")
    assert _extension(certificate, "1.2.250.1.71.1.2.3") == b"\x13\x15" + b"8025000001/2800636234"
    assert _extension(certificate, "1.2.250.1.71.1.2.7") == bytes.fromhex("02013C")
    assert _extension(certificate, "1.2.250.1.71.4.2.5") == bytes.fromhex("30060C04") + b"SM36"
    assert _extension(igc.professional(test=False).certificate, "1.2.250.1.71.1.2.5") == bytes.fromhex("040100")


@pytest.mark.spec("VC-07")
def test_an_authentication_certificate_authenticates_and_a_signature_certificate_signs(igc: LookAlikeIgc) -> None:
    authentication = igc.professional().certificate.extensions
    usage = authentication.get_extension_for_class(x509.KeyUsage)
    assert usage.critical and usage.value.digital_signature and not usage.value.content_commitment
    assert list(authentication.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.CLIENT_AUTH,
        ExtendedKeyUsageOID.SMARTCARD_LOGON,
    ]
    names = authentication.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [name.value[2:] for name in names if isinstance(name, x509.OtherName)] == [b"899900000003@carte-cps.fr"]
    signature = igc.professional(usage="signature").certificate.extensions
    usage = signature.get_extension_for_class(x509.KeyUsage)
    assert usage.value.content_commitment and not usage.value.digital_signature


def test_the_chain_is_accepted_and_one_of_strangers_is_not(igc: LookAlikeIgc) -> None:
    _verify(igc, igc.professional().certificate)
    strangers = LookAlikeIgc(igc.now, keys="strangers")
    assert strangers.fort_personnes.certificate.subject == igc.fort_personnes.certificate.subject
    with pytest.raises(VerificationError):
        _verify(igc, strangers.professional().certificate)
    with pytest.raises(VerificationError):
        _verify(igc, igc.professional(not_after=igc.now - timedelta(seconds=1)).certificate)


def test_serials_of_one_authority_share_eight_bytes(igc: LookAlikeIgc) -> None:
    serials = [igc.professional().certificate.serial_number for _ in range(3)]
    assert len(set(serials)) == 3
    assert len({serial >> 64 for serial in serials}) == 1
    employee = igc.professional(authority=igc.standard_personnes).certificate
    assert employee.serial_number >> 64 != serials[0] >> 64


def test_a_crl_names_the_revoked_and_its_number_grows(igc: LookAlikeIgc) -> None:
    revoked = igc.professional().certificate.serial_number
    first = x509.load_der_x509_crl(igc.crl(igc.fort_personnes, [revoked]))
    second = x509.load_der_x509_crl(igc.crl(igc.fort_personnes))
    key = igc.fort_personnes.certificate.public_key()
    assert first.is_signature_valid(key)
    assert first.get_revoked_certificate_by_serial_number(revoked) is not None
    assert first.get_revoked_certificate_by_serial_number(revoked + 1) is None
    assert second.get_revoked_certificate_by_serial_number(revoked) is None
    numbers = [crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number for crl in (first, second)]
    assert numbers[1] == numbers[0] + 1
    forged = x509.load_der_x509_crl(igc.crl(igc.fort_personnes, signed_by=igc.elementaire_personnes))
    assert not forged.is_signature_valid(key)


def test_a_name_in_the_old_alphabet_is_signed_and_cannot_be_read(igc: LookAlikeIgc) -> None:
    old = igc.professional(
        family_name="FICTIVE", rewrite_tbs=lambda tbs: tbs.replace(b"\x0c\x07FICTIVE", b"\x14\x07FICTIV\xc9")
    ).certificate
    igc.fort_personnes.key.public_key().verify(old.signature, old.tbs_certificate_bytes, PKCS1v15(), hashes.SHA256())
    with pytest.raises(ValueError, match="subject"):
        _ = old.subject


def test_oddities_bend_one_field_each(igc: LookAlikeIgc) -> None:
    assert igc.professional(exponent=3).certificate.public_key().public_numbers().e == 3  # type: ignore[union-attr]
    assert igc.professional(rsa_bits=1024).certificate.public_key().key_size == 1024  # type: ignore[union-attr]
    twice = igc.professional(second_common_name="899900000011").certificate.subject
    assert len(twice.get_attributes_for_oid(NameOID.COMMON_NAME)) == 2
    without = igc.professional(private={"1.2.250.1.71.1.2.5": None}, upn=None, policy=None).certificate.extensions
    present = {extension.oid.dotted_string for extension in without}
    assert not present & {"1.2.250.1.71.1.2.5", "2.5.29.17", "2.5.29.32"}


def test_production_names_are_asked_for_and_every_name_carries_the_mark(igc: LookAlikeIgc) -> None:
    production = LookAlikeIgc(igc.now, test=False)
    for hierarchy, unit, name in (
        (igc, "IGC-SANTE TEST", "TEST AC IGC-SANTE FORT PERSONNES"),
        (production, "IGC-SANTE", "AC IGC-SANTE FORT PERSONNES"),
    ):
        subject = hierarchy.fort_personnes.certificate.subject
        units = [unit.value for unit in subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)]
        assert units == ["0002 187512751", unit, "BAC A SABLE"]
        assert hierarchy.fort_personnes.name == name


def test_what_is_written_is_public_and_pinned(igc: LookAlikeIgc, tmp_path: Path) -> None:
    igc.write(tmp_path)
    anchors = yaml.safe_load((tmp_path / "anchors.yaml").read_text("utf-8"))["anchors"]
    assert [anchor["role"] for anchor in anchors] == ["root"] * 3 + ["issuing"] * 4
    for anchor in anchors:
        certificate = x509.load_pem_x509_certificate((tmp_path / anchor["file"]).read_bytes())
        assert certificate.fingerprint(hashes.SHA256()).hex().upper() == anchor["sha256"]
        crl = x509.load_der_x509_crl((tmp_path / anchor["crl"]).read_bytes())
        assert crl.issuer == certificate.subject
    assert not any(b"PRIVATE KEY" in file.read_bytes() for file in tmp_path.iterdir())


def test_openssl_accepts_the_chain_too(igc: LookAlikeIgc, tmp_path: Path) -> None:
    for name, certificate in (
        ("root", igc.root.certificate),
        ("issuing", igc.fort_personnes.certificate),
        ("leaf", igc.professional().certificate),
    ):
        (tmp_path / name).write_bytes(certificate.public_bytes(Encoding.PEM))
    checked = subprocess.run(
        ["openssl", "verify", "-CAfile", "root", "-untrusted", "issuing", "leaf"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.stdout == "leaf: OK\n", checked.stderr


@pytest.mark.spec("VC-07")
def test_no_certificate_and_no_key_of_a_card_is_kept_in_the_tree() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "sandbox", "tests"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert not [
        name for name in listed if Path(name).suffix in {".pem", ".crt", ".cer", ".der", ".p12", ".pfx", ".key"}
    ]
