"""The one token endpoint that every door serves: client_credentials of RFC 6749 §4.4, token of RFC 9068.

Plain values in, plain values out, cut in two around the store so that sync and async doors share every line but
the trip: `prepare` checks the client and signs, the door stores the record, `success` gives the answer.
It refuses with the errors of RFC 6749 §5.2.
"""

import base64
import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jwt
from joserfc.jwk import ECKey

CLIENT_ID = "orientation"
CLIENT_SECRET = "bench-only-0123456789abcdefghijklmnopqrstuv"
FORM = f"grant_type=client_credentials&client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}&scope=structures.read"
ISSUER = "http://localhost:8080"
LIFETIME = 600

JSON_HEADERS = [("Content-Type", "application/json"), ("Cache-Control", "no-store"), ("Pragma", "no-cache")]

_secret_digest = hashlib.sha256(CLIENT_SECRET.encode()).digest()
_algorithm = ec.ECDSA(hashes.SHA256())


@dataclass(frozen=True)
class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not a fault
    status: int
    error: str


@dataclass(frozen=True)
class Issued:
    """A signed token and what the store must remember of it, in one step with its journal line."""

    access_token: str
    key: str
    record: bytes
    journal_line: bytes


def _base64url(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def packed_signer(pem: bytes) -> Callable[[dict[str, Any]], str]:
    """ES256 with a frozen header, straight over `cryptography` (RFC 7515 §3.1, RFC 7518 §3.4)."""
    key = load_pem_private_key(pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    header = _base64url(b'{"alg":"ES256","kid":"bench","typ":"at+jwt"}') + b"."

    def sign(claims: dict[str, Any]) -> str:
        signing_input = header + _base64url(orjson.dumps(claims))
        r, s = decode_dss_signature(key.sign(signing_input, _algorithm))
        return (signing_input + b"." + _base64url(r.to_bytes(32) + s.to_bytes(32))).decode()

    return sign


def joserfc_signer(pem: bytes) -> Callable[[dict[str, Any]], str]:
    key = ECKey.import_key(pem)
    header = {"alg": "ES256", "kid": "bench", "typ": "at+jwt"}
    return lambda claims: jwt.encode(header, claims, key)


SIGNERS = {"joserfc": joserfc_signer, "packed": packed_signer}


def signer_from_environment() -> Callable[[dict[str, Any]], str]:
    return SIGNERS[os.environ["DOOR_SIGNING"]](Path(os.environ["DOOR_KEY"]).read_bytes())


def parse_form(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode("utf-8", "strict"), max_num_fields=20))


def prepare(form: dict[str, str], sign: Callable[[dict[str, Any]], str]) -> Issued:
    presented = hashlib.sha256(form.get("client_secret", "").encode()).digest()
    known = hmac.compare_digest(presented, _secret_digest)
    if not known or form.get("client_id") != CLIENT_ID:
        raise Refusal(401, "invalid_client")
    if form.get("grant_type") != "client_credentials":
        raise Refusal(400, "unsupported_grant_type")
    now, jti = int(time.time()), secrets.token_urlsafe(16)
    claims = {
        "iss": ISSUER,
        "sub": CLIENT_ID,
        "aud": "https://api.example.test",
        "client_id": CLIENT_ID,
        "scope": form.get("scope", ""),
        "iat": now,
        "exp": now + LIFETIME,
        "jti": jti,
        # The weight of a product token: the roles of one structure make it about 560 bytes of claims.
        "entitlements": [
            {"structure": "990000002", "application": "orientation", "roles": ["IAM - BENCH - ROLE"] * 12}
        ],
    }
    record = orjson.dumps({"kind": "access_token", "client_id": CLIENT_ID, "expires_at": now + LIFETIME})
    line = orjson.dumps({"event": "token.issued", "at": now, "client_id": CLIENT_ID, "jti": jti})
    return Issued(sign(claims), f"at:{jti}", record, line)


def success(issued: Issued, scope: str) -> bytes:
    answer = {"access_token": issued.access_token, "token_type": "Bearer", "expires_in": LIFETIME, "scope": scope}
    return orjson.dumps(answer)


def failure(refusal: Refusal) -> bytes:
    return orjson.dumps({"error": refusal.error})
