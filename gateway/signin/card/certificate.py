"""What a card's certificate says, read once into plain values; nothing of it is believed here (SV-03, SV-08).

Everything that may fail while reading fails here, whatever the bytes: a name in an old alphabet, an extension twice, a number
where text should be. The one refusal that leaves is CardRefused.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtensionOID, NameOID

from gateway.signin.card import private_extensions as private
from gateway.signin.card.refusals import CardRefused

Read = TypeVar("Read")
_UNDERSTOOD = {
    ExtensionOID.KEY_USAGE.dotted_string,
    ExtensionOID.EXTENDED_KEY_USAGE.dotted_string,
    ExtensionOID.BASIC_CONSTRAINTS.dotted_string,
    ExtensionOID.CERTIFICATE_POLICIES.dotted_string,
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME.dotted_string,
    private.CATEGORY,
    private.CARD_TYPE,
    private.CARD_NUMBER,
    private.PROFESSION,
}
_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign",
    "crl_sign",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class UnverifiedCertificate:
    """Instants are seconds since the epoch; `serial` is the whole number; absent extensions are None or empty."""

    certificate: x509.Certificate = field(repr=False)
    key: rsa.RSAPublicKey = field(repr=False)
    issuer: x509.Name = field(repr=False)
    signature_algorithm: x509.ObjectIdentifier
    serial: int
    not_before: float
    not_after: float
    usages: frozenset[str]
    extended_usages: frozenset[str]
    is_authority: bool
    policies: frozenset[str]
    not_understood: frozenset[str]
    """Critical extensions that nobody here reads (RFC 5280 §4.2)."""
    category: int | None
    card_type: int | None
    card_number: str | None
    profession: int | None
    common_names: tuple[str, ...]
    family_names: tuple[str, ...]
    given_names: tuple[str, ...]
    upns: tuple[str, ...]


def read_certificate(unverified: bytes) -> UnverifiedCertificate:
    """Raises CardRefused."""
    try:
        return _read(x509.load_der_x509_certificate(unverified))
    except (
        ValueError,
        TypeError,
        UnsupportedAlgorithm,
        x509.InvalidVersion,
        x509.DuplicateExtension,
        x509.UnsupportedGeneralNameType,
    ):
        raise CardRefused("certificate: unreadable") from None


def _read(certificate: x509.Certificate) -> UnverifiedCertificate:
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise CardRefused("certificate: not an RSA key")
    found = {extension.oid.dotted_string: extension for extension in certificate.extensions}
    values = {oid: extension.value for oid, extension in found.items()}
    return UnverifiedCertificate(
        certificate=certificate,
        key=key,
        issuer=certificate.issuer,
        signature_algorithm=certificate.signature_algorithm_oid,
        serial=certificate.serial_number,
        not_before=certificate.not_valid_before_utc.timestamp(),
        not_after=certificate.not_valid_after_utc.timestamp(),
        usages=_usages(values.get(ExtensionOID.KEY_USAGE.dotted_string)),
        extended_usages=_extended(values.get(ExtensionOID.EXTENDED_KEY_USAGE.dotted_string)),
        is_authority=_authority(values.get(ExtensionOID.BASIC_CONSTRAINTS.dotted_string)),
        policies=_policies(values.get(ExtensionOID.CERTIFICATE_POLICIES.dotted_string)),
        not_understood=frozenset(oid for oid, one in found.items() if one.critical and oid not in _UNDERSTOOD),
        category=_private(values, private.CATEGORY, private.one_octet),
        card_type=_private(values, private.CARD_TYPE, private.small_number),
        card_number=_private(values, private.CARD_NUMBER, private.printable),
        profession=_private(values, private.PROFESSION, private.small_number),
        common_names=_names(certificate, NameOID.COMMON_NAME),
        family_names=_names(certificate, NameOID.SURNAME),
        given_names=_names(certificate, NameOID.GIVEN_NAME),
        upns=_upns(values.get(ExtensionOID.SUBJECT_ALTERNATIVE_NAME.dotted_string)),
    )


def _usages(value: object) -> frozenset[str]:
    return (
        frozenset(name for name in _USAGES if getattr(value, name)) if isinstance(value, x509.KeyUsage) else frozenset()
    )


def _extended(value: object) -> frozenset[str]:
    return frozenset(one.dotted_string for one in value) if isinstance(value, x509.ExtendedKeyUsage) else frozenset()


def _authority(value: object) -> bool:
    """Without the extension a certificate is no authority's (RFC 5280 §4.2.1.9)."""
    return isinstance(value, x509.BasicConstraints) and value.ca


def _policies(value: object) -> frozenset[str]:
    if not isinstance(value, x509.CertificatePolicies):
        return frozenset()
    return frozenset(policy.policy_identifier.dotted_string for policy in value)


def _private(values: Mapping[str, object], oid: str, read: Callable[[bytes], Read]) -> Read | None:
    value = values.get(oid)
    return read(value.value) if isinstance(value, x509.UnrecognizedExtension) else None


def _names(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> tuple[str, ...]:
    """Every attribute of this type, by its OID, wherever it stands in the subject (§2.3)."""
    found = certificate.subject.get_attributes_for_oid(oid)
    if not all(isinstance(name.value, str) for name in found):
        raise ValueError("a name that is no text")
    return tuple(str(name.value) for name in found)


def _upns(value: object) -> tuple[str, ...]:
    if not isinstance(value, x509.SubjectAlternativeName):
        return ()
    return tuple(
        private.text(name.value)
        for name in value
        if isinstance(name, x509.OtherName) and name.type_id.dotted_string == private.UPN
    )
