"""Changes of contact at rest. Values are encrypted; each operation judges the account's row as it is under its lock, and writes
the columns of its contact alone: nobody's other change is undone by it (OTP-13)."""

from dataclasses import asdict, replace

import sqlalchemy as sa

from gateway.accounts.account import Account, CodeChannel
from gateway.accounts.contact_change import Contact, ContactChange, current, with_contact, with_unverified_phone
from gateway.accounts.one_time_link import OneTimeLink
from gateway.journal.effects import Effects
from gateway.keys.field_cipher import FieldCipher, Place
from gateway.storage.sql.account_lock import lock_account
from gateway.storage.sql.account_row import AccountRows
from gateway.storage.sql.accounts import NOT_A_PROTEST, PENDING_LINK, uniqueness
from gateway.storage.sql.effects import record
from gateway.storage.sql.engine import Connections
from gateway.storage.sql.phone_factors import PhoneFactors
from gateway.storage.sql.storable import storable
from gateway.storage.sql.tables import account as accounts
from gateway.storage.sql.tables import contact_change as table
from gateway.storage.sql.tables import one_time_link, trusted_device

_COLUMNS = {
    Contact.EMAIL: ("email", "email_index", "email_verified_at", "email_changed_at"),
    Contact.PHONE: ("phone", "phone_verified_at", "code_channel"),
    Contact.RECOVERY_EMAIL: ("recovery_email", "recovery_email_verified_at"),
}


class SqlContactChanges:
    def __init__(self, connections: Connections, rows: AccountRows, cipher: FieldCipher, node: str) -> None:
        self._connections = connections
        self._rows = rows
        self._cipher = cipher
        self._phones = PhoneFactors(rows)
        self._node = node

    def ask(self, change: ContactChange, effects: Effects) -> ContactChange | None:
        waiting = sa.and_(
            table.c.account_id == change.account_id,
            table.c.contact == change.contact.value,
            table.c.made_at.is_(None),
            table.c.ended_at.is_(None),
        )
        with self._connections.writing() as connection:
            account = self._locked(connection, change.account_id, change.contact_version)
            if account is None:
                return None
            if change.contact is Contact.PHONE:
                unverified = with_unverified_phone(account, change.value)
                change = replace(change, contact_version=unverified.contact_version, former=account.phone)
                effects += self._write(connection, unverified, change.contact, change.asked_at)
            connection.execute(sa.update(table).where(waiting).values(ended_at=change.asked_at))
            self.keep(connection, change)
            record(connection, effects, node=self._node)
        return change

    def keep(self, connection: sa.Connection, change: ContactChange) -> None:
        """In the caller's transaction."""
        sealed = {name: self._seal(change.id, name, getattr(change, name)) for name in ("value", "former")}
        connection.execute(sa.insert(table).values({**asdict(change), **sealed, "contact": change.contact.value}))

    def get(self, change_id: str) -> ContactChange | None:
        with self._connections.reading() as connection:
            return self._read(connection, change_id)

    def make(self, change_id: str, now: float, effects: Effects, *, undo: OneTimeLink | None = None) -> Account | None:
        with uniqueness(), self._connections.writing() as connection:
            asked = self._read(connection, change_id)
            account = self._locked(connection, asked.account_id, asked.contact_version) if asked is not None else None
            change = self._read(connection, change_id)
            if account is None or change is None or not change.waits(now):
                return None
            former = change.former if change.contact is Contact.PHONE else current(account, change.contact)
            made = with_contact(account, change.contact, change.value, now)
            effects += self._write(connection, made, change.contact, now)
            values = {"made_at": now, "former": self._seal(change.id, "former", former)}
            connection.execute(sa.update(table).where(table.c.id == change.id).values(values))
            if undo is not None:
                row = asdict(undo) | {"purpose": undo.purpose.value, "contact_version": made.contact_version}
                connection.execute(sa.insert(one_time_link).values(row))
            record(connection, effects, node=self._node)
        return made

    def undo(self, link: OneTimeLink, now: float, effects: Effects) -> Account | None:
        of_account = one_time_link.c.account_id == link.account_id
        consume = (
            sa.update(one_time_link)
            .where(one_time_link.c.id == link.id, PENDING_LINK, one_time_link.c.expires_at > now)
            .values(used_at=now)
        )
        # The first address wins: who came later keeps no way back to theirs.
        later = sa.and_(of_account, PENDING_LINK, one_time_link.c.issued_at >= link.issued_at)
        with uniqueness(), self._connections.writing() as connection:
            account = self._locked(connection, link.account_id, None)
            if account is None or connection.execute(consume).rowcount != 1:
                return None
            change = self._read(connection, link.id)
            if change is None or change.made_at is None:
                return None
            restored = with_contact(account, change.contact, change.former, now)
            effects += self._write(connection, restored, change.contact, now)
            connection.execute(
                sa.update(one_time_link)
                .where(later, one_time_link.c.purpose == link.purpose.value)
                .values(revoked_at=now)
            )
            connection.execute(sa.update(table).where(table.c.id == change.id).values(ended_at=now))
            record(connection, effects, node=self._node)
        return restored

    def forget(
        self,
        account_id: str,
        contact: Contact,
        *,
        record_id: str,
        contact_version: int,
        now: float,
        effects: Effects,
    ) -> bool:
        if contact is Contact.EMAIL:
            raise ValueError("an account keeps its address")
        with self._connections.writing() as connection:
            account = self._locked(connection, account_id, contact_version)
            former = None if account is None else current(account, contact)
            if account is None or former is None:
                return False
            removed = ContactChange(
                record_id, account_id, contact, "", contact_version, now, now, former=former, made_at=now, ended_at=now
            )
            self.keep(connection, removed)
            effects += self._write(connection, with_contact(account, contact, None, now), contact, now)
            record(connection, effects, node=self._node)
        return True

    def choose_channel(self, account_id: str, channel: CodeChannel, *, contact_version: int, effects: Effects) -> bool:
        with self._connections.writing() as connection:
            account = self._locked(connection, account_id, contact_version)
            if account is None or (channel is CodeChannel.SMS and account.phone_verified_at is None):
                return False
            connection.execute(
                sa.update(accounts).where(accounts.c.id == account_id).values(code_channel=channel.value)
            )
            record(connection, effects, node=self._node)
        return True

    def _locked(self, connection: sa.Connection, account_id: str, contact_version: int | None) -> Account | None:
        """The account as it is under its lock; None when its contacts are of another version."""
        if not lock_account(connection, account_id):
            return None
        row = connection.execute(sa.select(accounts).where(accounts.c.id == account_id)).one()
        account = self._rows.account(row)
        return account if contact_version in {None, account.contact_version} else None

    def _write(self, connection: sa.Connection, account: Account, contact: Contact, now: float) -> Effects:
        """The columns of this contact; what was under way for the former contacts dies."""
        row = self._rows.row(account)
        names = (*_COLUMNS[contact], "contact_version", "code_demanded_since")
        connection.execute(
            sa.update(accounts).where(accounts.c.id == account.id).values({name: row[name] for name in names})
        )
        connection.execute(
            sa.update(one_time_link)
            .where(one_time_link.c.account_id == account.id, PENDING_LINK, NOT_A_PROTEST)
            .values(revoked_at=now)
        )
        if contact is not Contact.RECOVERY_EMAIL:
            connection.execute(
                sa.update(trusted_device)
                .where(trusted_device.c.account_id == account.id, trusted_device.c.revoked_at.is_(None))
                .values(revoked_at=now)
            )
        return self._phones.keep(connection, account, now)

    def _read(self, connection: sa.Connection, change_id: str) -> ContactChange | None:
        row = connection.execute(sa.select(table).where(table.c.id == storable(change_id))).mappings().first()
        if row is None:
            return None
        sealed = {name: self._open(row["id"], name, row[name]) for name in ("value", "former")}
        return ContactChange(**{**row, **sealed, "contact": Contact(row["contact"])})

    def _seal(self, change_id: str, column: str, value: str | None) -> bytes | None:
        return None if value is None else self._cipher.seal(Place(table.name, column, change_id), value.encode())

    def _open(self, change_id: str, column: str, field: bytes | None) -> str | None:
        return None if field is None else self._cipher.open(Place(table.name, column, change_id), field).decode()
