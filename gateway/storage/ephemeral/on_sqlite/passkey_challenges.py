"""Challenges for passkeys: issued, and taken once (FID-04)."""

from gateway.signin.passkey.challenge import PasskeyChallenge
from gateway.storage.ephemeral.on_sqlite.database import Database


class SqlitePasskeyChallenges:
    def __init__(self, database: Database) -> None:
        self._database = database

    def issue(self, challenge: PasskeyChallenge, now: float) -> None:
        del now
        with self._database.step() as step:
            step.run(
                "INSERT INTO passkey_challenges (digest, bound_to, expires_at) VALUES (?, ?, ?)",
                challenge.digest,
                challenge.bound_to,
                challenge.expires_at,
            )

    def take(self, digest: str, now: float) -> PasskeyChallenge | None:
        with self._database.step() as step:
            row = step.row("DELETE FROM passkey_challenges WHERE digest = ? RETURNING bound_to, expires_at", digest)
        return PasskeyChallenge(digest, row[0], row[1]) if row and now < row[1] else None
