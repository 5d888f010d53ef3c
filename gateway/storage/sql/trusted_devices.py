"""Trusted devices at rest: the public half of each key, and when a code was last given (DECISIONS 2)."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from gateway.accounts.trusted_device import TrustedDevice
from gateway.journal.effects import Effects
from gateway.storage.sql.account_lock import lock_account
from gateway.storage.sql.effects import record
from gateway.storage.sql.engine import Connections
from gateway.storage.sql.storable import storable
from gateway.storage.sql.tables import trusted_device as table


class SqlTrustedDevices:
    def __init__(self, connections: Connections, node: str) -> None:
        self._connections = connections
        self._node = node

    def trust(self, device: TrustedDevice, effects: Effects) -> None:
        row = asdict(device) | {"label": storable(device.label)}
        with self._connections.writing() as connection:
            lock_account(connection, device.account_id)
            connection.execute(sa.insert(table), row)
            record(connection, effects, node=self._node)

    def find(self, device_id: str) -> TrustedDevice | None:
        """Also when it is revoked: the record says so."""
        with self._connections.reading() as connection:
            row = connection.execute(sa.select(table).where(table.c.id == storable(device_id))).mappings().first()
        return None if row is None else TrustedDevice(**row)

    def of(self, account_id: str) -> Sequence[TrustedDevice]:
        """Those that are not revoked, last used first."""
        query = (
            sa.select(table)
            .where(table.c.account_id == account_id, table.c.revoked_at.is_(None))
            .order_by(table.c.last_used_at.desc(), table.c.id)
        )
        with self._connections.reading() as connection:
            return [TrustedDevice(**row) for row in connection.execute(query).mappings()]

    def renew(self, device_id: str, *, used_at: float, proved_at: float | None = None) -> None:
        """A revoked device stays as it was."""
        values = {"last_used_at": used_at} | ({} if proved_at is None else {"proved_at": proved_at})
        with self._connections.writing() as connection:
            connection.execute(
                sa.update(table).where(table.c.id == device_id, table.c.revoked_at.is_(None)).values(values)
            )

    def rename(self, device_id: str, label: str, effects: Effects) -> bool:
        return self._changed(device_id, {"label": storable(label)}, effects)

    def revoke(self, device_id: str, at: float, effects: Effects) -> bool:
        """The first revocation is the one that is remembered."""
        return self._changed(device_id, {"revoked_at": at}, effects)

    def _changed(self, device_id: str, values: dict[str, Any], effects: Effects) -> bool:
        alive = sa.and_(table.c.id == storable(device_id), table.c.revoked_at.is_(None))
        with self._connections.writing() as connection:
            if connection.execute(sa.update(table).where(alive).values(values)).rowcount != 1:
                return False
            record(connection, effects, node=self._node)
        return True
