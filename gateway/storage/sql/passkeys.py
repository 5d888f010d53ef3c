"""Passkeys at rest: one account per credential, whatever the race, and a signature counter that only goes forward (FID-07).

The counter is judged by the statement that writes it: of any number of parallel sign-ins with one value, one goes on.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa

from gateway.accounts.account import Account
from gateway.accounts.authenticator import Passkey
from gateway.accounts.one_time_link import OneTimeLink
from gateway.accounts.ports import PasskeyExistsError, PasskeyUse
from gateway.journal.effects import Effects
from gateway.storage.sql.account_lock import lock_account
from gateway.storage.sql.accounts import SqlAccounts
from gateway.storage.sql.broken_rule import BrokenRuleError
from gateway.storage.sql.effects import record
from gateway.storage.sql.engine import Connections
from gateway.storage.sql.storable import storable
from gateway.storage.sql.tables import passkey as table

_live = table.c.revoked_at.is_(None)
_signs_in = sa.and_(_live, table.c.flagged_at.is_(None))


class SqlPasskeys:
    def __init__(self, connections: Connections, accounts: SqlAccounts, node: str) -> None:
        self._connections = connections
        self._accounts = accounts
        self._node = node

    def of(self, account_id: str) -> Sequence[Passkey]:
        with self._connections.reading() as connection:
            return self._read(connection, table.c.account_id == storable(account_id), _live)

    def find(self, credential_id: bytes) -> Passkey | None:
        with self._connections.reading() as connection:
            found = self._read(connection, table.c.credential_id == credential_id)
        return found[0] if found else None

    def enrol(self, passkey: Passkey, effects: Effects, *, at_most: int) -> bool:
        with credential_uniqueness(), self._connections.writing() as connection:
            lock_account(connection, passkey.account_id)
            if len(self._read(connection, table.c.account_id == passkey.account_id, _live)) >= at_most:
                return False
            connection.execute(sa.insert(table).values(_row(passkey)))
            record(connection, effects, node=self._node)
        return True

    def activate(self, passkey: Passkey, account: Account, link: OneTimeLink, now: float, effects: Effects) -> bool:
        with credential_uniqueness(), self._connections.writing() as connection:
            said = self._accounts.spend_link(connection, account, link, now)
            if said is None:
                return False
            self.keep(connection, passkey)
            record(connection, effects + said, node=self._node)
        return True

    @staticmethod
    def keep(connection: sa.Connection, passkey: Passkey) -> None:
        """In the caller's transaction."""
        connection.execute(sa.insert(table).values(_row(passkey)))

    def use(
        self,
        passkey_id: str,
        *,
        sign_count: int,
        backed_up: bool,
        at: float,
        if_used: Effects,
        if_counter_back: Effects,
    ) -> PasskeyUse:
        this = sa.and_(table.c.id == passkey_id, _signs_in)
        forward = table.c.sign_count < sign_count if sign_count else table.c.sign_count == 0
        with self._connections.writing() as connection:
            used = sa.update(table).where(this, forward)
            if (
                connection.execute(used.values(sign_count=sign_count, backed_up=backed_up, last_used_at=at)).rowcount
                == 1
            ):
                record(connection, if_used, node=self._node)
                return PasskeyUse.USED
            if connection.execute(sa.update(table).where(this).values(flagged_at=at)).rowcount == 1:
                record(connection, if_counter_back, node=self._node)
                return PasskeyUse.COUNTER_BACK
        return PasskeyUse.GONE

    def rename(self, passkey_id: str, label: str, effects: Effects) -> bool:
        with self._connections.writing() as connection:
            renamed = sa.update(table).where(table.c.id == storable(passkey_id), _live).values(label=storable(label))
            if connection.execute(renamed).rowcount != 1:
                return False
            record(connection, effects, node=self._node)
        return True

    def revoke(
        self, passkey_id: str, at: float, effects: Effects, *, unless: Callable[[], bool] = lambda: False
    ) -> bool:
        this = table.c.id == storable(passkey_id)
        with self._connections.writing() as connection:
            account_id = connection.execute(sa.select(table.c.account_id).where(this)).scalar_one_or_none()
            if account_id is None:
                return False
            lock_account(connection, account_id)
            if unless():
                return False
            if connection.execute(sa.update(table).where(this, _live).values(revoked_at=at)).rowcount != 1:
                return False
            record(connection, effects, node=self._node)
        return True

    @staticmethod
    def _read(connection: sa.Connection, *those: sa.ColumnElement[bool]) -> list[Passkey]:
        query = sa.select(table).where(*those).order_by(table.c.created_at, table.c.id)
        return [_passkey(row) for row in connection.execute(query).mappings()]


def _passkey(row: sa.RowMapping) -> Passkey:
    return Passkey(**{**row, "transports": tuple(row["transports"].split())})


def _row(passkey: Passkey) -> dict[str, object]:
    row: dict[str, object] = {name: getattr(passkey, name) for name in table.columns.keys()}  # noqa: SIM118 -- not a mapping
    return row | {"transports": " ".join(passkey.transports), "label": storable(passkey.label)}


@contextmanager
def credential_uniqueness() -> Iterator[None]:
    try:
        yield
    except BrokenRuleError as error:
        if error.rule != "uq_passkey_credential":
            raise
        raise PasskeyExistsError from None
