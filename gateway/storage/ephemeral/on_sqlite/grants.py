"""Authorization codes and the grants they become (OID-04).

A read sees the file as it is, in microseconds, on the event loop. A write may wait for another process's lock, so it leaves the
loop: nothing else must wait with it.
"""

import asyncio
import sqlite3

from gateway.journal.effects import Effects
from gateway.oidc.ports import AuthorizationCode, CodeState, Grant, Redemption, Refresh, RefreshState, Rotation
from gateway.randomness import digest
from gateway.storage.ephemeral.addresses import address_of, drawn_address
from gateway.storage.ephemeral.documents import dump_code, dump_grant, load_code, load_grant
from gateway.storage.ephemeral.on_sqlite.database import Database, Step
from gateway.storage.ephemeral.unavailable import RecordExistsError

_LIVE_CODE = (
    " FROM codes JOIN sessions ON sessions.digest = codes.session_digest"
    " WHERE codes.digest = ? AND ? < codes.kept_until AND ? < sessions.ends_at"
)


_ALIVE = (
    "JOIN sessions ON sessions.digest = grants.session_digest"
    " WHERE grants.digest = ? AND ? < grants.expires_at AND ? < sessions.ends_at"
)

_LIVE_GRANT = (
    f"SELECT grants.document, session_digest, sessions.ends_at, sessions.absolute_end FROM grants {_ALIVE}"  # noqa: S608 -- constants
    " AND NOT EXISTS (SELECT 1 FROM silenced WHERE digest = ? AND ? < silenced.ends_at)"
)

_REFRESH = """
    SELECT generation, refreshes.digest, refreshes.ends_at, spent_digest, spent_at, spent_by, spent_answer,
        grants.document, session_digest, sessions.ends_at, sessions.absolute_end
    FROM refreshes JOIN grants ON grants.digest = grant_digest JOIN sessions ON sessions.digest = grants.session_digest
    WHERE grants.digest = ? AND ? < grants.expires_at AND ? < sessions.ends_at
"""


class SqliteAuthorizationCodes:
    def __init__(self, database: Database) -> None:
        self._database = database

    def issue(self, code: AuthorizationCode, effects: Effects) -> bool:
        address = drawn_address(code.handle, code.account_id)
        drawn_address(code.grant_id, code.account_id)
        try:
            with self._database.step() as step:
                issued = step.run(
                    "INSERT INTO codes (digest, session_digest, kept_until, document)"
                    " SELECT ?, digest, ?, ? FROM sessions WHERE digest = ? AND account_id = ? AND ? < ends_at",
                    address.digest,
                    code.expires_at,
                    dump_code(code).decode(),
                    code.session_handle_digest,
                    code.account_id,
                    code.issued_at,
                )
                if issued:
                    step.append(effects)
        except sqlite3.IntegrityError as error:
            raise RecordExistsError("code") from error
        return issued == 1


class SqliteGrants:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_code(self, handle: str, now: float) -> tuple[AuthorizationCode, CodeState] | None:
        address = address_of(handle)
        if address is None:
            return None
        row = self._database.row(
            f"SELECT codes.document, spent, session_digest, sessions.ends_at, sessions.absolute_end {_LIVE_CODE}",
            address.digest,
            now,
            now,
        )
        if not row:
            return None
        document, spent, session_digest, *life = row
        code = load_code(document, handle, session_digest=session_digest, life=(life[0], life[1]))
        return code, CodeState.SPENT if spent else CodeState.FRESH

    async def redeem_code(
        self,
        handle: str,
        grant: Grant,
        now: float,
        *,
        if_redeemed: Effects,
        if_replayed: Effects,
        refresh: RefreshState | None = None,
    ) -> Redemption:
        return await asyncio.to_thread(self._redeem_code, handle, grant, now, if_redeemed, if_replayed, refresh)

    def _redeem_code(
        self,
        handle: str,
        grant: Grant,
        now: float,
        if_redeemed: Effects,
        if_replayed: Effects,
        refresh: RefreshState | None,
    ) -> Redemption:
        address = address_of(handle)
        if address is None:
            return Redemption.UNKNOWN
        grant_address = drawn_address(grant.id, grant.account_id)
        try:
            with self._database.step() as step:
                row = step.row(
                    f"SELECT spent, grant_digest, session_digest {_LIVE_CODE}",
                    address.digest,
                    now,
                    now,
                )
                if not row:
                    return Redemption.UNKNOWN
                spent, grant_digest, session_digest = row
                if spent:
                    step.run("DELETE FROM grants WHERE digest = ?", grant_digest)
                    step.append(if_replayed)
                    return Redemption.REPLAYED
                step.run(
                    "UPDATE codes SET spent = 1, grant_digest = ?, kept_until = max(kept_until, ?) WHERE digest = ?",
                    grant_address.digest,
                    grant.expires_at,
                    address.digest,
                )
                step.run(
                    "INSERT INTO grants (digest, session_digest, expires_at, document) VALUES (?, ?, ?, ?)",
                    grant_address.digest,
                    session_digest,
                    grant.expires_at,
                    dump_grant(grant).decode(),
                )
                if refresh is not None:
                    step.run(
                        "INSERT INTO refreshes (grant_digest, generation, digest, ends_at) VALUES (?, ?, ?, ?)",
                        grant_address.digest,
                        refresh.generation,
                        refresh.digest,
                        refresh.ends_at,
                    )
                step.append(if_redeemed)
        except sqlite3.IntegrityError as error:
            raise RecordExistsError("grant") from error
        return Redemption.REDEEMED

    async def burn_code(self, handle: str, now: float, effects: Effects) -> None:
        await asyncio.to_thread(self._burn_code, handle, now, effects)

    def _burn_code(self, handle: str, now: float, effects: Effects) -> None:
        address = address_of(handle)
        with self._database.step() as step:
            row = step.row(f"SELECT spent, grant_digest {_LIVE_CODE}", address.digest, now, now) if address else None
            if address and row:
                spent, grant_digest = row
                if spent:
                    step.run("DELETE FROM grants WHERE digest = ?", grant_digest)
                else:
                    step.run("UPDATE codes SET spent = 1 WHERE digest = ?", address.digest)
            step.append(effects)

    async def find_grant(self, grant_id: str, now: float, *, jti: str | None = None) -> Grant | None:
        address = address_of(grant_id)
        if address is None:
            return None
        silenced = digest(jti) if jti is not None else None
        row = self._database.row(_LIVE_GRANT, address.digest, now, now, silenced, now)
        return load_grant(row[0], grant_id, session_digest=row[1], life=(row[2], row[3])) if row else None

    async def use_session(self, grant_id: str, now: float, *, jti: str, least_seconds: float) -> Grant | None:
        def use() -> Grant | None:
            address = address_of(grant_id)
            if address is None:
                return None
            asked = (address.digest, now, now, digest(jti), now)
            with self._database.step() as step:
                row = step.row(_LIVE_GRANT, *asked)
                if row and step.run(
                    "UPDATE sessions SET last_used_at = ? WHERE digest = ? AND ? - last_used_at >= ?",
                    now,
                    row[1],
                    now,
                    least_seconds,
                ):
                    row = step.row(_LIVE_GRANT, *asked)
            return load_grant(row[0], grant_id, session_digest=row[1], life=(row[2], row[3])) if row else None

        return await asyncio.to_thread(use)

    async def find_refresh(self, grant_id: str, now: float) -> tuple[Grant, RefreshState] | None:
        address = address_of(grant_id)
        row = self._database.row(_REFRESH, address.digest, now, now) if address else None
        if not row:
            return None
        generation, live_digest, ends_at, *_, document, session_digest, idle_at, session_ends_at = row
        grant = load_grant(document, grant_id, session_digest=session_digest, life=(idle_at, session_ends_at))
        return grant, RefreshState(generation, live_digest, ends_at)

    async def rotate_refresh(
        self,
        grant_id: str,
        presented: RefreshState,
        successor: RefreshState,
        now: float,
        *,
        by: str,
        answer: bytes,
        grace_seconds: float,
        if_rotated: Effects,
        if_reused: Effects,
    ) -> Rotation:
        def rotate() -> Rotation:
            address = address_of(grant_id)
            if address is None:
                return Rotation(Refresh.UNKNOWN)
            with self._database.step() as step:
                row = step.row(_REFRESH, address.digest, now, now)
                if not row:
                    return Rotation(Refresh.UNKNOWN)
                generation, live_digest, ends_at, spent_digest, spent_at, spent_by, spent_answer = row[:7]
                life = row[-2:]
                if (presented.generation, presented.digest) == (generation, live_digest):
                    if now >= ends_at:
                        return Rotation(Refresh.UNKNOWN)
                    _rotate(step, address.digest, presented, successor, now, by, answer)
                    step.append(if_rotated)
                    return Rotation(Refresh.ROTATED, b"", *life)
                before = (generation - 1, spent_digest, spent_by)
                if (presented.generation, presented.digest, by) == before and now - spent_at < grace_seconds:
                    return Rotation(Refresh.AGAIN, spent_answer, *life)
                step.run("DELETE FROM grants WHERE digest = ?", address.digest)
                step.append(if_reused)
                return Rotation(Refresh.REUSED)

        return await asyncio.to_thread(rotate)

    async def revoke_grant(self, grant_id: str, now: float, effects: Effects) -> bool:
        def revoke() -> bool:
            address = address_of(grant_id)
            if address is None:
                return False
            with self._database.step() as step:
                if not step.row(f"SELECT 1 FROM grants {_ALIVE}", address.digest, now, now):  # noqa: S608 -- constants
                    return False
                step.run("DELETE FROM grants WHERE digest = ?", address.digest)
                step.append(effects)
                return True

        return await asyncio.to_thread(revoke)

    async def silence(self, jti: str, until: float, now: float, effects: Effects) -> bool:
        return await asyncio.to_thread(self._silence, jti, until, now, effects)

    def _silence(self, jti: str, until: float, now: float, effects: Effects) -> bool:
        address = address_of(jti)
        if address is None or now >= until:
            return False
        with self._database.step() as step:
            silenced = step.run(
                "INSERT INTO silenced (digest, ends_at) VALUES (?, ?)"
                " ON CONFLICT (digest) DO UPDATE SET ends_at = excluded.ends_at WHERE ends_at <= ?",
                address.digest,
                until,
                now,
            )
            if silenced:
                step.append(effects)
        return silenced == 1

    async def is_silenced(self, jti: str, now: float) -> bool:
        return bool(self._database.row("SELECT 1 FROM silenced WHERE digest = ? AND ? < ends_at", digest(jti), now))

    async def note(self, effects: Effects) -> None:
        await asyncio.to_thread(self._note, effects)

    def _note(self, effects: Effects) -> None:
        with self._database.step() as step:
            step.append(effects)


def _rotate(
    step: Step, grant: str, presented: RefreshState, successor: RefreshState, now: float, by: str, answer: bytes
) -> None:
    step.run(
        "UPDATE refreshes SET generation = ?, digest = ?, ends_at = ? WHERE grant_digest = ?",
        successor.generation,
        successor.digest,
        successor.ends_at,
        grant,
    )
    if successor.generation != presented.generation:
        step.run(
            "UPDATE refreshes SET spent_digest = ?, spent_at = ?, spent_by = ?, spent_answer = ? WHERE grant_digest = ?",
            presented.digest,
            now,
            by,
            answer,
            grant,
        )
