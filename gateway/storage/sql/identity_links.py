"""Linked identities at rest. One identity, one RPPS, one national identifier: one account, by unique constraints (LNK-05).

A link is committed under a lock on its account's row, and judged again there: of any number of parallel commits one goes
through, and nothing of the others is written (LNK-14).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace

import sqlalchemy as sa

from gateway.accounts.account import Account, AccountStatus, RppsProof
from gateway.accounts.identity_link import IdentityLink, LinkKind, LinkState
from gateway.accounts.one_time_link import LinkPurpose, OneTimeLink
from gateway.accounts.ports import LinkRefusal, LinkRefusedError
from gateway.journal.effects import Effects
from gateway.storage.sql.account_lock import lock_account
from gateway.storage.sql.account_row import AccountRows
from gateway.storage.sql.broken_rule import BrokenRuleError
from gateway.storage.sql.effects import record
from gateway.storage.sql.engine import Connections
from gateway.storage.sql.identity_row import IdentityRows
from gateway.storage.sql.storable import storable
from gateway.storage.sql.tables import account as account_table
from gateway.storage.sql.tables import identity_link as table
from gateway.storage.sql.tables import national_identifier, one_time_link, trusted_device

_REFUSAL_OF_RULE: dict[str, LinkRefusal] = {
    "uq_account_rpps": "rpps_elsewhere",
    "uq_identity_link_identity": "taken",
    "uq_identity_link_account": "taken",
    "pk_national_identifier": "taken",
}

_active = table.c.state == LinkState.ACTIVE.value
_pending_link = sa.and_(one_time_link.c.used_at.is_(None), one_time_link.c.revoked_at.is_(None))
_account_by_id = sa.select(account_table).where(account_table.c.id == sa.bindparam("key"))


class SqlIdentityLinks:
    def __init__(self, connections: Connections, accounts: AccountRows, rows: IdentityRows, node: str) -> None:
        self._connections = connections
        self._accounts = accounts
        self._rows = rows
        self._node = node

    def find(self, kind: LinkKind, issuer: str, subject: str) -> IdentityLink | None:
        return self._one(
            sa.select(table).where(
                table.c.kind == kind.value,
                table.c.issuer == storable(issuer),
                table.c.subject_index == self._rows.subject_key(subject),
                _active,
            )
        )

    def find_by_national_id(self, national_id: str) -> IdentityLink | None:
        return self._one(
            sa.select(table)
            .where(table.c.national_id_index == self._rows.national_id_key(national_id), _active)
            .order_by(table.c.last_used_at.desc(), table.c.id)
            .limit(1)
        )

    def get(self, link_id: str) -> IdentityLink | None:
        return self._one(sa.select(table).where(table.c.id == storable(link_id)))

    def of(self, account_id: str) -> Sequence[IdentityLink]:
        query = sa.select(table).where(table.c.account_id == storable(account_id))
        with self._connections.reading() as connection:
            return [self._rows.link(row) for row in connection.execute(query.order_by(table.c.created_at, table.c.id))]

    def commit(
        self,
        link: IdentityLink,
        account: Account,
        effects: Effects,
        *,
        activation: OneTimeLink | None = None,
        not_me: OneTimeLink | None = None,
    ) -> Account:
        at, of_account = link.created_at, one_time_link.c.account_id == account.id
        with _uniqueness(), self._connections.writing() as connection:
            stored = self._locked(connection, account.id)
            expected = AccountStatus.ACTIVE if activation is None else AccountStatus.INVITED
            if stored is None or stored.status is not expected:
                raise LinkRefusedError("account_not_active")
            if _credentials(stored) != _credentials(account):
                raise LinkRefusedError("account_changed")
            if activation is not None:
                self._consume(connection, activation, account.id, at)
            if stored.rpps is not None and stored.rpps != link.rpps:
                raise LinkRefusedError("account_has_other_rpps")
            self._own(connection, link, stored)
            linked = _linked(stored, link, activation)
            connection.execute(
                sa.update(account_table).where(account_table.c.id == account.id).values(self._accounts.row(linked))
            )
            connection.execute(sa.insert(table), self._rows.row(link))
            protest = one_time_link.c.purpose.in_([LinkPurpose.NOT_ME.value, LinkPurpose.STOP_RECOVERY.value])
            connection.execute(
                sa.update(one_time_link).where(of_account, _pending_link, ~protest).values(revoked_at=at)
            )
            connection.execute(
                sa.update(trusted_device)
                .where(trusted_device.c.account_id == account.id, trusted_device.c.revoked_at.is_(None))
                .values(revoked_at=at)
            )
            if not_me is not None:
                connection.execute(sa.insert(one_time_link), asdict(not_me) | {"purpose": not_me.purpose.value})
            record(connection, effects, node=self._node)
        return linked

    def add(self, link: IdentityLink, effects: Effects) -> None:
        if link.national_id is None:
            raise LinkRefusedError("account_changed")
        sibling = sa.select(table.c.id).where(
            table.c.account_id == link.account_id,
            table.c.national_id_index == self._rows.national_id_key(link.national_id),
            _active,
            sa.or_(table.c.frozen_until.is_(None), table.c.frozen_until <= link.created_at),
        )
        with _uniqueness(), self._connections.writing() as connection:
            stored = self._locked(connection, link.account_id)
            if stored is None or stored.status is not AccountStatus.ACTIVE:
                raise LinkRefusedError("account_not_active")
            if connection.execute(sibling).first() is None:
                raise LinkRefusedError("account_changed")
            if None not in (stored.rpps, link.rpps) and stored.rpps != link.rpps:
                raise LinkRefusedError("account_has_other_rpps")
            connection.execute(sa.insert(table), self._rows.row(link))
            record(connection, effects, node=self._node)

    def end(self, link_id: str, at: float, by: str, effects: Effects) -> bool:
        ended = {"state": LinkState.ENDED.value, "ended_at": at, "ended_by": storable(by)}
        with self._connections.writing() as connection:
            if connection.execute(sa.update(table).where(table.c.id == link_id, _active).values(ended)).rowcount != 1:
                return False
            record(connection, effects, node=self._node)
        return True

    def freeze(self, link_id: str, until: float, effects: Effects, *, said_by: OneTimeLink, at: float) -> bool:
        consume = (
            sa.update(one_time_link)
            .where(one_time_link.c.id == said_by.id, _pending_link, one_time_link.c.expires_at > at)
            .values(used_at=at)
        )
        disputed = table.alias()
        same_person = sa.select(disputed.c.id).where(
            disputed.c.id == link_id,
            disputed.c.account_id == table.c.account_id,
            sa.or_(disputed.c.id == table.c.id, disputed.c.national_id_index == table.c.national_id_index),
        )
        with self._connections.writing() as connection:
            # Under the lock of `add`: a card that joins at this instant is frozen too, or finds its relative frozen.
            self._locked(connection, said_by.account_id)
            if connection.execute(consume).rowcount != 1:
                return False
            connection.execute(sa.update(table).where(same_person.exists()).values(frozen_until=until))
            record(connection, effects, node=self._node)
        return True

    def note_use(self, link_id: str, at: float) -> None:
        with self._connections.writing() as connection:
            connection.execute(sa.update(table).where(table.c.id == link_id, _active).values(last_used_at=at))

    def used_since(self, kind: LinkKind, since: float) -> Sequence[str]:
        query = (
            sa.select(table.c.account_id).distinct().where(table.c.kind == kind.value, table.c.last_used_at >= since)
        )
        with self._connections.reading() as connection:
            return [row.account_id for row in connection.execute(query)]

    def _one(self, query: sa.Select[tuple[object, ...]]) -> IdentityLink | None:
        with self._connections.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else self._rows.link(row)

    def _locked(self, connection: sa.Connection, account_id: str) -> Account | None:
        if not lock_account(connection, account_id):
            return None
        return self._accounts.account(connection.execute(_account_by_id, {"key": account_id}).one())

    def _consume(self, connection: sa.Connection, activation: OneTimeLink, account_id: str, at: float) -> None:
        consume = (
            sa.update(one_time_link)
            .where(
                one_time_link.c.id == activation.id,
                one_time_link.c.account_id == account_id,
                _pending_link,
                one_time_link.c.expires_at > at,
            )
            .values(used_at=at)
        )
        if connection.execute(consume).rowcount != 1:
            raise LinkRefusedError("account_changed")

    def _own(self, connection: sa.Connection, link: IdentityLink, account: Account) -> None:
        """The national identifier becomes the account's, unless it is another's; an account has those of one person: a
        second one comes with the RPPS that the account has already."""
        owners = sa.select(national_identifier.c.national_id_index, national_identifier.c.account_id)
        key = None if link.national_id is None else self._rows.national_id_key(link.national_id)
        mine = set(connection.scalars(owners.where(national_identifier.c.account_id == account.id)))
        if mine and key not in mine and (account.rpps is None or account.rpps != link.rpps):
            raise LinkRefusedError("account_has_other_rpps")
        if link.national_id is None or key in mine:
            return
        # Another account's identifier is refused by the primary key, also when both are written at once.
        connection.execute(
            sa.insert(national_identifier), self._rows.owner_row(link.national_id, account.id, link.created_at)
        )


def _credentials(account: Account) -> tuple[object, ...]:
    """What the rules judged and nobody may have changed meanwhile."""
    return (account.contact_version, account.code_demanded_since, account.password_hash, account.rpps)


def _linked(account: Account, link: IdentityLink, activation: OneTimeLink | None) -> Account:
    linked = replace(
        account,
        rpps=account.rpps or link.rpps,
        rpps_proof=account.rpps_proof if link.rpps is None else RppsProof(link.kind.value),
        contact_version=account.contact_version + 1,
        code_demanded_since=link.created_at,
    )
    if activation is None:
        return linked
    # A mailed link came by this address: opening it verified the address.
    verified_at = link.created_at if activation.proves_address else account.email_verified_at
    return replace(linked, status=AccountStatus.ACTIVE, email_verified_at=verified_at)


@contextmanager
def _uniqueness() -> Iterator[None]:
    try:
        yield
    except BrokenRuleError as error:
        if error.rule not in _REFUSAL_OF_RULE:
            raise
        raise LinkRefusedError(_REFUSAL_OF_RULE[error.rule]) from None
