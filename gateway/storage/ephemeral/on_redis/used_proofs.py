"""Proofs that serve once: an assertion's or a DPoP proof's `jti` (RFC 7523 §3, RFC 9449 §11.1)."""

from gateway.oidc.ports import ProofKind
from gateway.storage.ephemeral.on_redis.async_link import AsyncRedisLink
from gateway.storage.ephemeral.on_redis.scripts import key
from gateway.storage.ephemeral.proof_name import proof_name


class RedisUsedProofs:
    def __init__(self, link: AsyncRedisLink) -> None:
        self._link = link

    async def use_once(self, kind: ProofKind, holder: str, jti: str, until: float, now: float) -> bool:
        name = proof_name(kind, holder, jti)
        where = key(int(name[0], 16), "used-proof", name)
        return bool(await self._link.run("proof_use_once", [where], now, until))
