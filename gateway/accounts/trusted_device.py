"""A device a person trusts: a server-side record and the public half of a key the browser cannot give away
(DECISIONS 2). A copied cookie is worth nothing without a signature over a fresh challenge."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrustedDevice:
    """`public_key` is an uncompressed P-256 point (65 bytes). `proved_at` is when a one-time code was last given."""

    id: str
    account_id: str
    public_key: bytes
    label: str
    proved_at: float
    created_at: float
    last_used_at: float
    revoked_at: float | None = None
