"""What a journal line may say (LOG-02, LOG-03).

An event has a name from the closed list below (names are only ever added) and details from an allow-list of keys; an
unknown name or detail is refused when the event is built, so nothing unplanned can reach the journal. Actor and target
are internal identifiers, never a name, an RPPS or an address.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Outcome(StrEnum):
    SUCCESS = "success"
    REFUSED = "refused"
    FAILED = "failed"


EVENT_NAMES = frozenset(
    {
        "signin.password", "signin.code_sent", "signin.code", "signin.delayed", "signin.device_trusted",
        "signin.device", "signin.refused", "signin.completed", "session.started", "session.ended", "session.expired",
        "device.revoked", "device.renamed", "application.withdrawn",
        "contact.asked", "contact.changed", "contact.undone", "contact.removed", "contact.channel_chosen",
        "signin.totp", "signin.recovery_code", "authenticator.enrolling", "authenticator.added", "authenticator.renamed",
        "authenticator.removed", "authenticator.disabled", "recovery_codes.made", "recovery_codes.revoked",
        "signin.passkey", "authenticator.flagged",
        "account.created", "account.activated", "account.archived", "account.blocked", "account.unblocked",
        "account.password_set",
        "password.disabled", "password.demanded", "password.refused", "signin.spray",
        "link.requested", "link.sent", "link.used", "message.sent", "message.failed", "message.reported",
        "authorization.granted", "authorization.refused", "token.issued", "token.refused", "token.code_replayed",
        "client.refused", "logout.requested", "logout.sent", "logout.failed", "userinfo.read", "userinfo.refused",
        "habilitation.granted", "habilitation.ended", "directory.imported", "role.unmapped",
        "key.staged", "key.activated", "key.retired", "client_secret.added", "client_secret.removed",
        "client.registered", "gateway.initialised", "admin.command",
        "signin.identity", "identity.linked", "identity.link_refused", "identity.unlinked", "identity.frozen",
        "signin.card", "revocation_list.kept",
        "signin.psc", "token.refresh_reused", "token.revoked", "token.introspected",
        "authorization.pushed", "authorization.push_refused", "consent.given",
        "account.phone_shared", "sms.budget", "sms.stopped", "sms.reopened", "sms.key_rotated",
        "session.shared", "signin.unattended", "token.revocation_refused", "token.introspection_refused",
        "habilitations.read", "habilitations.refused",
        "sheet.printed", "sheet.used", "sheet.refused", "account.unclaimed", "colleague.refused",
        "recovery.opened", "recovery.approved", "recovery.refused", "recovery.stopped", "recovery.finished",
    }
)  # fmt: skip

DETAIL_KEYS = frozenset(
    {
        "attempts", "attempts_left", "channel", "contact_masked", "count", "delay_seconds", "grant_id", "jti", "kid",
        "algorithm", "operator", "host", "command", "plan", "purpose", "scope", "slot", "means", "role", "source",
        "structures", "added", "ended", "unknown", "error", "upstream", "device", "acr_requested", "prompt", "token_kind",
        "authenticator", "proof", "score", "names", "identity_link", "certificate_issuer", "certificate_serial", "crl_number",
        "post", "place", "audience", "provider_id", "sim", "scope_stopped", "percent",
        "recovery",
    }
)  # fmt: skip


class UnplannedEventError(ValueError):
    """An event name or a detail key outside the closed lists."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line. `at` is in seconds since the epoch; `session` is a reference (hash), never the cookie."""

    name: str
    outcome: Outcome
    at: float
    reason: str | None = None
    actor: str | None = None
    target: str | None = None
    structure: str | None = None
    client: str | None = None
    method: str | None = None
    acr: str | None = None
    session: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    """A short hash of the User-Agent header."""
    request: str | None = None
    details: Mapping[str, str | int] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        if self.name not in EVENT_NAMES:
            raise UnplannedEventError(self.name)
        if not DETAIL_KEYS.issuperset(self.details):
            raise UnplannedEventError(f"{self.name}: {sorted(set(self.details) - DETAIL_KEYS)}")
