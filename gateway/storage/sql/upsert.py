"""INSERT … ON CONFLICT, which both engines have and SQLAlchemy offers by dialect."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql


def _insert(connection: sa.Connection, table: sa.Table) -> "sqlite.Insert | postgresql.Insert":
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 -- a tenth of a second for those who do not use it

    return postgresql.insert(table)


def insert_or_replace(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows whose primary key is there already take the new values."""
    if not rows:
        return
    statement = _insert(connection, table)
    keys = [column.name for column in table.primary_key.columns]
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), rows)


def insert_missing(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows like one that is there already are left out. Waits for the answer of a parallel transaction."""
    if rows:
        connection.execute(_insert(connection, table).on_conflict_do_nothing(), rows)


def insert_or_advance(
    connection: sa.Connection, table: sa.Table, row: Mapping[str, Any], counter: sa.Column[int]
) -> bool:
    """The row takes the place of the one with its primary key only when its `counter` is higher. False otherwise. Waits for
    the answer of a parallel transaction."""
    statement = _insert(connection, table).values(row)
    keys = [column.name for column in table.primary_key.columns]
    changed = {name: statement.excluded[name] for name in row if name not in keys}
    higher = statement.excluded[counter.name] > counter
    advance = statement.on_conflict_do_update(index_elements=keys, set_=changed, where=higher).returning(counter)
    return connection.execute(advance).first() is not None
