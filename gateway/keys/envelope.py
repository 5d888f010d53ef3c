"""Authenticated encryption: the one module that names the algorithm (CRY-01, CRY-02, CRY-05).

AES-256-GCM with a random 96-bit nonce. Everything sealed is bound to a context, a list of byte strings that is
authenticated and not stored: what was sealed in one place does not open in another. Each part of the context is prefixed
with its length, so that no two lists give the same bytes. Refuses keys of any other size.
"""

from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.randomness import Randomness

KEY_OCTETS = 32
_NONCE_OCTETS = 12


class UnreadableError(Exception):
    """Not sealed with this key, or not for this place, or altered since."""


def length_prefixed(parts: Sequence[bytes]) -> bytes:
    return b"".join([len(part).to_bytes(4, "big") + part for part in parts])


class Envelope:
    """A key that seals and opens. What it seals reads: nonce (12 octets), ciphertext, tag (16 octets)."""

    __slots__ = ("_aead",)

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_OCTETS:
            raise ValueError("an AES-256 key has 32 octets")
        self._aead = AESGCM(key)

    def seal(self, content: bytes, *, context: Sequence[bytes], randomness: Randomness) -> bytes:
        nonce = randomness(_NONCE_OCTETS)
        return nonce + self._aead.encrypt(nonce, content, length_prefixed(context))

    def open(self, sealed: bytes, *, expected_context: Sequence[bytes]) -> bytes:
        """Raises UnreadableError, without saying which of the reasons it was."""
        nonce, ciphertext = sealed[:_NONCE_OCTETS], sealed[_NONCE_OCTETS:]
        try:
            return self._aead.decrypt(nonce, ciphertext, length_prefixed(expected_context))
        except (InvalidTag, ValueError):
            raise UnreadableError("sealed with another key, moved from another place, or altered") from None
