"""A session of the gateway: server-side, found by the hash of its cookie, bounded in idle and in absolute time
(SES-01…SES-03)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.signin.evidence import Evidence
from gateway.signin.shared_post.post import SharedBy


@dataclass(frozen=True, slots=True)
class Session:
    """`handle` is the cookie's value; stores keep its hash only and give it back from the caller. `sid` is the public
    session identifier of tokens. Instants are seconds since the epoch; `idle_seconds` is the limit in force."""

    handle: str
    sid: str
    account_id: str
    started_at: float
    auth_time: float
    last_used_at: float
    absolute_end: float
    idle_seconds: int
    evidence: tuple[Evidence, ...]
    clients: tuple[str, ...] = ()
    active_structure: str | None = None
    version: int = 1
    upstream: Mapping[str, Any] | None = None
    """What Pro Santé Connect or the card said of the sign-in: `kind`, `issuer`, `certificate` (its serial), `acr`, `amr`,
    `expires_at`, and `id_token`, sealed (gateway/signin/linking/pending.py), for the logout there."""
    agreed: tuple[str, ...] = ()
    """What the person agreed that applications learn, as long as this session lasts (gateway/signin/consent.py)."""
    received: tuple[str, ...] = ()
    """What applications were given in it: `<client_id> <scope>` each, as `agreed`."""
    device: str = ""
    """By which words its holder recognises the browser, the same in every language; "" when nothing is known."""
    place: str | None = None
    """The declared network where it was opened; never anything finer (DECISIONS 23)."""
    signin_before: tuple[float, str] | None = None
    """The sign-in before this session's own: when, and at which level (SES-13)."""
    shared: SharedBy | None = None
    """How its post is known to be shared: it then serves nobody silently (gateway/signin/shared_post/same_person.py)."""

    def expires_at(self) -> float:
        """The instant from which it is no longer accepted, unless it is used before."""
        return min(self.last_used_at + self.idle_seconds, self.absolute_end)
