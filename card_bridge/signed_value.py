"""The value that the card signs (cps-card.md §3.6, step 5; BRG-06) and the DigestInfo that CPS3 pads (§1.5).

Fixed lengths, so that no separator can be ambiguous. The origin is the browser's own header, never a field of the page.
"""

from hashlib import sha256

LABEL = b"CPS-BRIDGE-AUTH-V1\x00"
_DIGEST_INFO_SHA256 = bytes.fromhex("3031300D060960864801650304020105000420")


def value_to_sign(*, origin: str, nonce: str, purpose: str) -> bytes:
    """115 bytes; the signature is RSASSA-PKCS1-v1_5 with SHA-256 over them."""
    return LABEL + b"".join(sha256(text.encode("utf-8")).digest() for text in (origin, nonce, purpose))


def digest_info(value: bytes) -> bytes:
    """The 51 bytes given to INTERNAL AUTHENTICATE; there is no other algorithm."""
    return _DIGEST_INFO_SHA256 + sha256(value).digest()
