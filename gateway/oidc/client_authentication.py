"""Who asks for tokens (RFC 6749 §2.3; OID-05): exactly one method, and only the one in the client's file.

Secrets are 256 random bits kept as SHA-256 in at most two slots, so that a new one and the old one both work during a
rotation. Every live slot is compared, in constant time; an unknown client costs the same and is told the same.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_plus

from gateway.applications.client import Client, ClientAuthenticationMethod
from gateway.applications.ports import Clients, ClientSecrets, SecretSlot
from gateway.clock import Clock
from gateway.oidc.ports import RunBlocking
from gateway.oidc.problems import InvalidClient, TokenProblem

_NOBODY = SecretSlot("", 0, hashlib.sha256(b"").digest(), 0.0, 0.0)
_LIMIT = 1024


@dataclass(frozen=True, slots=True)
class _Presented:
    client_id: str
    secret: str | None
    method: ClientAuthenticationMethod


class SecretSlots:
    """The slots of registered clients, read again at most every few seconds."""

    def __init__(
        self,
        secrets: ClientSecrets,
        *,
        clock: Clock,
        run_blocking: RunBlocking,
        refresh_seconds: float = 5.0,
    ) -> None:
        self._secrets = secrets
        self._clock = clock
        self._run_blocking = run_blocking
        self._refresh_seconds = refresh_seconds
        self._known: dict[str, tuple[float, Sequence[SecretSlot]]] = {}

    async def of(self, client: Client) -> Sequence[SecretSlot]:
        now = self._clock.now()
        known = self._known.get(client.client_id)
        if known is None or abs(now - known[0]) >= self._refresh_seconds:
            known = now, await self._run_blocking(lambda: self._secrets.of(client.client_id))
            self._known[client.client_id] = known
        return known[1]


class ClientAuthentication:
    def __init__(self, clients: Clients, slots: SecretSlots, clock: Clock) -> None:
        self._clients = clients
        self._slots = slots
        self._clock = clock

    async def authenticate(self, authorization: str | None, parameters: Mapping[str, str]) -> Client:
        """The authenticated client. `authorization` is the header's value. Raises InvalidClient, or TokenProblem
        `invalid_request` when several methods are used at once."""
        presented = _read(authorization, parameters)
        basic = authorization is not None
        client = self._clients.find(presented.client_id)
        if client is None:
            _matches(presented.secret, [_NOBODY], self._clock.now())
            raise InvalidClient("unknown client", basic=basic)
        if presented.method is not client.authentication_method:
            raise InvalidClient("not the client's own method", basic=basic, client_id=client.client_id)
        if presented.secret is None:
            return client
        if not _matches(presented.secret, await self._slots.of(client), self._clock.now()):
            raise InvalidClient("wrong secret", basic=basic, client_id=client.client_id)
        return client


def _read(authorization: str | None, parameters: Mapping[str, str]) -> _Presented:
    client_id, secret = parameters.get("client_id"), parameters.get("client_secret")
    if "client_assertion" in parameters or "client_assertion_type" in parameters:
        raise InvalidClient("client assertions are not supported", basic=authorization is not None)
    if authorization is not None:
        if secret is not None:
            raise TokenProblem("invalid_request", "More than one client authentication method was used.")
        named, secret = _basic(authorization)
        if client_id not in {None, named}:
            raise TokenProblem("invalid_request", "client_id is not the authenticated client.")
        return _Presented(named, secret, ClientAuthenticationMethod.CLIENT_SECRET_BASIC)
    if client_id is None:
        raise InvalidClient("no client_id")
    method = ClientAuthenticationMethod.NONE if secret is None else ClientAuthenticationMethod.CLIENT_SECRET_POST
    return _Presented(client_id, secret, method)


def _basic(authorization: str) -> tuple[str, str]:
    """RFC 6749 §2.3.1: identifier and secret are form-encoded before they are joined."""
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic" or len(credentials) > _LIMIT:
        raise InvalidClient("not HTTP Basic", basic=True)
    try:
        decoded = base64.b64decode(credentials.strip(), validate=True).decode("utf-8")
        encoded_id, colon, encoded_secret = decoded.partition(":")
        client_id = unquote_plus(encoded_id, errors="strict")
        secret = unquote_plus(encoded_secret, errors="strict")
    except (binascii.Error, ValueError) as error:
        raise InvalidClient("malformed HTTP Basic", basic=True) from error
    if not (colon and client_id and secret):
        raise InvalidClient("incomplete HTTP Basic", basic=True)
    return client_id, secret


def _matches(secret: str | None, slots: Sequence[SecretSlot], now: float) -> bool:
    """Compares with every slot, without stopping at the first that fits."""
    presented = hashlib.sha256((secret or "").encode()).digest()
    found = False
    for slot in slots:
        alive = slot.expires_at is None or slot.expires_at > now
        found = (hmac.compare_digest(presented, slot.digest) and alive) or found
    return found
