"""The one registered client, as declared to the service, and its authentication at the back channel (dossier S6).

HTTP Basic or a secret in the form, as its registration allows; refuses both in one request (RFC 6749 §2.3). The
certificate method is not played: the sandbox speaks plain http on loopback.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote_plus

from sandbox.psc.refusals import OAuthError


@dataclass
class RegisteredClient:
    """`redirect_uris` and `post_logout_redirect_uris` may be added to while it runs: ports are known late."""

    client_id: str
    secret_file: Path
    name: str
    auth_methods: tuple[str, ...]
    redirect_uris: set[str] = field(default_factory=set)
    post_logout_redirect_uris: set[str] = field(default_factory=set)
    backchannel_logout_uri: str | None = None

    def secret(self) -> str:
        return self.secret_file.read_text(encoding="utf-8").strip()

    def authenticate(self, authorization: str | None, form: Mapping[str, str]) -> None:
        """Raises OAuthError: 401 when it is not this client, 400 when it authenticates twice."""
        scheme, _, encoded = (authorization or "").partition(" ")
        by_basic, by_post = scheme.lower() == "basic", "client_secret" in form
        if by_basic and by_post:
            raise OAuthError("invalid_request", "two client authentication methods in one request")
        method = "client_secret_basic" if by_basic else "client_secret_post" if by_post else "none"
        if method not in self.auth_methods:
            raise OAuthError("unauthorized_client", "Invalid client or Invalid client credentials", status=401)
        given_id, given_secret = _basic(encoded) if by_basic else (form.get("client_id", ""), form["client_secret"])
        if given_id != self.client_id or (by_basic and form.get("client_id", given_id) != given_id):
            raise OAuthError("invalid_client", "Invalid client or Invalid client credentials", status=401)
        if not hmac.compare_digest(given_secret.encode(), self.secret().encode()):
            raise OAuthError("unauthorized_client", "Invalid client or Invalid client credentials", status=401)


def _basic(encoded: str) -> tuple[str, str]:
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote_plus(name), unquote_plus(secret)
