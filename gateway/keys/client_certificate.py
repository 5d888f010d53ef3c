"""An application's TLS certificate, as whoever ended its connection hands it on (RFC 8705, RFC 5280).

The connection proved that its sender has the private key; here is read what the certificate says, and whether authorities that
the operator named vouch for it. Refused: what is not in time, an authority's certificate, one that is not for TLS clients.
"""

import hashlib
import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from gateway.randomness import base64url

_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension)
_LIMIT = 16 * 1024


class UnusableCertificateError(ValueError):
    """The reason is for the log."""


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """`thumbprint` is RFC 8705 §3.1 (`x5t#S256`); `names` what tls_client_auth may compare, by kind: subject_dn, san_dns,
    san_uri, san_ip, san_email."""

    thumbprint: str
    spki: bytes = field(repr=False)
    not_before: float
    not_after: float
    names: Mapping[str, frozenset[str]]
    certificate: x509.Certificate = field(repr=False, compare=False)

    def in_time(self, now: float) -> bool:
        return self.not_before <= now <= self.not_after


def read_client_certificate(unverified: bytes) -> ClientCertificate:
    """`unverified` is DER. Raises UnusableCertificateError."""
    if len(unverified) > _LIMIT:
        raise UnusableCertificateError("too long")
    try:
        certificate = x509.load_der_x509_certificate(unverified)
        return ClientCertificate(
            thumbprint=base64url(hashlib.sha256(unverified).digest()),
            spki=certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            not_before=certificate.not_valid_before_utc.timestamp(),
            not_after=certificate.not_valid_after_utc.timestamp(),
            names={"subject_dn": frozenset({certificate.subject.rfc4514_string()}), **_alternative_names(certificate)},
            certificate=certificate,
        )
    except (*_UNREADABLE, x509.UnsupportedGeneralNameType) as error:
        raise UnusableCertificateError("unreadable") from error


def _alternative_names(certificate: x509.Certificate) -> dict[str, frozenset[str]]:
    try:
        said = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return {}
    return {
        "san_dns": frozenset(name.lower() for name in said.get_values_for_type(x509.DNSName)),
        "san_uri": frozenset(said.get_values_for_type(x509.UniformResourceIdentifier)),
        "san_ip": frozenset(str(address) for address in said.get_values_for_type(x509.IPAddress)),
        "san_email": frozenset(said.get_values_for_type(x509.RFC822Name)),
    }


def declared_name(kind: str, value: str) -> str:
    """A name of a client's file as `ClientCertificate.names` writes it. Raises ValueError."""
    if kind == "subject_dn":  # people and tools write a space after each comma
        return x509.Name.from_rfc4514_string(re.sub(r"(?<!\\), +", ",", value)).rfc4514_string()
    if kind == "san_dns":  # RFC 5280 §7.2
        return value.lower()
    return str(ipaddress.ip_address(value)) if kind == "san_ip" else value


class CertificateAuthorities:
    """Those whose certificates authenticate applications here (tls_client_auth)."""

    def __init__(self, certificates: Sequence[x509.Certificate]) -> None:
        if not certificates:
            raise UnusableCertificateError("no certificate of an authority")
        self._store = Store(list(certificates))
        # Organisations' certificates often name their subject alone; the use, when it is said, must be this one.
        self._authority = ExtensionPolicy.webpki_defaults_ca()
        self._client = ExtensionPolicy.permit_all().may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _is_use)

    @classmethod
    def load(cls, file: Path) -> "CertificateAuthorities":
        """The PEM certificates of a file. Raises OSError, UnusableCertificateError."""
        octets = file.read_bytes()
        try:
            return cls(x509.load_pem_x509_certificates(octets))
        except UnusableCertificateError:
            raise
        except _UNREADABLE as error:
            raise UnusableCertificateError("not PEM certificates") from error

    def vouch_for(self, unverified: ClientCertificate, chain: Sequence[bytes], now: float) -> bool:
        """Whether a path leads to one of them; `chain` are DER certificates that may help."""
        verifier = (
            PolicyBuilder()
            .store(self._store)
            .time(datetime.fromtimestamp(now, UTC))
            .extension_policies(ca_policy=self._authority, ee_policy=self._client)
            .build_client_verifier()
        )
        try:
            between = [x509.load_der_x509_certificate(one) for one in chain]
            verifier.verify(unverified.certificate, between)
        except (VerificationError, *_UNREADABLE):
            return False
        return True


def _is_use(_: object, __: x509.Certificate, usage: x509.ExtendedKeyUsage | None) -> None:
    if usage is not None and ExtendedKeyUsageOID.CLIENT_AUTH not in usage:
        raise ValueError("not for TLS clients")
