"""Writes and checks compact JWS in ES256 with our own keys, byte for byte as joserfc does (RFC 7515 §3.1, RFC 7518 §3.4).

Decision record 0005: for our own tokens alone, so header and payload are bytes that we made. The curve, the hash and the form
of the signature are fixed here; nothing is read from a token but where its dots are. Everything else stays with joserfc.
"""

import base64
import binascii

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

_ALGORITHM = ec.ECDSA(SHA256())
_HALF = 32
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_SIGNATURE_LENGTH = 86  # of 64 octets in base64url


def segment(raw: bytes) -> bytes:
    """Base64url without padding."""
    return binascii.b2a_base64(raw, newline=False).translate(_URL_SAFE, b"=")


def signed(header_segment: bytes, payload: bytes, key: ec.EllipticCurvePrivateKey) -> str:
    signing_input = header_segment + b"." + segment(payload)
    signature = segment(_fixed(key.sign(signing_input, _ALGORITHM)))
    return (signing_input + b"." + signature).decode("ascii")


def _fixed(der: bytes) -> bytes:
    """SEQUENCE { INTEGER r, INTEGER s } as r and s of 32 octets each. On P-256 every length takes one octet."""
    middle = 4 + der[3]
    r, s = der[4:middle], der[middle + 2 :]
    if der[0] != 0x30 or der[1] != len(der) - 2 or der[2] != 2 or der[middle] != 2 or der[middle + 1] != len(s):
        raise ValueError("not a signature of P-256 in DER")
    return r[-_HALF:].rjust(_HALF, b"\0") + s[-_HALF:].rjust(_HALF, b"\0")


def payload_of(unverified: bytes, key: ec.EllipticCurvePublicKey) -> bytes | None:
    """The payload of a compact JWS whose signature by this key is right; else None. Its header is the caller's to judge."""
    signing_input, _, signature = unverified.rpartition(b".")
    _, dot, encoded = signing_input.partition(b".")
    if not dot or len(signature) != _SIGNATURE_LENGTH or b"." in encoded:
        return None
    try:
        octets, payload = _octets(signature), _octets(encoded)
        r, s = int.from_bytes(octets[:_HALF], "big"), int.from_bytes(octets[_HALF:], "big")
        key.verify(encode_dss_signature(r, s), signing_input, _ALGORITHM)
    except (ValueError, InvalidSignature):
        return None
    return payload


def _octets(encoded: bytes) -> bytes:
    """Raises ValueError for what is not the one spelling of some octets."""
    if b"+" in encoded or b"/" in encoded:
        raise binascii.Error
    octets = base64.b64decode(encoded + b"=" * (-len(encoded) % 4), b"-_", validate=True)
    if segment(octets) != encoded:
        raise binascii.Error
    return octets
