"""The ephemeral store on one Redis server, reached by both doors."""

from gateway.randomness import Randomness
from gateway.storage.ephemeral.on_redis.address import RedisAddress
from gateway.storage.ephemeral.on_redis.async_link import AsyncRedisLink
from gateway.storage.ephemeral.on_redis.failed_identifiers import RedisFailedIdentifiers
from gateway.storage.ephemeral.on_redis.grants import RedisAuthorizationCodes, RedisGrants
from gateway.storage.ephemeral.on_redis.link import RedisLink
from gateway.storage.ephemeral.on_redis.one_time_codes import RedisOneTimeCodes
from gateway.storage.ephemeral.on_redis.passkey_challenges import RedisPasskeyChallenges
from gateway.storage.ephemeral.on_redis.pushed_requests import RedisPushedRequests, RedisRequestPushes
from gateway.storage.ephemeral.on_redis.scripts import EffectsPacker
from gateway.storage.ephemeral.on_redis.sessions import RedisSessions
from gateway.storage.ephemeral.on_redis.sms_meter import RedisSmsMeter
from gateway.storage.ephemeral.on_redis.spool import RedisSpool
from gateway.storage.ephemeral.on_redis.throttle import RedisThrottle
from gateway.storage.ephemeral.on_redis.transactions import RedisSigninTransactions
from gateway.storage.ephemeral.on_redis.used_proofs import RedisUsedProofs
from gateway.storage.ephemeral.store import EphemeralStore


def on_redis(address: RedisAddress, randomness: Randomness, timeout_seconds: float) -> EphemeralStore:
    link = RedisLink(address, timeout_seconds)
    async_link = AsyncRedisLink(address, timeout_seconds)
    pack = EffectsPacker(randomness)

    def health() -> None:
        link.read("PING")

    return EphemeralStore(
        transactions=RedisSigninTransactions(link, pack),
        sessions=RedisSessions(link, pack),
        one_time_codes=RedisOneTimeCodes(link, pack),
        passkey_challenges=RedisPasskeyChallenges(link),
        throttle=RedisThrottle(link, pack),
        failed_identifiers=RedisFailedIdentifiers(link, pack),
        sms_meter=RedisSmsMeter(link, pack),
        pushes=RedisRequestPushes(async_link, pack),
        pushed_requests=RedisPushedRequests(link),
        codes=RedisAuthorizationCodes(link, pack),
        grants=RedisGrants(async_link, pack),
        used_proofs=RedisUsedProofs(async_link),
        spool=RedisSpool(link, pack),
        health=health,
        health_async=async_link.ping,
        purge=lambda now: 0,  # its keys expire by themselves
        close=link.close,
        close_async=async_link.close,
    )
