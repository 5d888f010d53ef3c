"""Recoveries at rest (FID-11). One under way for one person, by two others: by constraints, whatever the code does.

Each step is the statement that judges it: of any number of parallel approvals, stops or redemptions one writes.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from gateway.accounts.account import Account
from gateway.accounts.authenticator import Passkey
from gateway.accounts.contact_change import ContactChange
from gateway.accounts.one_time_link import LinkPurpose, OneTimeLink
from gateway.accounts.ports import NotTwoPeopleError
from gateway.accounts.recovery import Reason, Recovery, RecoveryState
from gateway.journal.effects import Effects
from gateway.storage.sql.account_lock import lock_account
from gateway.storage.sql.accounts import PENDING_LINK, SqlAccounts, uniqueness
from gateway.storage.sql.broken_rule import BrokenRuleError
from gateway.storage.sql.contact_changes import SqlContactChanges
from gateway.storage.sql.effects import record
from gateway.storage.sql.engine import Connections
from gateway.storage.sql.passkeys import SqlPasskeys, credential_uniqueness
from gateway.storage.sql.storable import storable
from gateway.storage.sql.tables import contact_change, one_time_link, recovery_code, totp_authenticator
from gateway.storage.sql.tables import passkey as passkey_table
from gateway.storage.sql.tables import recovery as table

_UNDER_WAY = table.c.state.in_([RecoveryState.WAITING.value, RecoveryState.APPROVED.value])
_TWO_PEOPLE = {"ck_recovery_opener", "ck_recovery_two_people"}


class _NothingServesError(Exception):
    """Rolls back what was written before it was known."""


class SqlRecoveries:
    def __init__(
        self,
        connections: Connections,
        accounts: SqlAccounts,
        passkeys: SqlPasskeys,
        changes: SqlContactChanges,
        node: str,
    ) -> None:
        self._connections = connections
        self._accounts = accounts
        self._passkeys = passkeys
        self._changes = changes
        self._node = node

    def open(self, recovery: Recovery, stop: OneTimeLink, effects: Effects) -> bool:
        mine, at = table.c.account_id == recovery.account_id, recovery.opened_at
        row = asdict(recovery) | {"reason": recovery.reason.value, "state": recovery.state.value}
        with _two_people(), self._connections.writing() as connection:
            lock_account(connection, recovery.account_id)
            over = {"state": RecoveryState.EXPIRED.value, "ended_at": at}
            connection.execute(sa.update(table).where(mine, _UNDER_WAY, table.c.expires_at <= at).values(over))
            if connection.execute(sa.select(table.c.id).where(mine, _UNDER_WAY)).first() is not None:
                return False
            connection.execute(sa.insert(table).values(row))
            connection.execute(sa.insert(one_time_link).values(asdict(stop) | {"purpose": stop.purpose.value}))
            record(connection, effects, node=self._node)
        return True

    def get(self, recovery_id: str) -> Recovery | None:
        found = self._read(table.c.id == storable(recovery_id))
        return found[0] if found else None

    def under_way(self, now: float) -> Sequence[Recovery]:
        return self._read(_UNDER_WAY, table.c.expires_at > now)

    def of(self, account_id: str, now: float) -> Recovery | None:
        found = self._read(table.c.account_id == storable(account_id), _UNDER_WAY, table.c.expires_at > now)
        return found[0] if found else None

    def decide(
        self,
        recovery_id: str,
        *,
        approved: bool,
        by: str | None,
        by_region: str | None,
        at: float,
        expires_at: float,
        effects: Effects,
    ) -> bool:
        state = RecoveryState.APPROVED if approved else RecoveryState.REFUSED
        said = {"state": state.value, "decided_by": by, "decided_by_region": storable(by_region), "decided_at": at}
        said |= {"expires_at": expires_at} if approved else {"ended_at": at}
        waits = sa.and_(table.c.state == RecoveryState.WAITING.value, table.c.expires_at > at)
        with _two_people(), self._connections.writing() as connection:
            if connection.execute(sa.update(table).where(table.c.id == recovery_id, waits).values(said)).rowcount != 1:
                return False
            record(connection, effects, node=self._node)
        return True

    def stop(self, link: OneTimeLink, now: float, effects: Effects) -> bool:
        this = sa.and_(one_time_link.c.id == link.id, PENDING_LINK, one_time_link.c.expires_at > now)
        sheets = sa.and_(
            one_time_link.c.account_id == link.account_id, one_time_link.c.purpose == LinkPurpose.RECOVERY.value
        )
        stopped = {"state": RecoveryState.STOPPED.value, "ended_at": now}
        try:
            with self._connections.writing() as connection:
                lock_account(connection, link.account_id)
                if connection.execute(sa.update(one_time_link).where(this).values(used_at=now)).rowcount != 1:
                    return False
                ended = sa.update(table).where(table.c.id == link.id, _UNDER_WAY, table.c.expires_at > now)
                _demand_one(connection.execute(ended.values(stopped)))
                connection.execute(sa.update(one_time_link).where(sheets, PENDING_LINK).values(revoked_at=now))
                record(connection, effects, node=self._node)
        except _NothingServesError:
            return False
        return True

    def finish(
        self,
        account: Account,
        link: OneTimeLink,
        now: float,
        effects: Effects,
        *,
        passkey: Passkey | None = None,
        former_addresses: Sequence[ContactChange] = (),
    ) -> bool:
        approved = sa.and_(
            table.c.account_id == account.id,
            table.c.state == RecoveryState.APPROVED.value,
            table.c.expires_at > now,
        )
        finished = {"state": RecoveryState.FINISHED.value, "ended_at": now}
        try:
            with uniqueness(), credential_uniqueness(), self._connections.writing() as connection:
                effects_too = self._accounts.spend_link(connection, account, link, now)
                if effects_too is None:
                    return False
                _demand_one(connection.execute(sa.update(table).where(approved).values(finished)))
                self._take_everything_away(connection, account.id, link, now)
                if passkey is not None:
                    self._passkeys.keep(connection, passkey)
                for former in former_addresses:
                    self._changes.keep(connection, former)
                record(connection, effects + effects_too, node=self._node)
        except _NothingServesError:
            return False
        return True

    def _take_everything_away(self, connection: sa.Connection, account_id: str, link: OneTimeLink, now: float) -> None:
        gone = {"revoked_at": now}
        for owned, values in ((totp_authenticator, gone | {"secret": None}), (passkey_table, gone)):
            mine = sa.and_(owned.c.account_id == account_id, owned.c.revoked_at.is_(None))
            connection.execute(sa.update(owned).where(mine).values(values))
        codes = sa.and_(
            recovery_code.c.account_id == account_id,
            recovery_code.c.used_at.is_(None),
            recovery_code.c.revoked_at.is_(None),
        )
        connection.execute(sa.update(recovery_code).where(codes).values(gone))
        # Also what undoes an older change: who received it may be who took the account.
        links = sa.and_(one_time_link.c.account_id == account_id, PENDING_LINK)
        connection.execute(sa.update(one_time_link).where(links).values(gone))
        mine = contact_change.c.account_id == account_id
        waits = sa.and_(mine, contact_change.c.made_at.is_(None), contact_change.c.ended_at.is_(None))
        if link.contact_change is not None:
            proved = sa.and_(contact_change.c.id == link.contact_change, waits)
            connection.execute(sa.update(contact_change).where(proved).values(made_at=now))
        connection.execute(sa.update(contact_change).where(waits).values(ended_at=now))

    def _read(self, *those: sa.ColumnElement[bool]) -> list[Recovery]:
        query = sa.select(table).where(*those).order_by(table.c.opened_at, table.c.id)
        with self._connections.reading() as connection:
            rows = connection.execute(query).mappings().all()
        return [
            Recovery(**{**row, "reason": Reason(row["reason"]), "state": RecoveryState(row["state"])}) for row in rows
        ]


def _demand_one(written: sa.CursorResult[Any]) -> None:
    if written.rowcount != 1:
        raise _NothingServesError


@contextmanager
def _two_people() -> Iterator[None]:
    try:
        yield
    except BrokenRuleError as error:
        if error.rule not in _TWO_PEOPLE:
            raise
        raise NotTwoPeopleError(error.rule) from None
