"""What a sample application knows of the gateway before the first request: an issuer, its client id, where its secret lies."""

from dataclasses import dataclass
from pathlib import Path

SCOPE = "openid profile ror"


@dataclass(frozen=True)
class ClientConfiguration:
    issuer: str
    client_id: str
    client_secret_file: Path
    own_url: str

    @property
    def redirect_uri(self) -> str:
        return f"{self.own_url}/callback"

    @property
    def post_logout_redirect_uri(self) -> str:
        return f"{self.own_url}/"

    @property
    def own_audiences(self) -> frozenset[str]:
        """Names under which this application's own API would accept an access token (RFC 9068 §4)."""
        return frozenset({self.client_id, self.own_url, f"{self.own_url}/"})

    def client_secret(self) -> str:
        """Read at each use, so that a rotated secret needs no restart. Raises OSError."""
        return self.client_secret_file.read_text(encoding="utf-8").strip()
