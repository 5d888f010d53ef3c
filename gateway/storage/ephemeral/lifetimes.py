"""How long a record is kept beyond what it says itself. Both engines judge them against the caller's clock."""

RESEND_SECONDS = 15 * 60
"""A challenge takes a new code for so long after its first one, and is found meanwhile (OTP-06)."""

CONSECUTIVE_FAILURES_SECONDS = 30 * 86_400
"""Consecutive failures outlive the window of the rule, or the cap of THR-03 could be waited out day by day."""

COLLECTION_MARGIN_SECONDS = 60
"""An engine's own expiry comes so much later than the record's: it is garbage collection and decides nothing."""


def challenge_kept_until(begun_at: float, code_expires_at: float) -> float:
    return max(begun_at + RESEND_SECONDS, code_expires_at)
