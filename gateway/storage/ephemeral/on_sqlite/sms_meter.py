"""What is counted before a text message leaves, in one step (SMS-04, SMS-05)."""

from collections.abc import Mapping, Sequence

from gateway.journal.effects import NO_EFFECTS, Effects
from gateway.signin.one_time_code.sms_meter import ConversionFloor, SmsRefusal, SmsWindow
from gateway.storage.ephemeral.on_sqlite.database import Database, Step


class SqliteSmsMeter:
    def __init__(self, database: Database) -> None:
        self._database = database

    def take(
        self,
        send_id: str,
        *,
        scopes: Sequence[str],
        windows: Sequence[SmsWindow],
        floor: ConversionFloor,
        now: float,
        when_counted: Mapping[str, Mapping[int, Effects]],
        when_stopped: Mapping[str, Effects],
    ) -> SmsRefusal | None:
        with self._database.step() as step:
            for scope in scopes:
                if step.row("SELECT 1 FROM sms_stops WHERE scope = ?", scope):
                    return SmsRefusal("stopped", scope)
            for scope in scopes:
                if _falls_under(step, scope, floor, now):
                    step.run("INSERT INTO sms_stops (scope, stopped_at) VALUES (?, ?)", scope, now)
                    step.append(when_stopped.get(scope, NO_EFFECTS))
                    return SmsRefusal("stopped", scope)
            counts = {window.name: _counted(step, window, now) for window in windows}
            for window in windows:
                if counts[window.name] >= window.limit:
                    return SmsRefusal("full", window.name)
            for window in windows:
                _count(step, window, now)
                step.append(when_counted.get(window.name, {}).get(counts[window.name] + 1, NO_EFFECTS))
            for scope in scopes:
                step.run(
                    "INSERT OR IGNORE INTO sms_sends (scope, send, sent_at, verified, ends_at) VALUES (?, ?, ?, 0, ?)",
                    scope,
                    send_id,
                    now,
                    now + floor.window_seconds + floor.patience_seconds,
                )
        return None

    def verified(self, send_id: str, scopes: Sequence[str]) -> None:
        with self._database.step() as step:
            for scope in scopes:
                step.run("UPDATE sms_sends SET verified = 1 WHERE scope = ? AND send = ?", scope, send_id)

    def refusal(self, *, scopes: Sequence[str], windows: Sequence[SmsWindow], now: float) -> SmsRefusal | None:
        for scope in scopes:
            if self._database.row("SELECT 1 FROM sms_stops WHERE scope = ?", scope):
                return SmsRefusal("stopped", scope)
        for window in windows:
            row = self._database.row(_COUNTED, _key(window), now)
            if row and row[0] >= window.limit:
                return SmsRefusal("full", window.name)
        return None

    def stopped(self) -> Sequence[tuple[str, float]]:
        return [
            tuple(row) for row in self._database.rows("SELECT scope, stopped_at FROM sms_stops ORDER BY stopped_at")
        ]

    def reopen(self, scope: str, effects: Effects) -> bool:
        with self._database.step() as step:
            opened = step.run("DELETE FROM sms_stops WHERE scope = ?", scope) == 1
            if opened:
                step.run("DELETE FROM sms_sends WHERE scope = ?", scope)
                step.append(effects)
        return opened


_COUNTED = "SELECT counted FROM windows WHERE key = ? AND ? < ends_at"


def _key(window: SmsWindow) -> str:
    return f"sms:{window.name}"


def _counted(step: Step, window: SmsWindow, now: float) -> int:
    row = step.row(_COUNTED, _key(window), now)
    return int(row[0]) if row else 0


def _count(step: Step, window: SmsWindow, now: float) -> None:
    step.run(
        "INSERT INTO windows (key, counted, ends_at) VALUES (?1, 1, ?3) ON CONFLICT (key) DO UPDATE SET"
        " counted = iif(?2 < ends_at, counted + 1, 1), ends_at = iif(?2 < ends_at, ends_at, ?3)",
        _key(window),
        now,
        window.ends_at,
    )


def _falls_under(step: Step, scope: str, floor: ConversionFloor, now: float) -> bool:
    judged_until = now - floor.patience_seconds
    sent, verified = step.row(
        "SELECT count(*), total(verified) FROM sms_sends WHERE scope = ? AND sent_at > ? AND sent_at <= ?",
        scope,
        judged_until - floor.window_seconds,
        judged_until,
    )
    return bool(sent >= floor.sends and verified * 100 < floor.percent * sent)
