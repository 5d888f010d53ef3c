"""Opens the ephemeral store that an address names. Refuses the addresses that no engine here can serve."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from gateway.journal.ports import Spool
from gateway.oidc.ports import AuthorizationCodes, Grants, PushedRequests, RequestPushes, UsedProofs
from gateway.randomness import Randomness
from gateway.signin.one_time_code.sms_meter import SmsMeter
from gateway.signin.passkey.challenge import PasskeyChallenges
from gateway.signin.password.failed_identifiers import FailedIdentifiers
from gateway.signin.ports import OneTimeCodes, Sessions, SigninTransactions, Throttle
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
from gateway.storage.ephemeral.on_sqlite import purge as sqlite_purge
from gateway.storage.ephemeral.on_sqlite.database import Database
from gateway.storage.ephemeral.on_sqlite.failed_identifiers import SqliteFailedIdentifiers
from gateway.storage.ephemeral.on_sqlite.grants import SqliteAuthorizationCodes, SqliteGrants
from gateway.storage.ephemeral.on_sqlite.one_time_codes import SqliteOneTimeCodes
from gateway.storage.ephemeral.on_sqlite.passkey_challenges import SqlitePasskeyChallenges
from gateway.storage.ephemeral.on_sqlite.pushed_requests import SqlitePushedRequests, SqliteRequestPushes
from gateway.storage.ephemeral.on_sqlite.sessions import SqliteSessions
from gateway.storage.ephemeral.on_sqlite.sms_meter import SqliteSmsMeter
from gateway.storage.ephemeral.on_sqlite.spool import SqliteSpool
from gateway.storage.ephemeral.on_sqlite.throttle import SqliteThrottle
from gateway.storage.ephemeral.on_sqlite.transactions import SqliteSigninTransactions
from gateway.storage.ephemeral.on_sqlite.used_proofs import SqliteUsedProofs

SQLITE_BUSY_MILLISECONDS = 2_000
REDIS_TIMEOUT_SECONDS = 0.4


@dataclass(frozen=True, slots=True)
class EphemeralStore:
    """One engine behind the ports. `health` and `health_async` raise EphemeralStoreUnavailableError; `close_async` closes what
    the running event loop holds and comes before `close`."""

    transactions: SigninTransactions
    sessions: Sessions
    one_time_codes: OneTimeCodes
    passkey_challenges: PasskeyChallenges
    throttle: Throttle
    failed_identifiers: FailedIdentifiers
    sms_meter: SmsMeter
    pushes: RequestPushes
    pushed_requests: PushedRequests
    codes: AuthorizationCodes
    grants: Grants
    used_proofs: UsedProofs
    spool: Spool
    health: Callable[[], None]
    health_async: Callable[[], Awaitable[None]]
    purge: Callable[[float], int]
    """Removes what expired before this instant; returns how many records."""
    close: Callable[[], None]
    close_async: Callable[[], Awaitable[None]]


def open_ephemeral(url: str, randomness: Randomness, *, password: str | None = None) -> EphemeralStore:
    """`url`: sqlite:///path, redis://host:port/db, rediss://… (TLS, always verified) or unix:///path?db=0."""
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        return _on_sqlite(url, randomness)
    if scheme in {"redis", "rediss", "unix"}:
        return _on_redis(url, randomness, password)
    if scheme.startswith("redis+"):
        raise ValueError(f"{scheme} is not served yet: give the address of one Redis server, redis:// or rediss://")
    raise ValueError("the ephemeral store's address begins with sqlite:///, redis://, rediss:// or unix://")


def _on_sqlite(url: str, randomness: Randomness) -> EphemeralStore:
    path = url.removeprefix("sqlite:///")
    if not path or path == url:
        raise ValueError("write sqlite:///relative/path or sqlite:////absolute/path")
    database = Database(Path(path), randomness, busy_milliseconds=SQLITE_BUSY_MILLISECONDS)

    def health() -> None:
        with database.step():
            pass

    async def health_async() -> None:
        health()

    async def close_async() -> None:
        pass

    return EphemeralStore(
        transactions=SqliteSigninTransactions(database),
        sessions=SqliteSessions(database),
        one_time_codes=SqliteOneTimeCodes(database),
        passkey_challenges=SqlitePasskeyChallenges(database),
        throttle=SqliteThrottle(database),
        failed_identifiers=SqliteFailedIdentifiers(database),
        sms_meter=SqliteSmsMeter(database),
        pushes=SqliteRequestPushes(database),
        pushed_requests=SqlitePushedRequests(database),
        codes=SqliteAuthorizationCodes(database),
        grants=SqliteGrants(database),
        used_proofs=SqliteUsedProofs(database),
        spool=SqliteSpool(database),
        health=health,
        health_async=health_async,
        purge=lambda now: sqlite_purge.purge(database, now),
        close=database.close,
        close_async=close_async,
    )


def _on_redis(url: str, randomness: Randomness, password: str | None) -> EphemeralStore:
    link = RedisLink(url, password=password, timeout_seconds=REDIS_TIMEOUT_SECONDS)
    async_link = AsyncRedisLink(url, password=password, timeout_seconds=REDIS_TIMEOUT_SECONDS)
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
