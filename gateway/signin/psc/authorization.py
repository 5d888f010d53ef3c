"""The question: the address of Pro Santé Connect's wallet with all it needs and nothing more (PSC-01, PSC-R2, §2.1).

Code flow, state, nonce and PKCE S256 always; `prompt=login` where nobody may be signed in silently (shared posts), `max_age`
where an application wants a recent proof.
"""

import hashlib
from urllib.parse import quote, urlencode

from gateway.randomness import base64url
from gateway.signin.psc.attempt import Attempt
from gateway.signin.psc.environment import PscEnvironment


def authorization_address(environment: PscEnvironment, *, state: str, attempt: Attempt) -> str:
    parameters = {
        "response_type": "code",
        "client_id": environment.client_id,
        "redirect_uri": environment.redirect_uri,
        "scope": " ".join(environment.scopes),
        "acr_values": environment.requested_acr,
        "state": state,
        "nonce": attempt.nonce,
        "code_challenge": base64url(hashlib.sha256(attempt.code_verifier.encode("ascii")).digest()),
        "code_challenge_method": "S256",
    }
    if attempt.reauthenticate:
        parameters["prompt"] = "login"
    if attempt.max_age_seconds is not None:
        parameters["max_age"] = str(attempt.max_age_seconds)
    separator = "&" if "?" in environment.authorization_endpoint else "?"
    return f"{environment.authorization_endpoint}{separator}{urlencode(parameters, quote_via=quote)}"
