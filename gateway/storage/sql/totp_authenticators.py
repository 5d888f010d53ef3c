"""Authenticator applications at rest: their secrets encrypted, and forgotten when they are revoked (FID-03, CRY-01).

A code is judged under the lock on its account's row, in the transaction that takes its step: of any number of parallel calls
with one code one is accepted, and every wrong one counts (FID-02, OTP-09).
"""

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from gateway.accounts.authenticator import TotpAuthenticator
from gateway.journal.effects import Effects
from gateway.keys.field_cipher import FieldCipher, Place
from gateway.storage.sql.account_lock import lock_account
from gateway.storage.sql.effects import record
from gateway.storage.sql.engine import Connections
from gateway.storage.sql.storable import storable
from gateway.storage.sql.tables import totp_authenticator as table

_live = table.c.revoked_at.is_(None)
_waits = sa.and_(_live, table.c.confirmed_at.is_(None))
_active = sa.and_(_live, table.c.confirmed_at.is_not(None))


class SqlTotpAuthenticators:
    def __init__(self, connections: Connections, cipher: FieldCipher, node: str) -> None:
        self._connections = connections
        self._cipher = cipher
        self._node = node

    def of(self, account_id: str) -> Sequence[TotpAuthenticator]:
        with self._connections.reading() as connection:
            return self._read(connection, table.c.account_id == storable(account_id), _live)

    def get(self, authenticator_id: str) -> TotpAuthenticator | None:
        """Also when it is revoked: the record says so, without its secret."""
        with self._connections.reading() as connection:
            found = self._read(connection, table.c.id == storable(authenticator_id))
        return found[0] if found else None

    def enrol(self, authenticator: TotpAuthenticator, effects: Effects) -> None:
        row = {
            "id": authenticator.id,
            "account_id": authenticator.account_id,
            "label": storable(authenticator.label),
            "secret": self._cipher.seal(_place(authenticator.id), authenticator.secret),
            "created_at": authenticator.created_at,
            "confirmed_at": authenticator.confirmed_at,
            "last_time_step": authenticator.last_time_step,
            "failures": authenticator.failures,
            "revoked_at": authenticator.revoked_at,
        }
        with self._connections.writing() as connection:
            lock_account(connection, authenticator.account_id)
            connection.execute(
                sa.update(table)
                .where(table.c.account_id == authenticator.account_id, _waits)
                .values(revoked_at=authenticator.created_at, secret=None)
            )
            connection.execute(sa.insert(table).values(row))
            record(connection, effects, node=self._node)

    def confirm(self, authenticator_id: str, *, time_step: int, at: float, at_most: int, effects: Effects) -> bool:
        with self._connections.writing() as connection:
            account_id = self._locked(connection, authenticator_id)
            if account_id is None or len(self._read(connection, table.c.account_id == account_id, _active)) >= at_most:
                return False
            confirmed = connection.execute(
                sa.update(table)
                .where(table.c.id == authenticator_id, _waits)
                .values(confirmed_at=at, last_time_step=time_step)
            )
            if confirmed.rowcount != 1:
                return False
            record(connection, effects, node=self._node)
        return True

    def attempt(
        self,
        account_id: str,
        judge: Callable[[TotpAuthenticator], int | None],
        *,
        disabled_after: int,
        if_accepted: Effects,
        if_wrong: Effects,
        if_disabled: Effects,
    ) -> TotpAuthenticator | None:
        of_account = table.c.account_id == account_id
        with self._connections.writing() as connection:
            lock_account(connection, account_id)
            active = self._read(connection, of_account, _active, table.c.failures < disabled_after)
            for one in active:
                step = judge(one)
                if step is None or (one.last_time_step is not None and step <= one.last_time_step):
                    continue
                connection.execute(sa.update(table).where(table.c.id == one.id).values(last_time_step=step))
                alive = sa.and_(of_account, _active, table.c.failures < disabled_after, table.c.failures > 0)
                connection.execute(sa.update(table).where(alive).values(failures=0))
                record(connection, if_accepted, node=self._node)
                return one
            connection.execute(
                sa.update(table)
                .where(of_account, _active, table.c.failures < disabled_after)
                .values(failures=table.c.failures + 1)
            )
            disabled = any(one.failures + 1 >= disabled_after for one in active)
            record(connection, if_wrong + if_disabled if disabled else if_wrong, node=self._node)
        return None

    def rename(self, authenticator_id: str, label: str, effects: Effects) -> bool:
        with self._connections.writing() as connection:
            renamed = connection.execute(
                sa.update(table).where(table.c.id == authenticator_id, _active).values(label=storable(label))
            )
            if renamed.rowcount != 1:
                return False
            record(connection, effects, node=self._node)
        return True

    def revoke(
        self,
        authenticator_id: str,
        at: float,
        effects: Effects,
        *,
        unless: Callable[[Sequence[TotpAuthenticator]], bool] = lambda _: False,
    ) -> bool:
        with self._connections.writing() as connection:
            account_id = self._locked(connection, authenticator_id)
            if account_id is None:
                return False
            others = self._read(connection, table.c.account_id == account_id, _active, table.c.id != authenticator_id)
            if unless(others):
                return False
            revoked = connection.execute(
                sa.update(table).where(table.c.id == authenticator_id, _live).values(revoked_at=at, secret=None)
            )
            if revoked.rowcount != 1:
                return False
            record(connection, effects, node=self._node)
        return True

    @staticmethod
    def _locked(connection: sa.Connection, authenticator_id: str) -> str | None:
        """Whose it is, their row taken; None when there is no such authenticator."""
        owner = sa.select(table.c.account_id).where(table.c.id == storable(authenticator_id))
        account_id: str | None = connection.execute(owner).scalar_one_or_none()
        if account_id is not None:
            lock_account(connection, account_id)
        return account_id

    def _read(self, connection: sa.Connection, *those: sa.ColumnElement[bool]) -> list[TotpAuthenticator]:
        query = sa.select(table).where(*those).order_by(table.c.created_at, table.c.id)
        return [self._authenticator(row) for row in connection.execute(query).mappings()]

    def _authenticator(self, row: sa.RowMapping) -> TotpAuthenticator:
        sealed = row["secret"]
        said: dict[str, Any] = {
            **row,
            "secret": b"" if sealed is None else self._cipher.open(_place(row["id"]), sealed),
        }
        return TotpAuthenticator(**said)


def _place(authenticator_id: str) -> Place:
    return Place(table.name, "secret", authenticator_id)
