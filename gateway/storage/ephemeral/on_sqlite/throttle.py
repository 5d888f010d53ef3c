"""Counters of failures and of events: an attempt counts before it is judged, in one step (THR-09)."""

import orjson

from gateway.journal.effects import Effects
from gateway.signin.ports import Admission, DelayRule
from gateway.storage.ephemeral.addresses import drawn_address
from gateway.storage.ephemeral.lifetimes import CONSECUTIVE_FAILURES_SECONDS
from gateway.storage.ephemeral.on_sqlite.database import Database


class SqliteThrottle:
    def __init__(self, database: Database) -> None:
        self._database = database

    def admit(self, key: str, rule: DelayRule, now: float, if_refused: Effects) -> Admission:
        digest = drawn_address(key).digest
        with self._database.step() as step:
            row = step.row(
                "SELECT consecutive, last_at, recent FROM failures WHERE key = ? AND ? < expires_at", digest, now
            )
            failures, last_at, recent = (row[0], row[1], orjson.loads(row[2])) if row else (0, now, [])
            recent = [at for at in recent if now < at + rule.window_seconds]
            retry_at = last_at + _delay(rule, failures) if failures else now
            if len(recent) >= rule.max_in_window:
                retry_at = max(retry_at, recent[-rule.max_in_window] + rule.window_seconds)
            if now < retry_at:
                step.append(if_refused)
                return Admission(admitted=False, failures=failures, retry_at=retry_at)
            failures += 1
            step.run(
                "INSERT OR REPLACE INTO failures (key, consecutive, last_at, recent, expires_at) VALUES (?, ?, ?, ?, ?)",
                digest,
                failures,
                now,
                orjson.dumps([*recent, now]).decode(),
                now + max(rule.window_seconds, CONSECUTIVE_FAILURES_SECONDS),
            )
        return Admission(admitted=True, failures=failures, retry_at=now + _delay(rule, failures))

    def succeeded(self, key: str) -> None:
        with self._database.step() as step:
            step.run(
                "UPDATE failures SET consecutive = 0, recent = json_remove(recent, '$[#-1]') WHERE key = ?",
                drawn_address(key).digest,
            )

    def count(self, key: str, *, limit: int, window_seconds: int, now: float) -> bool:
        with self._database.step() as step:
            (counted,) = step.row(
                "INSERT INTO windows (key, counted, ends_at) VALUES (?1, 1, ?2 + ?3) ON CONFLICT (key) DO UPDATE SET"
                " counted = iif(?2 < ends_at, counted + 1, 1), ends_at = iif(?2 < ends_at, ends_at, ?2 + ?3)"
                " RETURNING counted",
                _window(key, window_seconds),
                now,
                window_seconds,
            )
        return bool(counted <= limit)

    def is_full(self, key: str, *, limit: int, window_seconds: int, now: float) -> bool:
        query = "SELECT counted FROM windows WHERE key = ? AND ? < ends_at"
        row = self._database.row(query, _window(key, window_seconds), now)
        return bool(row and row[0] >= limit)


def _window(key: str, window_seconds: int) -> str:
    return f"{drawn_address(key).digest}:{window_seconds:d}"


def _delay(rule: DelayRule, failures: int) -> int:
    return rule.delays[min(failures, len(rule.delays)) - 1] if failures and rule.delays else 0
