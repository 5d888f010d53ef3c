"""The realm's keys, made at start: one RSA key that signs, one for encryption beside it, as Keycloak publishes them.

A rotation signs with the new key at once while the old one is still published; then the old one goes (dossier S12,
S13). Every `kid` has the 43 characters of Keycloak's and begins with a mark: no key of the sandbox passes for a real one.
"""

import base64
import hashlib
import secrets
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

KID_MARK = "SANDBOX-"
_SUBJECT = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bac a sable, esante-wallet")])


@dataclass(frozen=True)
class RealmKey:
    private: RSAPrivateKey
    kid: str
    use: str
    algorithm: str
    certificate: x509.Certificate

    @classmethod
    def make(cls, use: str = "sig", algorithm: str = "RS256") -> "RealmKey":
        private = generate_private_key(public_exponent=65537, key_size=2048)
        kid = (KID_MARK + secrets.token_urlsafe(32))[:43]
        return cls(private, kid, use, algorithm, _self_signed(private))

    def as_jwk(self, *, under: "RealmKey | None" = None) -> dict[str, Any]:
        """The public half; `under` gives it the name of another key, for the lies."""
        named = under or self
        public = jwt.get_algorithm_by_name("RS256").to_jwk(self.private.public_key(), as_dict=True)
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        return {
            "kid": named.kid,
            "kty": "RSA",
            "alg": named.algorithm,
            "use": named.use,
            "n": public["n"],
            "e": public["e"],
            "x5c": [base64.b64encode(der).decode("ascii")],
            "x5t": base64url(hashlib.sha1(der, usedforsecurity=False).digest()),
            "x5t#S256": base64url(hashlib.sha256(der).digest()),
        }

    def public_pem(self) -> bytes:
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )


@dataclass
class RealmKeys:
    signing: RealmKey = field(default_factory=RealmKey.make)
    encryption: RealmKey = field(default_factory=lambda: RealmKey.make("enc", "RSA-OAEP"))
    retired: list[RealmKey] = field(default_factory=list)
    refresh_secret: bytes = field(default_factory=lambda: secrets.token_bytes(64))
    _stranger: RealmKey | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def published(self) -> list[RealmKey]:
        with self._lock:
            return [self.signing, *self.retired, self.encryption]

    def rotate(self) -> None:
        """New tokens are signed by a new key; the old one stays published."""
        made = RealmKey.make()
        with self._lock:
            self.retired.insert(0, self.signing)
            self.signing = made

    def drop_retired(self) -> None:
        with self._lock:
            self.retired.clear()

    def signer_of(self, kid: object) -> RealmKey | None:
        return next((key for key in self.published() if key.kid == kid and key.use == "sig"), None)

    @property
    def stranger(self) -> RealmKey:
        """A key that this realm never had; made when a lie first needs it."""
        with self._lock:
            self._stranger = self._stranger or RealmKey.make()
            return self._stranger


def base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def _self_signed(private: RSAPrivateKey) -> x509.Certificate:
    # The realm's certificates are far from their ends whatever the demo's clock says.
    begins = datetime(2020, 1, 1, tzinfo=UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_SUBJECT)
        .issuer_name(_SUBJECT)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=36_500))
        .sign(private, hashes.SHA256())
    )
