"""A verified number is the factor of two accounts at most, whatever the race: it has two places, and no third (SMS-06).

`keep` goes with every write of an account, in its transaction: no caller can forget it. The number itself is never readable
here, only its keyed index.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from gateway.accounts.account import Account, AccountStatus
from gateway.accounts.phone_shared import ACCOUNTS_PER_NUMBER, phone_shared
from gateway.accounts.ports import AccountExistsError
from gateway.journal.effects import NO_EFFECTS, Effects
from gateway.storage.sql.account_row import AccountRows
from gateway.storage.sql.tables import account as accounts
from gateway.storage.sql.tables import phone_factor as table

_NUMBER_LOCK = 0x70686F6E


class PhoneFactors:
    def __init__(self, rows: AccountRows) -> None:
        self._rows = rows

    def keep(self, connection: sa.Connection, account: Account, at: float) -> Effects:
        """Binds, frees or leaves the account's number; what to write when it is now another account's too. Raises
        AccountExistsError when it is two others' already. The account's row is there."""
        wanted = self._index(account)
        held = connection.execute(sa.select(table.c.number_index).where(table.c.account_id == account.id)).scalar()
        if wanted == held:
            return NO_EFFECTS
        connection.execute(sa.delete(table).where(table.c.account_id == account.id))
        if wanted is None:
            return NO_EFFECTS
        others = self._take_place(connection, account.id, wanted)
        return phone_shared((account.id, *others), at) if others else NO_EFFECTS

    def complete(self, connection: sa.Connection) -> int:
        """Gives their places to the numbers verified before places were; how many. One that is a third's stays without."""
        bound = sa.select(table.c.account_id)
        query = sa.select(accounts).where(accounts.c.phone_verified_at.is_not(None), accounts.c.id.not_in(bound))
        given = 0
        for account in [self._rows.account(row) for row in connection.execute(query.order_by(accounts.c.created_at))]:
            wanted = self._index(account)
            if wanted is not None:
                try:
                    self._take_place(connection, account.id, wanted)
                except AccountExistsError:
                    continue
                given += 1
        return given

    def _take_place(self, connection: sa.Connection, account_id: str, index: bytes) -> Sequence[str]:
        """Whose number it is besides."""
        if connection.dialect.name == "postgresql":  # on SQLite one writer at a time holds the whole database
            part = int.from_bytes(index[:4], "big", signed=True)
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_NUMBER_LOCK, part)))
        others = connection.execute(
            sa.select(table.c.account_id, table.c.place).where(table.c.number_index == index).order_by(table.c.place)
        ).all()
        free = set(range(1, ACCOUNTS_PER_NUMBER + 1)) - {other.place for other in others}
        if not free:
            raise AccountExistsError("phone")
        connection.execute(sa.insert(table), {"account_id": account_id, "number_index": index, "place": min(free)})
        return [other.account_id for other in others]

    def _index(self, account: Account) -> bytes | None:
        is_factor = account.phone_verified_at is not None and account.status is not AccountStatus.ARCHIVED
        return self._rows.phone_key(account.phone) if account.phone is not None and is_factor else None
