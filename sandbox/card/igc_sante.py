"""A hierarchy that looks like IGC-Santé, made in memory: authorities, CRLs, card certificates (card dossier §2).

Names, extensions, serials that share eight bytes and CRL habits follow §2.1 to §2.5. Every name carries the mark BAC A
SABLE and every key is made at start: nothing here passes for the real hierarchy, whose anchors are pinned by fingerprint.
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Unpack

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier

from sandbox.card.holder_certificate import CardCertificate, Holder, Oddities, Usage, build
from sandbox.card.rsa_keys import rsa_key

MARK = "BAC A SABLE"
SITE = "http://igc-sante.example"
OCSP = "http://ocsp.igc-sante.example"
_ANY_POLICY = ObjectIdentifier("2.5.29.32.0")
_TWENTY_YEARS = timedelta(days=20 * 365)
_SIX_DAYS = timedelta(days=6)


@dataclass(frozen=True)
class Authority:
    """`name` is its CN, `file` how its published files begin: ACR for a root, ACI for an issuing authority."""

    name: str
    certificate: x509.Certificate
    key: RSAPrivateKey
    file: str

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode("ascii")

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the DER, in upper-case hexadecimal."""
        return self.certificate.fingerprint(hashes.SHA256()).hex().upper()

    @property
    def is_root(self) -> bool:
        return self.certificate.issuer == self.certificate.subject

    def next_serial(self) -> int:
        """128 bits, of which the first eight bytes are the same for every certificate of this authority."""
        shared = hashlib.sha256(self.name.encode()).digest()[:8]
        return int.from_bytes(bytes([0x10 | shared[0] & 0x6F]) + shared[1:] + secrets.token_bytes(8))


class LookAlikeIgc:
    """One hierarchy. `test` gives the names of the TEST hierarchy; another `keys` gives strangers of the same names."""

    def __init__(self, now: datetime | None = None, *, test: bool = True, keys: str = "") -> None:
        self.now = (now or datetime.now(UTC)).replace(microsecond=0)
        self.test = test
        self._keys = keys
        self._crl_number = 1286

    @cached_property
    def root(self) -> Authority:
        """The root of the FORT range, under which cards of professionals are."""
        return self._authority("AC RACINE IGC-SANTE FORT", "ACR-FO")

    @cached_property
    def standard_root(self) -> Authority:
        return self._authority("AC RACINE IGC-SANTE STANDARD", "ACR-ST")

    @cached_property
    def elementaire_root(self) -> Authority:
        return self._authority("AC RACINE IGC-SANTE ELEMENTAIRE", "ACR-EL")

    @cached_property
    def fort_personnes(self) -> Authority:
        return self._authority("AC IGC-SANTE FORT PERSONNES", "ACI-FO-PP", self.root)

    @cached_property
    def standard_personnes(self) -> Authority:
        return self._authority("AC IGC-SANTE STANDARD PERSONNES", "ACI-ST-PP", self.standard_root)

    @cached_property
    def elementaire_personnes(self) -> Authority:
        return self._authority("AC IGC-SANTE ELEMENTAIRE PERSONNES", "ACI-EL-PP", self.elementaire_root)

    @cached_property
    def fort_organisations(self) -> Authority:
        return self._authority("AC IGC-SANTE FORT ORGANISATIONS", "ACI-FO-ORG", self.root)

    @property
    def authorities(self) -> list[Authority]:
        """Roots first."""
        return [
            *(self.root, self.standard_root, self.elementaire_root),
            *(self.fort_personnes, self.standard_personnes, self.elementaire_personnes, self.fort_organisations),
        ]

    def professional(
        self,
        rpps: str = "99900000003",
        *,
        family_name: str = "FICTIVE",
        given_name: str = "Camille",
        card_number: str = "2900473128",
        profession: int | None = 10,
        authority: Authority | None = None,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        test: bool | None = None,
        card_type: int = 0,
        usage: Usage = "authentication",
        rsa_bits: int = 2048,
        **oddities: Unpack[Oddities],
    ) -> CardCertificate:
        """A certificate and its key, as the profile of §2.4 expects them, but for the `oddities`."""
        issuer = authority or self.fort_personnes
        in_test = self.test if test is None else test
        holder = Holder(rpps, family_name, given_name, card_number, profession, in_test, card_type, usage)
        key = oddities.get("key") or rsa_key(
            f"{card_number} {usage}", bits=rsa_bits, exponent=oddities.get("exponent", 65537)
        )
        certificate = build(
            holder,
            oddities,
            key=key,
            issuer=issuer.certificate,
            issuer_key=issuer.key,
            serial=oddities["serial"] if "serial" in oddities else issuer.next_serial(),
            not_before=not_before or self.now - timedelta(days=365),
            not_after=not_after or self.now + timedelta(days=2 * 365),
            crl_url=self.crl_url(issuer),
            issuer_url=f"{SITE}/AC/{issuer.file}.cer",
            ocsp_url=OCSP,
        )
        return CardCertificate(certificate, key, usage)

    def crl_url(self, authority: Authority) -> str:
        return f"{SITE}/CRL/{authority.file}.crl"

    def crl(
        self,
        authority: Authority,
        revoked: Iterable[int] = (),
        *,
        number: int | None = None,
        this_update: datetime | None = None,
        next_update: datetime | None = None,
        signed_by: Authority | None = None,
    ) -> bytes:
        """DER, valid six days, without reason codes; the number grows by one at each call unless given.

        `signed_by` lets another authority sign it under the name of this one.
        """
        if number is None:
            number = self._crl_number = self._crl_number + 1
        start = this_update or self.now
        identifier = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(authority.certificate.subject)
            .last_update(start)
            .next_update(next_update or start + _SIX_DAYS)
            .add_extension(x509.CRLNumber(number), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        )
        for serial in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(start - timedelta(hours=1))
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign((signed_by or authority).key, hashes.SHA256()).public_bytes(Encoding.DER)

    def anchors(self) -> list[str]:
        """PEM of the issuing authorities that sign certificates of professionals' and employees' cards."""
        return [self.fort_personnes.pem, self.standard_personnes.pem]

    def write(self, folder: Path) -> None:
        """PEM and CRL of every authority, and `anchors.yaml`: file, SHA-256, role and CRL of each. No private key."""
        folder.mkdir(parents=True, exist_ok=True)
        rows = []
        for authority in self.authorities:
            (folder / f"{authority.file}.pem").write_text(authority.pem, encoding="ascii")
            (folder / f"{authority.file}.crl").write_bytes(self.crl(authority))
            rows.append(
                {
                    "file": f"{authority.file}.pem",
                    "sha256": authority.fingerprint,
                    "role": "root" if authority.is_root else "issuing",
                    "subject": authority.certificate.subject.rfc4514_string(),
                    "crl": f"{authority.file}.crl",
                    "crl_url": self.crl_url(authority),
                }
            )
        (folder / "anchors.yaml").write_text(
            yaml.safe_dump({"anchors": rows}, allow_unicode=True, sort_keys=False), encoding="utf-8"
        )

    def _authority(self, name: str, file: str, parent: Authority | None = None) -> Authority:
        name = f"TEST {name}" if self.test else name
        file = f"{file}-TEST" if self.test else file
        key = rsa_key(f"{self._keys} {name}")
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "ASIP-SANTE"),
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "0002 187512751"),
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "IGC-SANTE TEST" if self.test else "IGC-SANTE"),
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, MARK),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        signer = parent.key if parent else key
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(parent.certificate.subject if parent else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now - _TWENTY_YEARS / 2)
            .not_valid_after(self.now + _TWENTY_YEARS / 2)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0 if parent else None), critical=True)
            .add_extension(_SIGNS_CERTIFICATES, critical=True)
            .add_extension(x509.CertificatePolicies([x509.PolicyInformation(_ANY_POLICY, None)]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
                critical=False,
            )
        )
        return Authority(name, builder.sign(signer, hashes.SHA256()), key, file)


_SIGNS_CERTIFICATES = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)
