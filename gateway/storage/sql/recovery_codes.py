"""Recovery codes at rest: keyed hashes, each spent once (FID-12)."""

import sqlalchemy as sa

from gateway.accounts.authenticator import RecoveryCodes
from gateway.journal.effects import Effects
from gateway.storage.sql.account_lock import lock_account
from gateway.storage.sql.effects import record
from gateway.storage.sql.engine import Connections
from gateway.storage.sql.storable import storable
from gateway.storage.sql.tables import recovery_code as table

_left = sa.and_(table.c.used_at.is_(None), table.c.revoked_at.is_(None))


class SqlRecoveryCodes:
    def __init__(self, connections: Connections, node: str) -> None:
        self._connections = connections
        self._node = node

    def replace(self, codes: RecoveryCodes, effects: Effects) -> None:
        of_set = {"account_id": codes.account_id, "set_id": codes.id, "created_at": codes.created_at}
        with self._connections.writing() as connection:
            lock_account(connection, codes.account_id)
            self._revoke(connection, codes.account_id, codes.created_at)
            connection.execute(sa.insert(table), [{**of_set, "digest": digest} for digest in codes.digests])
            record(connection, effects, node=self._node)

    def use(self, account_id: str, digest: bytes, at: float, effects: Effects) -> bool:
        with self._connections.writing() as connection:
            spent = connection.execute(
                sa.update(table)
                .where(table.c.account_id == account_id, table.c.digest == digest, _left)
                .values(used_at=at)
            )
            if spent.rowcount != 1:
                return False
            record(connection, effects, node=self._node)
        return True

    def left(self, account_id: str) -> int:
        counted = sa.select(sa.func.count()).select_from(table).where(table.c.account_id == storable(account_id), _left)
        with self._connections.reading() as connection:
            return int(connection.execute(counted).scalar_one())

    def revoke(self, account_id: str, at: float, effects: Effects) -> bool:
        with self._connections.writing() as connection:
            lock_account(connection, account_id)
            if not self._revoke(connection, account_id, at):
                return False
            record(connection, effects, node=self._node)
        return True

    @staticmethod
    def _revoke(connection: sa.Connection, account_id: str, at: float) -> int:
        revoked = sa.update(table).where(table.c.account_id == account_id, _left).values(revoked_at=at)
        return connection.execute(revoked).rowcount
