"""Proofs that serve once: an assertion's or a DPoP proof's `jti` (RFC 7523 §3, RFC 9449 §11.1)."""

import asyncio

from gateway.oidc.ports import ProofKind
from gateway.storage.ephemeral.on_sqlite.database import Database
from gateway.storage.ephemeral.proof_name import proof_name


class SqliteUsedProofs:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def use_once(self, kind: ProofKind, holder: str, jti: str, until: float, now: float) -> bool:
        return await asyncio.to_thread(self._use_once, proof_name(kind, holder, jti), until, now)

    def _use_once(self, name: str, until: float, now: float) -> bool:
        with self._database.step() as step:
            used = step.run(
                "INSERT INTO used_proofs (digest, ends_at) VALUES (?, ?)"
                " ON CONFLICT (digest) DO UPDATE SET ends_at = excluded.ends_at WHERE ends_at <= ?",
                name,
                until,
                now,
            )
        return used == 1
