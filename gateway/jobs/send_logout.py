"""Tells an application that a session it took part in has ended (OpenID Connect Back-Channel Logout 1.0 §2.5; SES-07).

Each try signs a new token with a new `jti`: an application that took the first one, whose answer was lost, would refuse a
copy. An application that is gone, or that declares no address, is not called. One that let us wait in vain is left alone for
a moment, so that its silence does not hold up everybody's mail; the outbox calls it again later.
"""

from collections.abc import Mapping

from gateway.applications.ports import Clients
from gateway.clock import Clock
from gateway.jobs.outgoing import Handler, Sent
from gateway.jobs.ports import LogoutCaller
from gateway.keys.key_ring import NoActiveKeyError
from gateway.keys.signer import Signer
from gateway.keys.signing_key import Algorithm
from gateway.oidc.logout_token import LOGOUT_TOKEN_TYP, logout_claims
from gateway.oidc.subjects import Subjects
from gateway.randomness import Randomness, identifier
from gateway.signin.ended_session import LOGOUT_CALL

SLOW_SECONDS = 1.0
LEFT_ALONE_SECONDS = 10.0


class ApplicationLeftAloneError(OSError):
    """It let us wait in vain a moment ago; not called this time."""


class SendLogout:
    """`ttl_seconds` is the life of a logout token."""

    def __init__(
        self,
        *,
        clients: Clients,
        signer: Signer,
        subjects: Subjects,
        caller: LogoutCaller,
        issuer: str,
        ttl_seconds: int,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._clients, self._signer, self._subjects, self._caller = clients, signer, subjects, caller
        self._issuer, self._ttl_seconds = issuer, ttl_seconds
        self._clock, self._randomness = clock, randomness
        self._left_alone_until: dict[str, float] = {}

    def handlers(self) -> Mapping[str, Handler]:
        return {LOGOUT_CALL: self.call}

    def call(self, payload: Mapping[str, str | int], now: float, message_id: str) -> Sent:
        client = self._clients.find(str(payload["client"]))
        if client is None or client.backchannel_logout_uri is None:
            return Sent.POINTLESS
        if now < self._left_alone_until.get(client.client_id, now):
            raise ApplicationLeftAloneError(client.client_id)
        self._signer.keep_fresh()
        claims = logout_claims(
            issuer=self._issuer,
            client_id=client.client_id,
            sub=self._subjects.sub(str(payload["account"]), client.sector),
            sid=self._subjects.sid(str(payload["sid"]), client.sector),
            jti=identifier(self._randomness),
            now=now,
            ttl_seconds=self._ttl_seconds,
        )
        began = self._clock.now()
        try:
            token = self._signer.sign(claims, typ=LOGOUT_TOKEN_TYP, algorithm=Algorithm(client.id_token_algorithm))
            self._caller.call(client.backchannel_logout_uri, token)
        except NoActiveKeyError as error:
            raise OSError("no key signs with the application's algorithm") from error
        except OSError:
            if (failed := self._clock.now()) - began >= SLOW_SECONDS:
                self._left_alone_until[client.client_id] = failed + LEFT_ALONE_SECONDS
            raise
        return Sent.SENT
