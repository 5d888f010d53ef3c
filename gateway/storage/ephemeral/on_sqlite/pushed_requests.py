"""Pushed authorization requests: left by the machine door, taken once by the people's door (OID-06)."""

import asyncio
import sqlite3

from gateway.journal.effects import Effects
from gateway.oidc.ports import PushedRequest
from gateway.storage.ephemeral.addresses import address_of, drawn_address
from gateway.storage.ephemeral.documents import dump_pushed, load_pushed
from gateway.storage.ephemeral.on_sqlite.database import Database
from gateway.storage.ephemeral.unavailable import RecordExistsError


class SqliteRequestPushes:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def push(self, request: PushedRequest, effects: Effects) -> None:
        await asyncio.to_thread(self._push, request, effects)

    def _push(self, request: PushedRequest, effects: Effects) -> None:
        try:
            with self._database.step() as step:
                step.run(
                    "INSERT INTO pushed_requests (digest, client_id, expires_at, document) VALUES (?, ?, ?, ?)",
                    drawn_address(request.handle).digest,
                    request.client_id,
                    request.expires_at,
                    dump_pushed(request).decode(),
                )
                step.append(effects)
        except sqlite3.IntegrityError as error:
            raise RecordExistsError("pushed request") from error


class SqlitePushedRequests:
    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, handle: str, client_id: str, now: float) -> PushedRequest | None:
        address = address_of(handle)
        if address is None:
            return None
        with self._database.step() as step:
            row = step.row(
                "DELETE FROM pushed_requests WHERE digest = ? AND client_id = ? AND ? < expires_at RETURNING document",
                address.digest,
                client_id,
                now,
            )
        return load_pushed(row[0], handle) if row else None
