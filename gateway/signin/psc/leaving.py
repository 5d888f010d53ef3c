"""Signing out of Pro Santé Connect too (PSC-07, PSC-R23). Our own session is dead already: nothing that fails here keeps it.

The browser remembers, in a cookie that we signed, our `state` and where it goes afterwards; an application's address was
checked against its registration before it came here.
"""

import base64
import binascii
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from gateway.randomness import Randomness, base64url, opaque
from gateway.signin.linking.pending import IdentitySeal
from gateway.signin.psc.environment import PscEnvironment
from gateway.signin.psc.logout import end_session_address, is_our_return
from gateway.signin.session import Session


@dataclass(frozen=True, slots=True)
class Departure:
    """Where to send the browser, and what its cookie keeps until it is back."""

    address: str
    memory: str


@dataclass(frozen=True, slots=True)
class PscLeaving:
    """`mac` is HMAC-SHA-256 under the form key; `return_address` one of the addresses declared to Pro Santé Connect."""

    environment: PscEnvironment
    seal: IdentitySeal
    mac: Callable[[bytes], bytes]
    randomness: Randomness
    return_address: str

    def of(self, session: Session | None, way_back: str | None) -> Departure | None:
        """None when the session that has just ended owes nothing to Pro Santé Connect."""
        id_token = self.seal.id_token(session) if session is not None else None
        if session is None or id_token is None or (session.upstream or {}).get("issuer") != self.environment.issuer:
            return None
        state = opaque(self.randomness)
        address = end_session_address(
            self.environment, id_token=id_token, post_logout_redirect_uri=self.return_address, state=state
        )
        remembered = f"{state}.{base64url((way_back or '').encode())}"
        return Departure(address, f"{remembered}.{self._signature(remembered)}")

    def back(self, memory: str | None, unverified_state: str | None) -> str | None:
        """Where the person goes on, from the cookie; None: home. A state that is not ours changes nothing."""
        remembered, _, signature = (memory or "").rpartition(".")
        if not remembered or not hmac.compare_digest(signature.encode(), self._signature(remembered).encode()):
            return None
        state, _, way_back = remembered.partition(".")
        if not is_our_return(unverified_state, expected_state=state):
            return None
        try:
            return base64.urlsafe_b64decode(way_back + "=" * (-len(way_back) % 4)).decode() or None
        except (binascii.Error, ValueError):
            return None

    def _signature(self, remembered: str) -> str:
        return base64url(self.mac(b"psc logout\0" + remembered.encode()))
