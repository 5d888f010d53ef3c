"""Passwords at rest: Argon2id (DECISIONS 21), the PHC string encrypted under the pepper (PWD-05, PWD-06).

The pepper lives outside the database: a stolen table verifies nothing. Encryption rather than a keyed hash, so that the
pepper can rotate without the passwords. Every call that hashes costs the same, also for an account that does not exist.
"""

import base64
import unicodedata
from dataclasses import dataclass

from cryptography.exceptions import InvalidKey, InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from gateway.accounts.hashing_pool import HashingPool
from gateway.keys.purposes import Purpose, PurposeKey
from gateway.randomness import Randomness

_SALT = 16
_LENGTH = 32
_NONCE = 12
_PREFIX = "v1."
_AAD = b"passerelle:password-hash:1:"


@dataclass(frozen=True, slots=True)
class Argon2Parameters:
    """`memory` in KiB, `passes` (t), `lanes` (p)."""

    memory: int = 19 * 1024
    passes: int = 2
    lanes: int = 1

    def phc_prefix(self) -> str:
        return f"$argon2id$v=19$m={self.memory},t={self.passes},p={self.lanes}$"


class PasswordHasher:
    """`encrypted` values are opaque strings bound to their account: moved to another account they verify nothing. What hashes
    may raise HashingBusyError: a flood of sign-ins exhausts neither the memory nor the cores (PWD-13)."""

    def __init__(
        self,
        pepper: PurposeKey,
        randomness: Randomness,
        parameters: Argon2Parameters | None = None,
        *,
        pool: HashingPool | None = None,
    ) -> None:
        self._pepper = AESGCM(pepper.for_purpose(Purpose.PASSWORD_PEPPER))
        self._randomness = randomness
        self._parameters = parameters or Argon2Parameters()
        self._nobody = self._parameters.phc_prefix() + "$".join(_phc_base64(randomness(n)) for n in (_SALT, _LENGTH))
        self._pool = pool or HashingPool()

    def hash(self, account_id: str, password: str) -> str:
        salt = self._randomness(_SALT)
        phc = self._pool.run(lambda: self._argon2(salt).derive_phc_encoded(_octets(password)))
        nonce = self._randomness(_NONCE)
        sealed = self._pepper.encrypt(nonce, phc.encode(), _AAD + account_id.encode())
        return _PREFIX + base64.b64encode(nonce + sealed).decode()

    def verify(self, account_id: str, encrypted: str, password: str) -> bool:
        """Constant time inside Argon2id; a value that does not decrypt costs a dummy hash and is refused."""
        phc = self._opened(account_id, encrypted)
        if phc is None:
            return self.dummy(password)
        return self._verified(phc, password)

    def needs_rehash(self, account_id: str, encrypted: str) -> bool:
        """Whether it was made with other parameters than today's."""
        phc = self._opened(account_id, encrypted)
        return phc is None or not phc.startswith(self._parameters.phc_prefix())

    def dummy(self, password: str) -> bool:
        """One hash for nobody, with the same parameters; always False."""
        self._verified(self._nobody, password)
        return False

    def _verified(self, phc: str, password: str) -> bool:
        # The very same call whether there is somebody or not: deriving instead of verifying is 2 % quicker, which shows.
        try:
            self._pool.run(lambda: Argon2id.verify_phc_encoded(_octets(password), phc))
        except InvalidKey:
            return False
        return True

    def _argon2(self, salt: bytes) -> Argon2id:
        parameters = self._parameters
        return Argon2id(
            salt=salt,
            length=_LENGTH,
            iterations=parameters.passes,
            lanes=parameters.lanes,
            memory_cost=parameters.memory,
        )

    def _opened(self, account_id: str, encrypted: str) -> str | None:
        if not encrypted.startswith(_PREFIX):
            return None
        try:
            raw = base64.b64decode(encrypted.removeprefix(_PREFIX), validate=True)
            return self._pepper.decrypt(raw[:_NONCE], raw[_NONCE:], _AAD + account_id.encode()).decode()
        except (ValueError, InvalidTag):
            return None


def _octets(password: str) -> bytes:
    """NFC, so that one password typed on two keyboards is one password (PWD-01); lone surrogates cannot be typed."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def _phc_base64(raw: bytes) -> str:
    return base64.b64encode(raw).rstrip(b"=").decode("ascii")
