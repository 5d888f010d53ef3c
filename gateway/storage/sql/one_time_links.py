"""One-time links at rest: the digest of the token, never the token (RST-01…RST-05). The last one issued is the only one
alive for its purpose. Consuming one is `SqlAccounts.set_password`."""

from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from gateway.accounts.one_time_link import LinkPurpose, OneTimeLink
from gateway.journal.effects import Effects
from gateway.storage.sql.account_lock import lock_account
from gateway.storage.sql.effects import record
from gateway.storage.sql.engine import Connections
from gateway.storage.sql.storable import storable
from gateway.storage.sql.tables import one_time_link as table


class SqlOneTimeLinks:
    def __init__(self, connections: Connections, node: str) -> None:
        self._connections = connections
        self._node = node

    def issue(self, link: OneTimeLink, effects: Effects) -> None:
        with self._connections.writing() as connection:
            lock_account(connection, link.account_id)
            connection.execute(
                sa.update(table)
                .where(
                    table.c.account_id == link.account_id,
                    table.c.purpose == link.purpose.value,
                    table.c.used_at.is_(None),
                    table.c.revoked_at.is_(None),
                )
                .values(revoked_at=link.issued_at)
            )
            connection.execute(sa.insert(table).values(asdict(link) | {"purpose": link.purpose.value}))
            record(connection, effects, node=self._node)

    def find_by_digest(self, digest: bytes) -> OneTimeLink | None:
        return self._one(sa.select(table).where(table.c.token_digest == digest))

    def get(self, link_id: str) -> OneTimeLink | None:
        return self._one(sa.select(table).where(table.c.id == storable(link_id)))

    def latest(self, account_id: str, purpose: LinkPurpose) -> OneTimeLink | None:
        """Whatever became of it."""
        return self._one(
            sa.select(table)
            .where(table.c.account_id == storable(account_id), table.c.purpose == purpose.value)
            .order_by(table.c.issued_at.desc(), table.c.revoked_at.is_not(None))
            .limit(1)
        )

    def issued(self, account_id: str, purpose: LinkPurpose) -> int:
        counted = (
            sa.select(sa.func.count())
            .select_from(table)
            .where(table.c.account_id == storable(account_id), table.c.purpose == purpose.value)
        )
        with self._connections.reading() as connection:
            return int(connection.execute(counted).scalar_one())

    def prove_contact(self, link_id: str, change_id: str, at: float, effects: Effects) -> bool:
        alive = sa.and_(table.c.used_at.is_(None), table.c.revoked_at.is_(None), table.c.expires_at > at)
        proved = (
            sa.update(table).where(table.c.id == link_id, alive).values(contact_change=change_id, contact_proved_at=at)
        )
        with self._connections.writing() as connection:
            if connection.execute(proved).rowcount != 1:
                return False
            record(connection, effects, node=self._node)
        return True

    def _one(self, query: sa.Select[Any]) -> OneTimeLink | None:
        with self._connections.reading() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else OneTimeLink(**{**row, "purpose": LinkPurpose(row["purpose"])})
