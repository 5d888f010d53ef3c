"""The ephemeral store in one SQLite file."""

from pathlib import Path

from gateway.randomness import Randomness
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
from gateway.storage.ephemeral.store import EphemeralStore

SQLITE_BUSY_MILLISECONDS = 2_000


def on_sqlite(url: str, randomness: Randomness) -> EphemeralStore:
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
