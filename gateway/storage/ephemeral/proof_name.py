"""Under which name a used proof is remembered: of its kind and its holder, so that no two proofs share one."""

import hashlib

from gateway.oidc.ports import ProofKind


def proof_name(kind: ProofKind, holder: str, jti: str) -> str:
    """SHA-256 in hexadecimal of the parts, each behind its length."""
    parts = (part.encode("utf-8", "surrogatepass") for part in (kind, holder, jti))
    return hashlib.sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).hexdigest()
