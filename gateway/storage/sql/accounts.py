"""Accounts at rest. One e-mail, one RPPS, one user name: one account, by unique constraints (CRY-04).

A password is set by consuming its link in the same transaction: of any number of parallel calls one consumes it (RST-03).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property

import sqlalchemy as sa

from gateway.accounts.account import Account, AccountStatus, KnownPerson
from gateway.accounts.one_time_link import LinkPurpose, OneTimeLink
from gateway.accounts.ports import AccountExistsError
from gateway.journal.effects import Effects
from gateway.storage.sql.account_lock import lock_account
from gateway.storage.sql.account_row import ENCRYPTED, KNOWN, AccountRows
from gateway.storage.sql.broken_rule import BrokenRuleError
from gateway.storage.sql.effects import instant_of, record
from gateway.storage.sql.engine import Connections
from gateway.storage.sql.phone_factors import PhoneFactors
from gateway.storage.sql.storable import storable
from gateway.storage.sql.tables import account as table
from gateway.storage.sql.tables import one_time_link, trusted_device

_FIELD_OF_RULE = {
    "pk_account": "id",
    "uq_account_username": "username",
    "uq_account_email": "email",
    "uq_account_rpps": "rpps",
    "uq_phone_factor_place": "phone",
}

_key: sa.BindParameter[object] = sa.bindparam("key")
_by_id = sa.select(table).where(table.c.id == _key)
_known = sa.select(*(table.c[name] for name in KNOWN)).where(table.c.id.in_(sa.bindparam("keys", expanding=True)))
_by_username = sa.select(table).where(table.c.username_folded == _key)
_by_rpps = sa.select(table).where(table.c.rpps_index == _key)
_by_email = sa.select(table).where(table.c.email_index == _key)
_by_verified_email = _by_email.where(table.c.email_verified_at.is_not(None))
_pending_link = sa.and_(one_time_link.c.used_at.is_(None), one_time_link.c.revoked_at.is_(None))
PENDING_LINK = _pending_link
NOT_A_PROTEST = _not_a_protest = one_time_link.c.purpose.not_in(
    [LinkPurpose.NOT_ME.value, LinkPurpose.UNDO_CONTACT.value, LinkPurpose.STOP_RECOVERY.value]
)
"""Whoever took an account over cannot take "it was not me" away from its holder by changing a contact or a password."""
_NOBODY = "nobody"


class SqlAccounts:
    def __init__(self, connections: Connections, rows: AccountRows, node: str) -> None:
        self._connections = connections
        self._rows = rows
        self._phones = PhoneFactors(rows)
        self._node = node

    def get(self, account_id: str) -> Account | None:
        return self._one(_by_id, storable(account_id))

    def find_by_username(self, username: str) -> Account | None:
        return self._one(_by_username, self._rows.username_key(username))

    def find_by_rpps(self, rpps: str) -> Account | None:
        return self._one(_by_rpps, self._rows.rpps_key(rpps))

    def find_by_verified_email(self, email: str) -> Account | None:
        return self._one(_by_verified_email, self._rows.email_key(email))

    def find_by_email(self, email: str) -> Account | None:
        return self._one(_by_email, self._rows.email_key(email))

    def known(self, account_ids: Collection[str], *, named: Collection[str]) -> Mapping[str, KnownPerson]:
        rows = self._connections.rows_of(_known, [storable(one) for one in account_ids]) if account_ids else ()
        return {row[0]: self._rows.known(row, named=row[0] in named) for row in rows}

    def all(self, *, limit: int = 100, after: str | None = None) -> Sequence[Account]:
        """In the order of identifiers, after the one given."""
        query = sa.select(table).order_by(table.c.id).limit(limit)
        if after is not None:
            query = query.where(table.c.id > after)
        with self._connections.reading() as connection:
            return [self._rows.account(row) for row in connection.execute(query)]

    def create(self, account: Account, effects: Effects) -> None:
        row = self._rows.row(account)
        with uniqueness(), self._connections.writing() as connection:
            connection.execute(sa.insert(table), row)
            shared = self._phones.keep(connection, account, account.created_at)
            record(connection, effects + shared, node=self._node)

    def update(self, account: Account, effects: Effects) -> None:
        """KeyError when there is no such account. The links of an archived account are revoked too."""
        row = self._rows.row(account)
        outlived = (
            sa.true()
            if account.status is AccountStatus.ARCHIVED
            else sa.and_(one_time_link.c.contact_version < account.contact_version, _not_a_protest)
        )
        at = instant_of(effects)
        with uniqueness(), self._connections.writing() as connection:
            if not lock_account(connection, account.id):
                raise KeyError(account.id)
            connection.execute(sa.update(table).where(table.c.id == account.id).values(row))
            connection.execute(
                sa.update(one_time_link)
                .where(one_time_link.c.account_id == account.id, _pending_link, outlived)
                .values(revoked_at=one_time_link.c.issued_at if at is None else at)
            )
            shared = self._phones.keep(connection, account, account.created_at if at is None else at)
            record(connection, effects + shared, node=self._node)

    def set_password(self, account: Account, link: OneTimeLink, now: float, effects: Effects) -> bool:
        with uniqueness(), self._connections.writing() as connection:
            said = self.spend_link(connection, account, link, now)
            if said is None:
                return False
            record(connection, effects + said, node=self._node)
        return True

    def spend_link(self, connection: sa.Connection, account: Account, link: OneTimeLink, now: float) -> Effects | None:
        """In the caller's transaction: consumes the link, writes the account, and what was under way for it dies. What is to be
        written besides; None, and nothing done, when the link cannot be used any more."""
        row = self._rows.row(account)
        of_account = one_time_link.c.account_id == account.id
        consume = (
            sa.update(one_time_link)
            .where(one_time_link.c.id == link.id, of_account, _pending_link, one_time_link.c.expires_at > now)
            .values(used_at=now)
        )
        lock_account(connection, account.id)
        if connection.execute(consume).rowcount != 1:
            return None
        connection.execute(sa.update(table).where(table.c.id == account.id).values(row))
        connection.execute(
            sa.update(one_time_link).where(of_account, _pending_link, _not_a_protest).values(revoked_at=now)
        )
        connection.execute(
            sa.update(trusted_device)
            .where(trusted_device.c.account_id == account.id, trusted_device.c.revoked_at.is_(None))
            .values(revoked_at=now)
        )
        return self._phones.keep(connection, account, now)

    def replace_password_hash(self, account_id: str, *, expected: str, new: str, effects: Effects) -> bool:
        sealed = self._rows.seal(account_id, "password_hash", new)
        stored = sa.select(table.c.password_hash).where(table.c.id == account_id)
        with self._connections.writing() as connection:
            if not lock_account(connection, account_id):
                return False
            if self._rows.open(account_id, "password_hash", connection.execute(stored).scalar_one()) != expected:
                return False
            connection.execute(sa.update(table).where(table.c.id == account_id).values(password_hash=sealed))
            record(connection, effects, node=self._node)
        return True

    def change_password(self, account_id: str, *, expected: str, new: str, at: float, effects: Effects) -> bool:
        sealed = self._rows.seal(account_id, "password_hash", new)
        stored = sa.select(table.c.password_hash, table.c.password_disabled_at).where(table.c.id == account_id)
        resets = one_time_link.c.purpose == LinkPurpose.RESET.value
        with self._connections.writing() as connection:
            if not lock_account(connection, account_id):
                return False
            row = connection.execute(stored).one()
            if row.password_disabled_at is not None:
                return False
            if self._rows.open(account_id, "password_hash", row.password_hash) != expected:
                return False
            written = {"password_hash": sealed, "password_set_at": at, "must_change_password": False}
            connection.execute(sa.update(table).where(table.c.id == account_id).values(written))
            connection.execute(
                sa.update(one_time_link)
                .where(one_time_link.c.account_id == account_id, _pending_link, resets)
                .values(revoked_at=at)
            )
            record(connection, effects, node=self._node)
        return True

    def disable_password(self, account_id: str, *, failed_at: float, effects: Effects) -> bool:
        fails = sa.and_(
            table.c.password_hash.is_not(None),
            table.c.password_disabled_at.is_(None),
            sa.func.coalesce(table.c.password_set_at, 0.0) <= failed_at,
        )
        return self._mark(account_id, fails, {"password_disabled_at": failed_at}, effects)

    def demand_new_password(self, account_id: str, effects: Effects) -> bool:
        has_one = sa.and_(table.c.password_hash.is_not(None), table.c.must_change_password.is_(False))
        return self._mark(account_id, has_one, {"must_change_password": True}, effects)

    def _mark(
        self, account_id: str, when: sa.ColumnElement[bool], written: Mapping[str, object], effects: Effects
    ) -> bool:
        marked = sa.update(table).where(table.c.id == storable(account_id), when).values(written)
        with self._connections.writing() as connection:
            lock_account(connection, storable(account_id))
            if connection.execute(marked).rowcount != 1:
                return False
            record(connection, effects, node=self._node)
        return True

    def note_signin(self, account_id: str, now: float, acr: str) -> None:
        values = {"last_signin_at": now, "last_signin_acr": acr}
        with self._connections.writing() as connection:
            connection.execute(sa.update(table).where(table.c.id == account_id).values(values))

    def complete_phone_factors(self) -> int:
        """For numbers verified before they had places (`init`); how many."""
        with self._connections.writing() as connection:
            return self._phones.complete(connection)

    @cached_property
    def _nobody(self) -> Mapping[str, bytes | None]:
        return {name: self._rows.seal(_NOBODY, name, "x" * 24) for name in ENCRYPTED}

    def _one(self, query: sa.Select[tuple[object, ...]], key: object) -> Account | None:
        with self._connections.reading() as connection:
            row = connection.execute(query, {"key": key}).first()
        if row is None:
            # Opening what is encrypted takes a tenth of a millisecond, which would tell who has an account (THR-07).
            for name, sealed in self._nobody.items():
                self._rows.open(_NOBODY, name, sealed)
            return None
        return self._rows.account(row)


@contextmanager
def uniqueness() -> Iterator[None]:
    try:
        yield
    except BrokenRuleError as error:
        if error.rule not in _FIELD_OF_RULE:
            raise
        raise AccountExistsError(_FIELD_OF_RULE[error.rule]) from None
