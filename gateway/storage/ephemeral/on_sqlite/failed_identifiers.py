"""Identifiers that failed from one origin, and the turns of those who wait there, in one step each (THR-05)."""

from gateway.journal.effects import Effects
from gateway.signin.password.failed_identifiers import SprayLimit, Turns
from gateway.storage.ephemeral.addresses import drawn_address
from gateway.storage.ephemeral.on_sqlite.database import Database, Step


class SqliteFailedIdentifiers:
    def __init__(self, database: Database) -> None:
        self._database = database

    def admit(
        self, origin: str, identifier: str, limit: SprayLimit, now: float, *, waited: bool, if_crossed: Effects
    ) -> bool:
        place, who = drawn_address(origin).digest, drawn_address(identifier).digest
        with self._database.step() as step:
            others = _count(step, place, limit, now, but=who)
            if others >= limit.most and not waited:
                return False
            step.run(
                "DELETE FROM failed_identifiers WHERE origin = ?1 AND identifier NOT IN (SELECT identifier FROM"
                " failed_identifiers WHERE origin = ?1 AND identifier <> ?2 ORDER BY failed_at DESC, identifier LIMIT ?3)",
                place,
                who,
                limit.most - 1,
            )
            step.run(
                "INSERT INTO failed_identifiers (origin, identifier, failed_at, ends_at) VALUES (?, ?, ?, ?)",
                place,
                who,
                now,
                now + limit.seconds,
            )
            if others + 1 >= limit.most and _is_told(step, place, now, now + limit.quiet_seconds):
                step.append(if_crossed)
        return True

    def succeeded(self, origin: str, identifier: str) -> None:
        with self._database.step() as step:
            step.run(
                "DELETE FROM failed_identifiers WHERE origin = ? AND identifier = ?",
                drawn_address(origin).digest,
                drawn_address(identifier).digest,
            )

    def crossed(self, origin: str, limit: SprayLimit, now: float) -> bool:
        (count,) = self._database.row(_COUNT, drawn_address(origin).digest, now - limit.seconds, "")
        return bool(count >= limit.most)

    def next_turn(self, origin: str, turns: Turns, now: float) -> float:
        place = drawn_address(origin).digest
        with self._database.step() as step:
            row = step.row("SELECT turn_at FROM spray_origins WHERE origin = ?", place)
            turn = max(now + turns.at_least, (row[0] if row else 0.0) + turns.interval)
            if turn >= now + turns.at_most:
                return now + turns.at_most
            step.run(
                "INSERT INTO spray_origins (origin, turn_at, told_until, ends_at) VALUES (?1, ?2, 0, ?2)"
                " ON CONFLICT (origin) DO UPDATE SET turn_at = ?2, ends_at = max(ends_at, ?2)",
                place,
                turn,
            )
        return turn


_COUNT = "SELECT count(*) FROM failed_identifiers WHERE origin = ? AND failed_at > ? AND identifier <> ?"


def _count(step: Step, origin: str, limit: SprayLimit, now: float, *, but: str) -> int:
    (count,) = step.row(_COUNT, origin, now - limit.seconds, but)
    return int(count)


def _is_told(step: Step, origin: str, now: float, until: float) -> bool:
    """Whether it is time to say it again; it is said then."""
    row = step.row("SELECT told_until FROM spray_origins WHERE origin = ?", origin)
    if row is not None and now < row[0]:
        return False
    step.run(
        "INSERT INTO spray_origins (origin, turn_at, told_until, ends_at) VALUES (?1, 0, ?2, ?2)"
        " ON CONFLICT (origin) DO UPDATE SET told_until = ?2, ends_at = max(ends_at, ?2)",
        origin,
        until,
    )
    return True
