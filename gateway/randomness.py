"""The one place that draws random values, all from the operating system (CRY-08)."""

import binascii
import hashlib
import secrets
import uuid
import zlib
from collections.abc import Callable

Randomness = Callable[[int], bytes]
"""`randomness(n)` gives n unpredictable bytes; rules take it as a parameter."""

system_randomness: Randomness = secrets.token_bytes


_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def base64url(raw: bytes) -> str:
    """Unpadded base64url, the alphabet of tokens and handles."""
    return binascii.b2a_base64(raw, newline=False).translate(_URL_SAFE, b"=").decode("ascii")


def opaque(randomness: Randomness, octets: int = 32) -> str:
    """A secret handle of `octets` random bytes (256 bits by default)."""
    return base64url(randomness(octets))


def identifier(randomness: Randomness) -> str:
    """A random UUID (version 4), for names that need not be secret."""
    return str(uuid.UUID(bytes=randomness(16), version=4))


PARTITIONS = 16


def partition_of(account_id: str) -> int:
    """The partition where everything ephemeral of one account lives, so that one atomic step can reach it all."""
    return zlib.crc32(account_id.encode()) % PARTITIONS


def handle(randomness: Randomness, partition: int) -> str:
    """A secret handle of 256 random bits whose first character names its partition (one of 16)."""
    return f"{partition:x}{opaque(randomness)}"


def digest(handle_or_token: str) -> str:
    """What stores keep of a secret handle: its SHA-256, in hexadecimal."""
    return hashlib.sha256(handle_or_token.encode()).hexdigest()
