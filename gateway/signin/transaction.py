"""A login transaction: what one browser tab is in the middle of. The journey's only memory.

It is opened for a demand (an application, or the gateway's own pages) and bound to one browser by a pre-session cookie;
its address in the URL is worth nothing in another browser.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from gateway.signin.evidence import Evidence
from gateway.signin.shared_post.post import SharedBy


@dataclass(frozen=True, slots=True)
class Demand:
    """What the authorization request demands of the journey. `acr_values` in order of preference; `fresh_since`: proofs
    older than this instant do not count (prompt=login, max_age)."""

    client_id: str | None = None
    min_acr: str | None = None
    acr_values: tuple[str, ...] = ()
    acr_essential: bool = False
    fresh_since: float | None = None
    login_hint: str | None = None
    ui_locale: str | None = None
    structure: str | None = None
    otp_interval_seconds: int | None = None
    consent: tuple[str, ...] = ()
    """The scopes of what the application learns, when the person must agree to it; empty: nobody is asked."""
    best_factor: bool = False
    """Beside the password, the best factor that is enrolled, as for linking; a recovery code stands in for a lost one. No
    trusted device does (FID-10, PWD-09)."""
    consent_again: bool = False
    """What the person agreed to earlier in the session does not count."""

    def on_shared_post(self) -> "Demand":
        """The same, where no device is trusted: a code is asked (DECISIONS 2)."""
        return replace(self, otp_interval_seconds=0)


@dataclass(frozen=True, slots=True)
class SigninTransaction:
    """`handle` names it in URLs (stores keep its hash); `browser` is the hash of the pre-session cookie; `continuation` is
    what the room that opened it needs to go on (the authorization request, for `oidc`), opaque to the journey."""

    handle: str
    browser: str
    demand: Demand
    continuation: Mapping[str, Any]
    opened_at: float
    expires_at: float
    account_id: str | None = None
    evidence: tuple[Evidence, ...] = ()
    code_challenge_id: str | None = None
    """The one-time-code challenge under way."""
    code_channel: str | None = None
    """The channel of that challenge."""
    device_challenge: str | None = None
    device_skipped: bool = False
    trust_offered: bool = False
    chosen_structure: str | None = None
    session_digest: str | None = None
    """Digest of the handle of the session that this transaction ended in, once it is complete."""
    refusal: str | None = None
    """Why the journey cannot give what was demanded, as an OAuth error code (`access_denied`,
    `unmet_authentication_requirements`)."""
    version: int = 1
    extra: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    agreed_by: str | None = None
    """The account that agreed to the demand's `consent`."""
    factor: str | None = None
    """The second factor that the person chose over the best one (OTP-14)."""
    tries: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """How often each second factor was tried; never forgotten while the transaction lives."""
    shared: SharedBy | None = None
    """How its post is known to be shared; once said, never taken back."""
