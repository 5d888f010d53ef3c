"""An authenticator made of software, for the tests: honest by default, and able to tell one lie at a time.

Written from WebAuthn Level 3 alone, without the library of the gateway; CBOR is encoded here, for what is needed.
"""

import base64
import hashlib
import json
import os
import struct
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

UP, UV, BE, BS, AT, ED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80
ES256, EDDSA, ES384, RS256 = -7, -8, -35, -257
Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def octets(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def cbor(value: Any) -> bytes:
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    if isinstance(value, Mapping):
        return _head(5, len(value)) + b"".join(cbor(key) + cbor(item) for key, item in value.items())
    raise TypeError(type(value))


def _head(kind: int, argument: int) -> bytes:
    if argument < 24:
        return bytes([kind << 5 | argument])
    if argument < 256:
        return bytes([kind << 5 | 24, argument])
    return bytes([kind << 5 | 25]) + struct.pack(">H", argument)


@dataclass
class Credential:
    key: Key
    algorithm: int
    id: bytes
    user_handle: bytes
    count: int

    def cose(self) -> dict[int, Any]:
        public = self.key.public_key()
        if isinstance(public, ed25519.Ed25519PublicKey):
            return {1: 1, 3: self.algorithm, -1: 6, -2: public.public_bytes_raw()}
        if isinstance(public, rsa.RSAPublicKey):
            numbers = public.public_numbers()
            size = (numbers.n.bit_length() + 7) // 8
            return {1: 3, 3: self.algorithm, -1: numbers.n.to_bytes(size, "big"), -2: numbers.e.to_bytes(3, "big")}
        point, size = public.public_numbers(), (public.curve.key_size + 7) // 8
        curve = {256: 1, 384: 2}[public.curve.key_size]
        return {
            1: 2, 3: self.algorithm, -1: curve, -2: point.x.to_bytes(size, "big"), -3: point.y.to_bytes(size, "big")
        }  # fmt: skip

    def sign(self, message: bytes) -> bytes:
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return self.key.sign(message)
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        return self.key.sign(message, ec.ECDSA(hashes.SHA256()))


@dataclass
class SoftAuthenticator:
    """`origin` and `rp_id` are what the browser around it believes; `counts` whether it keeps a signature counter."""

    origin: str
    rp_id: str
    flags: int = UP | UV
    counts: bool = True
    algorithm: int = ES256
    aaguid: bytes = bytes(16)
    credentials: list[Credential] = field(default_factory=list)

    def create(self, options: Mapping[str, Any], **lies: Any) -> dict[str, Any]:
        """The answer to creation options: what `navigator.credentials.create` gives, as the page sends it."""
        algorithm = lies.get("algorithm", self.algorithm)
        key = lies.get("key") or _new_key(algorithm)
        credential_id = lies.get("credential_id", os.urandom(32))
        made = Credential(key, algorithm, credential_id, octets(options["user"]["id"]), 1 if self.counts else 0)
        self.credentials.append(made)
        attested = self.aaguid + struct.pack(">H", len(made.id)) + made.id + cbor(lies.get("cose", made.cose()))
        data = self._data(lies.get("flags", self.flags) | AT, made.count, lies) + attested
        data = lies.get("data", lambda value: value)(data)
        statement = cbor({"fmt": "none", "attStmt": {}, "authData": data})
        response = {
            "clientDataJSON": base64url(self._client_data("webauthn.create", options, lies)),
            "attestationObject": base64url(lies.get("statement", lambda value: value)(statement)),
            "transports": ["internal", "hybrid", "carrier-pigeon"],
        }
        return {"id": base64url(made.id), "rawId": base64url(made.id), "type": "public-key", "response": response}

    def get(self, options: Mapping[str, Any], **lies: Any) -> dict[str, Any]:
        """The answer to request options, by the newest credential."""
        credential: Credential = lies.get("credential", self.credentials[-1])
        if self.counts:
            credential.count += 1
        data = self._data(lies.get("flags", self.flags), lies.get("count", credential.count), lies)
        client_data = self._client_data("webauthn.get", options, lies)
        signed = data + hashlib.sha256(client_data).digest()
        response = {
            "clientDataJSON": base64url(client_data),
            "authenticatorData": base64url(data),
            "signature": base64url(lies.get("signature", credential.sign(signed))),
        }
        handle = lies.get("user_handle", credential.user_handle)
        if handle is not None:
            response["userHandle"] = base64url(handle)
        shown = lies.get("shown_id", credential.id)
        return {"id": base64url(shown), "rawId": base64url(shown), "type": "public-key", "response": response}

    def _data(self, flags: int, count: int, lies: Mapping[str, Any]) -> bytes:
        rp_id: str = lies.get("rp_id", self.rp_id)
        return hashlib.sha256(rp_id.encode()).digest() + struct.pack(">BI", flags, count)

    def _client_data(self, kind: str, options: Mapping[str, Any], lies: Mapping[str, Any]) -> bytes:
        said = {
            "type": lies.get("type", kind),
            "challenge": lies.get("challenge", options["challenge"]),
            "origin": lies.get("origin", self.origin),
            "crossOrigin": lies.get("cross_origin", False),
        }
        if "top_origin" in lies:
            said["topOrigin"] = lies["top_origin"]
        return json.dumps(said, separators=(",", ":")).encode()


def _new_key(algorithm: int) -> Key:
    if algorithm == EDDSA:
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == RS256:
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP384R1() if algorithm == ES384 else ec.SECP256R1())


def handle_of(account_id: str) -> bytes:
    return uuid.UUID(account_id).bytes
