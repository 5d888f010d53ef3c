"""Who asks for tokens (RFC 6749 §2.3; OID-05): exactly one method, and only the one in the client's file.

A secret, an assertion (client_assertion) or a certificate (client_certificate) proves it; a public client only says its name.
Secrets are 256 random bits kept as SHA-256 in at most two slots, so that a new one and the old one both work during a
rotation. Every live slot is compared, in constant time; an unknown client costs the same and is told the same.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from gateway.applications.client import BY_CERTIFICATE, Client, ClientAuthenticationMethod
from gateway.applications.ports import Clients, ClientSecrets, SecretSlot
from gateway.clock import Clock
from gateway.oidc.client_assertion import TYPE, AssertionRefused, ClientAssertions, named_client
from gateway.oidc.client_certificate import CertificateRefused, ClientCertificates
from gateway.oidc.ports import RunBlocking
from gateway.oidc.problems import InvalidClient, TokenProblem
from gateway.oidc.sender_proofs import NO_PROOFS, SenderProofs

_NOBODY = SecretSlot("", 0, hashlib.sha256(b"").digest(), 0.0, 0.0)
_LIMIT = 1024


_BASIC = frozenset({ClientAuthenticationMethod.CLIENT_SECRET_BASIC})
_POST = frozenset({ClientAuthenticationMethod.CLIENT_SECRET_POST})
_ASSERTION = frozenset({ClientAuthenticationMethod.PRIVATE_KEY_JWT})
_NAME_ALONE = BY_CERTIFICATE | {ClientAuthenticationMethod.NONE}


@dataclass(frozen=True, slots=True)
class _Presented:
    """`methods`: those that a request of this form may be of."""

    client_id: str
    methods: frozenset[ClientAuthenticationMethod]
    secret: str | None = field(default=None, repr=False)
    assertion: str | None = field(default=None, repr=False)


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
    def __init__(
        self,
        clients: Clients,
        slots: SecretSlots,
        clock: Clock,
        *,
        assertions: ClientAssertions,
        certificates: ClientCertificates,
    ) -> None:
        self._clients = clients
        self._slots = slots
        self._clock = clock
        self._assertions = assertions
        self._certificates = certificates

    async def authenticate(
        self, authorization: str | None, parameters: Mapping[str, str], proofs: SenderProofs = NO_PROOFS
    ) -> Client:
        """The authenticated client. `authorization` is the header's value. Raises InvalidClient, or TokenProblem
        `invalid_request` when several methods are used at once."""
        presented = _read(authorization, parameters)
        basic = authorization is not None
        client = self._clients.find(presented.client_id)
        if client is not None and client.authentication_method not in presented.methods:
            raise InvalidClient("not the client's own method", basic=basic, client_id=client.client_id)
        wrong = await self._wrong(presented, client, proofs)
        if client is None:
            raise InvalidClient("unknown client", basic=basic)
        if wrong is not None:
            raise InvalidClient(wrong, basic=basic, client_id=client.client_id)
        return client

    async def _wrong(self, presented: _Presented, client: Client | None, proofs: SenderProofs) -> str | None:
        """Why this does not prove that it is the client, for the log. An unknown client costs the same."""
        now = self._clock.now()
        try:
            if presented.assertion is not None:
                await self._assertions.verify(presented.assertion, client, now)
            elif presented.secret is not None:
                slots = await self._slots.of(client) if client is not None else [_NOBODY]
                return None if _matches(presented.secret, slots, now) else "wrong secret"
            elif client is None or client.authentication_method in BY_CERTIFICATE:
                self._certificates.verify(proofs, client, now)
        except AssertionRefused as refused:
            return f"assertion: {refused}"
        except CertificateRefused as refused:
            return str(refused)
        return None


def _read(authorization: str | None, parameters: Mapping[str, str]) -> _Presented:
    client_id, secret = parameters.get("client_id"), parameters.get("client_secret")
    by_assertion = "client_assertion" in parameters or "client_assertion_type" in parameters
    if (authorization is not None) + (secret is not None) + by_assertion > 1:
        raise TokenProblem("invalid_request", "More than one client authentication method was used.")
    if authorization is not None:
        presented = _basic(authorization)
    elif by_assertion:
        presented = _assertion(parameters)
    elif client_id is None:
        raise InvalidClient("no client_id")
    else:
        return _Presented(client_id, _NAME_ALONE if secret is None else _POST, secret)
    if client_id not in {None, presented.client_id}:
        raise TokenProblem("invalid_request", "client_id is not the authenticated client.")
    return presented


def _assertion(parameters: Mapping[str, str]) -> _Presented:
    """RFC 7521 §4.2: the assertion says whom it is about."""
    if parameters.get("client_assertion_type") != TYPE:
        raise InvalidClient("client_assertion_type")
    assertion = parameters.get("client_assertion", "")
    try:
        return _Presented(named_client(assertion), _ASSERTION, assertion=assertion)
    except AssertionRefused as refused:
        raise InvalidClient(f"assertion: {refused}") from refused


def _basic(authorization: str) -> _Presented:
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
    return _Presented(client_id, _BASIC, secret)


def _matches(secret: str | None, slots: Sequence[SecretSlot], now: float) -> bool:
    """Compares with every slot, without stopping at the first that fits."""
    presented = hashlib.sha256((secret or "").encode()).digest()
    found = False
    for slot in slots:
        alive = slot.expires_at is None or slot.expires_at > now
        found = (hmac.compare_digest(presented, slot.digest) and alive) or found
    return found
