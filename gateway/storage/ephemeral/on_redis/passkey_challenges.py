"""Challenges for passkeys: issued, and taken once (FID-04)."""

from gateway.signin.passkey.challenge import PasskeyChallenge
from gateway.storage.ephemeral.on_redis.link import RedisLink
from gateway.storage.ephemeral.on_redis.scripts import key


class RedisPasskeyChallenges:
    def __init__(self, link: RedisLink) -> None:
        self._link = link

    def issue(self, challenge: PasskeyChallenge, now: float) -> None:
        self._link.run(
            "passkey_challenge_issue", [_key(challenge.digest)], now, challenge.bound_to, challenge.expires_at
        )

    def take(self, digest: str, now: float) -> PasskeyChallenge | None:
        found = self._link.run("passkey_challenge_take", [_key(digest)], now)
        return PasskeyChallenge(digest, _text(found[0]), float(found[1])) if found else None


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _key(digest: str) -> str:
    return key(int(digest[0], 16), "passkey-challenge", digest)
