"""Pushed authorization requests: left by the machine door, taken once by the people's door (OID-06)."""

from gateway.journal.effects import Effects
from gateway.oidc.ports import PushedRequest
from gateway.storage.ephemeral.addresses import Address, address_of, drawn_address
from gateway.storage.ephemeral.documents import dump_pushed, load_pushed
from gateway.storage.ephemeral.on_redis.async_link import AsyncRedisLink
from gateway.storage.ephemeral.on_redis.link import RedisLink
from gateway.storage.ephemeral.on_redis.scripts import EffectsPacker, key
from gateway.storage.ephemeral.unavailable import RecordExistsError


class RedisRequestPushes:
    def __init__(self, link: AsyncRedisLink, pack: EffectsPacker) -> None:
        self._link, self._pack = link, pack

    async def push(self, request: PushedRequest, effects: Effects) -> None:
        pushed = await self._link.run(
            "request_push",
            [_key(drawn_address(request.handle))],
            request.pushed_at,
            request.client_id,
            request.expires_at,
            dump_pushed(request),
            self._pack(effects),
        )
        if not pushed:
            raise RecordExistsError("pushed request")


class RedisPushedRequests:
    def __init__(self, link: RedisLink) -> None:
        self._link = link

    def take(self, handle: str, client_id: str, now: float) -> PushedRequest | None:
        address = address_of(handle)
        document = self._link.run("request_take", [_key(address)], now, client_id) if address else None
        return load_pushed(document, handle) if document else None


def _key(address: Address) -> str:
    return key(address.partition, "pushed-request", address.digest)
