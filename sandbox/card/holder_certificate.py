"""What a card certificate looks like: subject with one multi-valued RDN, usages, private extensions (card dossier §2.3, §2.4).

Builds the profile of an RPPS holder's authentication certificate and of a signature certificate. Every field can be bent
by an `Oddities` entry, so that a verifier can be shown each certificate it must refuse.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypedDict

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from sandbox.card.tlv import tlv

Usage = Literal["authentication", "signature"]

PRODUCT_TYPE = "1.2.250.1.71.1.2.2"
CARD_NUMBER = "1.2.250.1.71.1.2.3"
PRODUCT_CATEGORY = "1.2.250.1.71.1.2.5"
PROFESSION = "1.2.250.1.71.1.2.7"
SKILLS = "1.2.250.1.71.4.2.5"
UPN = "1.3.6.1.4.1.311.20.2.3"
TEST_POLICY = "1.2.250.1.213.1.7.2.1.1.1.1"
CARD_ISSUER = "8025000001"


class Oddities(TypedDict, total=False):
    """What differs from the expected profile; an absent entry means the profile's own value."""

    national_id: str
    """The CN, instead of `8` and the RPPS."""
    second_common_name: str
    title: str
    subject: x509.Name
    upn: str | None
    key_usage: x509.KeyUsage | None
    extended_key_usage: tuple[ObjectIdentifier, ...]
    certificate_authority: bool
    policy: str | None
    private: Mapping[str, bytes | None]
    """DER of private extensions by OID; None leaves that extension out."""
    skills: tuple[str, ...]
    exponent: int
    key: RSAPrivateKey | EllipticCurvePrivateKey
    serial: int
    rewrite_tbs: Callable[[bytes], bytes]
    """Changes the to-be-signed bytes, keeping their length, before the authority signs them."""


@dataclass(frozen=True)
class CardCertificate:
    certificate: x509.Certificate
    private_key: RSAPrivateKey | EllipticCurvePrivateKey
    usage: Usage = "authentication"

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


@dataclass(frozen=True)
class Holder:
    """Who and what the certificate speaks of."""

    rpps: str
    family_name: str
    given_name: str
    card_number: str
    profession: int | None
    test: bool
    card_type: int
    usage: Usage


def national_id(holder: Holder, oddities: Oddities) -> str:
    return oddities.get("national_id", f"8{holder.rpps}")


def subject(holder: Holder, oddities: Oddities) -> x509.Name:
    if "subject" in oddities:
        return oddities["subject"]
    person = [
        x509.NameAttribute(NameOID.GIVEN_NAME, holder.given_name),
        x509.NameAttribute(NameOID.COMMON_NAME, national_id(holder, oddities)),
        x509.NameAttribute(NameOID.SURNAME, holder.family_name),
    ]
    if "second_common_name" in oddities:
        person.append(x509.NameAttribute(NameOID.COMMON_NAME, oddities["second_common_name"]))
    return x509.Name(
        [
            x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COUNTRY_NAME, "FR")]),
            x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.TITLE, oddities.get("title", "Médecin"))]),
            x509.RelativeDistinguishedName(person),
        ]
    )


def private_extensions(holder: Holder, oddities: Oddities) -> dict[str, bytes]:
    """Mixed encodings as on real cards: INTEGER, PrintableString, OCTET STRING, SEQUENCE of UTF8String."""
    values: dict[str, bytes | None] = {
        PRODUCT_CATEGORY: tlv(0x04, b"\x80" if holder.test else b"\x00"),
        PRODUCT_TYPE: tlv(0x02, bytes([holder.card_type])),
        CARD_NUMBER: tlv(0x13, f"{CARD_ISSUER}/{holder.card_number}".encode("ascii")),
        PROFESSION: None if holder.profession is None else tlv(0x02, bytes([holder.profession])),
    }
    if "skills" in oddities:
        values[SKILLS] = tlv(0x30, b"".join(tlv(0x0C, skill.encode("utf-8")) for skill in oddities["skills"]))
    values |= dict(oddities.get("private", {}))
    return {oid: der for oid, der in values.items() if der is not None}


def usual_key_usage(usage: Usage) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=usage == "authentication",
        content_commitment=usage == "signature",
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def usual_extended_usage(usage: Usage) -> tuple[ObjectIdentifier, ...]:
    if usage == "signature":
        return (ExtendedKeyUsageOID.EMAIL_PROTECTION,)
    return (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SMARTCARD_LOGON)


def build(
    holder: Holder,
    oddities: Oddities,
    *,
    key: RSAPrivateKey | EllipticCurvePrivateKey,
    issuer: x509.Certificate,
    issuer_key: RSAPrivateKey,
    serial: int,
    not_before: datetime,
    not_after: datetime,
    crl_url: str,
    issuer_url: str,
    ocsp_url: str,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject(holder, oddities))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(
            x509.BasicConstraints(ca=oddities.get("certificate_authority", False), path_length=None), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
                issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
            ),
            critical=False,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.CRLDistributionPoints([_distribution_point(crl_url)]), critical=False)
        .add_extension(
            x509.AuthorityInformationAccess(
                [
                    _access(AuthorityInformationAccessOID.OCSP, ocsp_url),
                    _access(AuthorityInformationAccessOID.CA_ISSUERS, issuer_url),
                ]
            ),
            critical=False,
        )
    )
    key_usage = oddities["key_usage"] if "key_usage" in oddities else usual_key_usage(holder.usage)
    if key_usage is not None:
        builder = builder.add_extension(key_usage, critical=True)
    extended = oddities.get("extended_key_usage", usual_extended_usage(holder.usage))
    if extended:
        builder = builder.add_extension(x509.ExtendedKeyUsage(extended), critical=False)
    policy = oddities.get("policy", TEST_POLICY)
    if policy is not None:
        builder = builder.add_extension(
            x509.CertificatePolicies([x509.PolicyInformation(ObjectIdentifier(policy), None)]), critical=False
        )
    upn = oddities["upn"] if "upn" in oddities else f"{national_id(holder, oddities)}@carte-cps.fr"
    if upn is not None and holder.usage == "authentication":
        name = x509.OtherName(ObjectIdentifier(UPN), tlv(0x0C, upn.encode("utf-8")))
        builder = builder.add_extension(x509.SubjectAlternativeName([name]), critical=False)
    for oid, der in private_extensions(holder, oddities).items():
        builder = builder.add_extension(x509.UnrecognizedExtension(ObjectIdentifier(oid), der), critical=False)
    certificate = builder.sign(issuer_key, hashes.SHA256())
    if "rewrite_tbs" in oddities:
        return _signed_again(certificate, oddities["rewrite_tbs"], issuer_key)
    return certificate


def _distribution_point(url: str) -> x509.DistributionPoint:
    return x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None)


def _access(method: ObjectIdentifier, url: str) -> x509.AccessDescription:
    return x509.AccessDescription(method, x509.UniformResourceIdentifier(url))


def _signed_again(
    certificate: x509.Certificate, rewrite: Callable[[bytes], bytes], key: RSAPrivateKey
) -> x509.Certificate:
    before = certificate.tbs_certificate_bytes
    after = rewrite(before)
    if len(after) != len(before):
        raise ValueError("the rewritten bytes must keep their length")
    signature = key.sign(after, PKCS1v15(), hashes.SHA256())
    der = certificate.public_bytes(Encoding.DER)
    return x509.load_der_x509_certificate(der.replace(before, after).replace(certificate.signature, signature))
