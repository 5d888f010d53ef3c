"""Proof Key for Code Exchange, S256 alone (RFC 7636; OID-03).

`plain` is refused by name and by absence: a challenge without a method would mean plain (§4.3). A verifier without a
challenge is refused too, or else removing the challenge from the request would switch the protection off.
"""

import hashlib
import hmac
import re

from gateway.randomness import base64url

METHOD = "S256"
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")


def is_challenge(challenge: str) -> bool:
    """Whether it can be the SHA-256 of something, in base64url."""
    return _CHALLENGE.fullmatch(challenge) is not None


def proves(verifier: str | None, challenge: str | None) -> bool:
    """Whether the token request proves what the authorization request announced."""
    if verifier is None or challenge is None:
        return verifier is None and challenge is None
    if _VERIFIER.fullmatch(verifier) is None:
        return False
    computed = base64url(hashlib.sha256(verifier.encode("ascii")).digest())
    return hmac.compare_digest(computed, challenge)
