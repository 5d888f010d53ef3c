"""Sessions: idle and absolute limits judged in the step that reads (SES-03); what ends one ends its codes and grants."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from gateway.journal.effects import NO_EFFECTS, Effects
from gateway.signin.ended_session import logout_call, logout_calls
from gateway.signin.session import Session
from gateway.storage.ephemeral.addresses import address_of, drawn_address
from gateway.storage.ephemeral.documents import dump_session, load_session
from gateway.storage.ephemeral.on_sqlite.database import Database, Step
from gateway.storage.ephemeral.unavailable import RecordExistsError

_COLUMNS = "document, last_used_at, idle_seconds, absolute_end, version"


class SqliteSessions:
    def __init__(self, database: Database) -> None:
        self._database = database

    def start(
        self,
        session: Session,
        now: float,
        effects: Effects,
        *,
        replacing: Session | None = None,
        at_most: int | None = None,
        if_ousted: Effects = NO_EFFECTS,
    ) -> bool:
        address = drawn_address(session.handle, session.account_id)
        replaced = address_of(replacing.handle) if replacing is not None else None
        try:
            with self._database.step() as step:
                if replacing is not None and replacing.account_id == session.account_id:
                    stands = (
                        "SELECT 1 FROM sessions WHERE digest = ? AND account_id = ? AND version = ? AND ? < ends_at"
                    )
                    old = replaced.digest if replaced is not None else ""
                    if not step.row(stands, old, session.account_id, replacing.version, now):
                        return False
                step.run(
                    "INSERT INTO sessions"
                    " (digest, account_id, last_used_at, idle_seconds, absolute_end, version, document)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    address.digest,
                    session.account_id,
                    session.last_used_at,
                    session.idle_seconds,
                    session.absolute_end,
                    session.version,
                    dump_session(session).decode(),
                )
                if replaced is not None:
                    _replace(step, replaced.digest, address.digest, session, now)
                step.append(effects)
                if at_most is not None:
                    _oust(step, session.account_id, address.digest, at_most, now, if_ousted)
        except sqlite3.IntegrityError as error:
            raise RecordExistsError("session") from error
        return True

    def find(self, handle: str, now: float) -> Session | None:
        address = address_of(handle)
        if address is None:
            return None
        row = self._database.row(
            f"SELECT {_COLUMNS} FROM sessions WHERE digest = ? AND ? < ends_at",  # noqa: S608 -- constants
            address.digest,
            now,
        )
        return _session(row, handle) if row else None

    def use(self, handle: str, now: float) -> Session | None:
        address = address_of(handle)
        if address is None:
            return None
        with self._database.step() as step:
            row = step.row(
                "UPDATE sessions SET last_used_at = max(last_used_at, ?) WHERE digest = ? AND ? < ends_at"  # noqa: S608
                f" RETURNING {_COLUMNS}",
                now,
                address.digest,
                now,
            )
        return _session(row, handle) if row else None

    def amend(self, session: Session, now: float, effects: Effects) -> bool:
        address = drawn_address(session.handle, session.account_id)
        with self._database.step() as step:
            changed = step.run(
                "UPDATE sessions SET version = version + 1, document = ?, idle_seconds = min(idle_seconds, ?)"
                " WHERE digest = ? AND account_id = ? AND version = ? AND ? < ends_at",
                dump_session(session).decode(),
                session.idle_seconds,
                address.digest,
                session.account_id,
                session.version,
                now,
            )
            if changed:
                step.append(effects)
        return changed == 1

    def end(self, handle: str, now: float, effects: Effects) -> Session | None:
        address = address_of(handle)
        if address is None:
            return None
        with self._database.step() as step:
            row = step.row(
                f"SELECT {_COLUMNS} FROM sessions WHERE digest = ? AND ? < ends_at",  # noqa: S608 -- constants
                address.digest,
                now,
            )
            ended = _session(row, handle) if row else None
            _kill(step, address.digest)
            if ended is not None:
                step.append(effects + logout_calls(ended))
        return ended

    def of(self, account_id: str, now: float) -> Sequence[Session]:
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM sessions WHERE account_id = ? AND ? < ends_at ORDER BY rowid",  # noqa: S608
            account_id,
            now,
        )
        return [_session(row, "") for row in rows]

    def end_sessions_of(self, account_id: str, now: float, effects: Effects, *, sparing: str | None = None) -> int:
        ended, told = 0, NO_EFFECTS
        spared = address_of(sparing) if sparing is not None else None
        with self._database.step() as step:
            for digest, live, *row in step.rows(
                f"SELECT digest, ? < ends_at, {_COLUMNS} FROM sessions WHERE account_id = ? AND digest <> ?",  # noqa: S608
                now,
                account_id,
                spared.digest if spared is not None else "",
            ):
                _kill(step, digest)
                if live:
                    ended += 1
                    told += logout_calls(_session(row, ""))
            if ended:
                step.append(effects + told)
        return ended

    def end_one_of(self, account_id: str, sid: str, now: float, effects: Effects) -> bool:
        with self._database.step() as step:
            for digest, *row in _live(step, account_id, now):
                session = _session(row, "")
                if session.sid == sid:
                    _kill(step, digest)
                    step.append(effects + logout_calls(session))
                    return True
        return False

    def withdraw(self, session: Session, client_id: str, now: float, effects: Effects) -> bool:
        address = drawn_address(session.handle, session.account_id)
        with self._database.step() as step:
            changed = step.run(
                "UPDATE sessions SET version = version + 1, document = ?"
                " WHERE digest = ? AND account_id = ? AND version = ? AND ? < ends_at",
                dump_session(session).decode(),
                address.digest,
                session.account_id,
                session.version,
                now,
            )
            if not changed:
                return False
            for table in ("codes", "grants"):
                step.run(
                    f"DELETE FROM {table} WHERE session_digest = ?"  # noqa: S608 -- constants
                    " AND json_extract(document, '$.record.client_id') = ?",
                    address.digest,
                    client_id,
                )
            step.append(effects + logout_call(session, client_id))
        return True


def _live(step: Step, account_id: str, now: float) -> list[Sequence[Any]]:
    """(digest, the columns of a session) of each live one."""
    query = f"SELECT digest, {_COLUMNS} FROM sessions WHERE account_id = ? AND ? < ends_at ORDER BY rowid"  # noqa: S608
    return list(step.rows(query, account_id, now))


def _oust(step: Step, account_id: str, newest: str, at_most: int, now: float, effects: Effects) -> None:
    """Those opened first go, never the newest."""
    live = [(row[0], _session(row[1:], "")) for row in _live(step, account_id, now)]
    first = sorted(live, key=lambda one: (one[0] == newest, one[1].started_at))
    ousted = first[: max(0, len(live) - at_most)]
    for digest, session in ousted:
        _kill(step, digest)
        step.append(logout_calls(session))
    if ousted:
        step.append(effects)


def _session(row: Sequence[Any], handle: str) -> Session:
    document, last_used_at, idle_seconds, absolute_end, version = row
    return load_session(
        document,
        handle,
        last_used_at=last_used_at,
        idle_seconds=idle_seconds,
        absolute_end=absolute_end,
        version=version,
    )


def _replace(step: Step, old: str, new: str, session: Session, now: float) -> None:
    """What the old session gave goes on under the new one when both are the same person's and the old one still lived."""
    row = step.row(f"SELECT {_COLUMNS} FROM sessions WHERE digest = ? AND ? < ends_at", old, now)  # noqa: S608 -- constants
    replaced = _session(row, "") if row else None
    if replaced is not None and replaced.account_id == session.account_id:
        step.run("UPDATE codes SET session_digest = ? WHERE session_digest = ?", new, old)
        step.run("UPDATE grants SET session_digest = ? WHERE session_digest = ?", new, old)
    if replaced is not None and replaced.sid != session.sid:
        step.append(logout_calls(replaced))
    _kill(step, old)


def _kill(step: Step, digest: str) -> None:
    step.run("DELETE FROM codes WHERE session_digest = ?", digest)
    step.run("DELETE FROM grants WHERE session_digest = ?", digest)
    step.run("DELETE FROM sessions WHERE digest = ?", digest)
