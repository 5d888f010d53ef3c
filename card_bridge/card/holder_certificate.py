"""The authentication certificate as the workstation sees it: whose it is, and whether asking for a code makes sense.

Refuses a certificate that is not for authentication or is over (cps-card.md §1.3, BR-03). Chain, revocation and identity are
judged by the gateway alone (SV rows); nothing here is trusted there.
"""

import datetime
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import NameOID

from card_bridge.card.pkcs15 import shown
from card_bridge.refusals import BridgeRefusal, Code


@dataclass(frozen=True)
class HolderCertificate:
    der: bytes
    holder: str
    signature_length: int


def read_holder_certificate(file: bytes, *, now: float) -> HolderCertificate:
    """`file` is the card's file, which may be longer than the certificate. Raises BridgeRefusal(CERTIFICATE_UNSUPPORTED)."""
    der = _without_padding(file)
    try:
        certificate = x509.load_der_x509_certificate(der)
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        key = certificate.public_key()
        over = certificate.not_valid_after_utc < datetime.datetime.fromtimestamp(now, datetime.UTC)
        names = [
            attribute.value
            for name in (NameOID.GIVEN_NAME, NameOID.SURNAME)
            for attribute in certificate.subject.get_attributes_for_oid(name)[:1]
        ]
    except Exception as reason:  # the errors of a parser fed by a card share no base class
        raise BridgeRefusal(Code.CERTIFICATE_UNSUPPORTED, "unreadable") from reason
    if not usage.digital_signature or usage.content_commitment or not isinstance(key, RSAPublicKey):
        raise BridgeRefusal(Code.CERTIFICATE_UNSUPPORTED, "not for authentication")
    if over:
        raise BridgeRefusal(Code.CERTIFICATE_UNSUPPORTED, "expired")
    return HolderCertificate(der, shown(" ".join(str(name) for name in names)), (key.key_size + 7) // 8)


def _without_padding(file: bytes) -> bytes:
    if len(file) < 4 or file[:2] != b"\x30\x82":
        raise BridgeRefusal(Code.CERTIFICATE_UNSUPPORTED, "not a certificate")
    return file[: 4 + int.from_bytes(file[2:4], "big")]
