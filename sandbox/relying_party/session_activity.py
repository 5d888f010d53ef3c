"""The person is here: what the browser says is said on to the gateway, with the application's own token (session activity).

The browser holds no token: it asks this server, whose refresh token brings a fresh access token when the last one is over. What
the gateway answers goes back as it is; a session that has ended there is over here too.
"""

import base64
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

from sandbox.relying_party.configuration import ClientConfiguration
from sandbox.relying_party.failures import ProviderUnreachable
from sandbox.relying_party.provider import Provider, fetch_json

SCRIPT = "/session-watch-1.js"
INTEGRITY = "sha384-PAjOATjIjknwvQ2+xmGAFofodX/41LnF5cd2SqhQmMPNZr4GbFwNb4aMMKX7GaAt"
"""Of the gateway's script: another script under its name does not run here."""
_EARLY = timedelta(seconds=20)


@dataclass
class Tokens:
    """Of one signed-in browser. `refresh_token` None: the gateway gave none, and use can be told for minutes only."""

    access_token: str = field(repr=False)
    ends_at: datetime
    refresh_token: str | None = field(repr=False)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)


def tokens_of(answer: dict[str, Any], now: datetime) -> Tokens:
    """From a token response (RFC 6749 §5.1)."""
    lives = answer.get("expires_in")
    refresh = answer.get("refresh_token")
    return Tokens(
        access_token=str(answer["access_token"]),
        ends_at=now + timedelta(seconds=lives if isinstance(lives, int) else 0),
        refresh_token=refresh if isinstance(refresh, str) else None,
    )


def tell(
    method: str, tokens: Tokens, *, client: ClientConfiguration, provider: Provider, now: datetime
) -> tuple[int, dict[str, Any]]:
    """POST: she works; GET: what is left. Status and answer of the gateway; 401: the session is over. Raises SignInFailed."""
    with tokens.lock:
        if now >= tokens.ends_at - _EARLY and not _refresh(tokens, client, provider, now):
            return 401, {}
        access_token = tokens.access_token
    status, answer = fetch_json(
        method,
        f"{provider.issuer.rstrip('/')}/v1/session/activity",
        headers={"Authorization": f"Bearer {access_token}"},
    )
    if status not in {200, 401}:
        raise ProviderUnreachable("provider_unreachable", f"activité de session : HTTP {status}")
    return status, answer


def _refresh(tokens: Tokens, client: ClientConfiguration, provider: Provider, now: datetime) -> bool:
    """False when the gateway gives no more tokens."""
    if tokens.refresh_token is None:
        return False
    credentials = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret())}".encode()
    status, answer = fetch_json(
        "POST",
        provider.metadata().token_endpoint,
        headers={"Authorization": f"Basic {base64.b64encode(credentials).decode('ascii')}"},
        form={"grant_type": "refresh_token", "refresh_token": tokens.refresh_token},
    )
    if status >= 500:
        raise ProviderUnreachable("provider_unreachable", f"renouvellement : HTTP {status}")
    if status != 200 or not isinstance(answer.get("access_token"), str):
        return False
    fresh = tokens_of(answer, now)
    tokens.access_token, tokens.ends_at = fresh.access_token, fresh.ends_at
    tokens.refresh_token = fresh.refresh_token or tokens.refresh_token
    return True
