"""What the card signs: the origin, the nonce and the purpose, each as a digest, under a label of its own (§3.6, BRG-06).

Fixed lengths leave no doubt about where one ends. The gateway rebuilds it from its own origin and what it stored; the vectors
in `tests/vectors/cps_bridge_auth_v1.json` are those of the bridge.
"""

import hashlib

LABEL = b"CPS-BRIDGE-AUTH-V1"
PROTOCOL = "cps-bridge:1"
ALGORITHM = "RS256"


def signed_value(*, origin: str, nonce_digest: bytes, purpose: str) -> bytes:
    """115 bytes. `nonce_digest` is SHA-256 of the nonce as it was written."""
    digests = (hashlib.sha256(origin.encode()).digest(), nonce_digest, hashlib.sha256(purpose.encode()).digest())
    return LABEL + b"\0" + b"".join(digests)


def nonce_digest(nonce: str) -> bytes:
    return hashlib.sha256(nonce.encode()).digest()
