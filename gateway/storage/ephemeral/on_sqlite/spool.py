"""The spool in the same file as its causes: lines for the journal, and items to send, leased one worker at a time."""

from collections.abc import Sequence

from gateway.journal.effects import Effects, Outgoing
from gateway.journal.events import Event
from gateway.journal.serialise import event_from_json, outgoing_from_json
from gateway.storage.ephemeral.on_sqlite.database import Database


class SqliteSpool:
    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, effects: Effects) -> None:
        with self._database.step() as step:
            step.append(effects)

    def take_events(self, limit: int) -> Sequence[tuple[str, Event]]:
        rows = self._database.rows("SELECT sequence, tag, event FROM spooled_events ORDER BY sequence LIMIT ?", limit)
        return [(f"{sequence}.{tag}", event_from_json(event)) for sequence, tag, event in rows]

    def drop_events(self, spool_ids: Sequence[str]) -> None:
        with self._database.step() as step:
            for spool_id in spool_ids:
                step.run("DELETE FROM spooled_events WHERE sequence = ? AND tag = ?", *_row_of(spool_id))

    def take_outgoing(self, now: float, limit: int, lease_seconds: float) -> Sequence[tuple[str, Outgoing, int]]:
        with self._database.step() as step:
            rows = step.rows(
                "SELECT sequence, tag, item, taken FROM spooled_outgoing"
                " WHERE due_at <= ? ORDER BY due_at, sequence LIMIT ?",
                now,
                limit,
            )
            for sequence, *_ in rows:
                step.run(
                    "UPDATE spooled_outgoing SET due_at = ?, taken = taken + 1 WHERE sequence = ?",
                    now + lease_seconds,
                    sequence,
                )
        return [(f"{sequence}.{tag}", outgoing_from_json(item), taken) for sequence, tag, item, taken in rows]

    def done(self, item_id: str, effects: Effects) -> None:
        with self._database.step() as step:
            if step.run("DELETE FROM spooled_outgoing WHERE sequence = ? AND tag = ?", *_row_of(item_id)):
                step.append(effects)

    def retry(self, item_id: str, at: float, effects: Effects) -> None:
        with self._database.step() as step:
            if step.run("UPDATE spooled_outgoing SET due_at = ? WHERE sequence = ? AND tag = ?", at, *_row_of(item_id)):
                step.append(effects)

    def waiting(self, kind: str, *, limit: int = 1000, **said: str) -> Sequence[tuple[Outgoing, int]]:
        asked = [part for name, value in said.items() for part in (f"$.payload.{name}", value)]
        rows = self._database.rows(
            "SELECT item, taken FROM spooled_outgoing WHERE item ->> '$.kind' = ?"  # noqa: S608 -- as many as asked
            f"{' AND item ->> ? = ?' * len(said)} LIMIT ?",
            kind,
            *asked,
            limit,
        )
        return [(outgoing_from_json(item), taken) for item, taken in rows]

    def backlog(self) -> int:
        row = self._database.row(
            "SELECT (SELECT count(*) FROM spooled_events) + (SELECT count(*) FROM spooled_outgoing)"
        )
        return int(row[0])


def _row_of(spool_id: str) -> tuple[int, str]:
    sequence, _, tag = spool_id.partition(".")
    return int(sequence), tag
