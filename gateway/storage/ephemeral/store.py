"""Opens the ephemeral store that an address names, and loads its engine. Refuses addresses that no engine here serves."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.journal.ports import Spool
from gateway.oidc.ports import AuthorizationCodes, Grants, PushedRequests, RequestPushes, UsedProofs
from gateway.randomness import Randomness
from gateway.signin.one_time_code.sms_meter import SmsMeter
from gateway.signin.passkey.challenge import PasskeyChallenges
from gateway.signin.password.failed_identifiers import FailedIdentifiers
from gateway.signin.ports import OneTimeCodes, Sessions, SigninTransactions, Throttle

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
    """`url`: sqlite:///path, redis://host:port/db, rediss://… (TLS, always verified) or unix:///path?db=0, or ValueError."""
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        from gateway.storage.ephemeral.on_sqlite.opened import on_sqlite  # noqa: PLC0415

        return on_sqlite(url, randomness)
    if scheme in {"redis", "rediss", "unix"}:
        from gateway.storage.ephemeral.on_redis.address import read_address  # noqa: PLC0415
        from gateway.storage.ephemeral.on_redis.opened import on_redis  # noqa: PLC0415

        return on_redis(read_address(url, password), randomness, REDIS_TIMEOUT_SECONDS)
    if scheme.startswith("redis+"):
        raise ValueError(f"{scheme} is not served yet: give the address of one Redis server, redis:// or rediss://")
    raise ValueError("the ephemeral store's address begins with sqlite:///, redis://, rediss:// or unix://")
