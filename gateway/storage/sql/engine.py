"""How the durable store talks to its engine: SQLite in WAL mode, or PostgreSQL (ARCHITECTURE §4).

Reads run outside transactions, one statement each, on a consistent snapshot of their own. A write is one transaction
that takes its lock first (SQLite) or row by row (PostgreSQL), and is on disk when it returns. Refuses other engines.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from gateway.storage.sql.broken_rule import broken_rule

_BUSY_MILLISECONDS = 5000
_POSTGRESQL_OPTIONS = (
    "-c statement_timeout=15000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=30000 -c timezone=UTC"
)


def open_engine(url: str) -> sa.Engine:
    """`sqlite:///path` or `postgresql://…`. Values never appear in the engine's error messages. Transactions begin with
    the execution option `writes`, and there alone."""
    address = sa.make_url(url)
    match address.get_backend_name():
        case "sqlite":
            engine, begin_words = _open_sqlite(address), "BEGIN IMMEDIATE"
        case "postgresql":
            engine, begin_words = _open_postgresql(address), "BEGIN"
        case other:
            raise ValueError(f"the durable store is SQLite or PostgreSQL, not {other}")

    # Both drivers are left in autocommit: a read costs no word more than its SELECT.
    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("writes"):
            connection.exec_driver_sql(begin_words)

    return engine


def _open_sqlite(address: sa.URL) -> sa.Engine:
    if not address.database or address.database == ":memory:":
        raise ValueError("the durable store needs a file")
    file = Path(address.database)
    if not file.exists():
        file.touch(mode=0o600)  # SQLite gives its companion files the same mode
    engine = sa.create_engine(
        address.set(drivername="sqlite+pysqlite"),
        hide_parameters=True,
        pool_size=8,
        max_overflow=24,
        pool_timeout=10,
        connect_args={"timeout": _BUSY_MILLISECONDS / 1000},
    )

    @sa.event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={_BUSY_MILLISECONDS}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _open_postgresql(address: sa.URL) -> sa.Engine:
    return sa.create_engine(
        address.set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        pool_size=8,
        max_overflow=24,
        pool_timeout=10,
        pool_pre_ping=True,
        connect_args={
            "autocommit": True,
            "connect_timeout": 5,
            "options": _POSTGRESQL_OPTIONS,
            "application_name": "passerelle",
            "tcp_user_timeout": 15000,
        },
    )


class Connections:
    """What the repositories share: one pool, and the two ways to use it."""

    def __init__(self, url: str) -> None:
        self.engine = open_engine(url)
        self._writer = self.engine.execution_options(writes=True)
        self._driver_error: type[Exception] = self.engine.dialect.loaded_dbapi.Error
        self._texts: dict[tuple[sa.Select[Any], int], tuple[str, list[str] | None]] = {}

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        with self.engine.connect() as connection:
            yield connection

    def rows_of(self, statement: sa.Select[Any], keys: Sequence[str]) -> list[Any]:
        """The rows of `statement` for many keys, as the driver gives them: no type of a column is applied. `statement` has one
        parameter, `keys`, after IN. For the readings of each token, where the driver's own cost is what there is to pay."""
        size = 1 << (len(keys) - 1).bit_length()  # few sizes: the engine prepares each once
        text, names = self._text(statement, size)
        padded = [*keys, *[keys[0]] * (size - len(keys))]
        connection = self.engine.raw_connection()
        try:
            cursor = connection.cursor()
            try:
                cursor.execute(text, padded if names is None else dict(zip(names, padded, strict=True)))
                return list(cursor.fetchall())
            finally:
                cursor.close()
        except self._driver_error as error:
            raise DBAPIError.instance(None, None, error, self._driver_error, hide_parameters=True) from error
        finally:
            connection.close()

    def impatient(self) -> sqlite3.Connection | None:
        """A connection for reading that waits for no lock, of whichever thread; None on PostgreSQL."""
        file = self.engine.url.database
        if self.engine.dialect.name != "sqlite" or file is None:
            return None
        connection = sqlite3.connect(file, timeout=0, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA query_only=ON")
        return connection

    def _text(self, statement: sa.Select[Any], size: int) -> tuple[str, list[str] | None]:
        known = self._texts.get((statement, size))
        if known is None:
            compiled = statement.compile(dialect=self.engine.dialect)
            state = compiled.construct_expanded_state({"keys": [""] * size})
            names = None if state.positiontup is not None else list(state.parameter_expansion["keys"])
            known = self._texts[statement, size] = state.statement, names
        return known

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction, committed at the end of the block. Raises BrokenRuleError when a constraint refuses it."""
        try:
            with self._writer.begin() as connection:
                yield connection
        except IntegrityError as error:
            raise broken_rule(error) from None

    def close(self) -> None:
        self.engine.dispose()
