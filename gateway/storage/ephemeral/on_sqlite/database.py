"""The file and its connections: one per thread, WAL, and writes that take the lock before they read.

`step` is the atomic step of ARCHITECTURE §4: everything in it commits together, effects included, or nothing does. With
synchronous=NORMAL the death of the process loses nothing; the loss of power may undo the last steps, whole ones, in order.
"""

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from gateway.journal.effects import Effects
from gateway.journal.serialise import event_to_json, outgoing_to_json
from gateway.randomness import Randomness, opaque
from gateway.storage.ephemeral.unavailable import EphemeralStoreUnavailableError

SCHEMA_VERSION = 6
_TAG_OCTETS = 12


class Step:
    """What may be done inside one atomic step."""

    def __init__(self, connection: sqlite3.Connection, randomness: Randomness) -> None:
        self._connection, self._randomness = connection, randomness

    def run(self, statement: str, *values: object) -> int:
        """Runs a change; returns how many rows it touched."""
        return self._connection.execute(statement, values).rowcount

    def row(self, statement: str, *values: object) -> Any:
        return self._connection.execute(statement, values).fetchone()

    def rows(self, statement: str, *values: object) -> list[Any]:
        return self._connection.execute(statement, values).fetchall()

    def append(self, effects: Effects) -> None:
        """Puts the effects on the spool."""
        for event in effects.events:
            line = event_to_json(event).decode()
            self.run("INSERT INTO spooled_events (tag, event) VALUES (?, ?)", self._tag(), line)
        for item in effects.outgoing:
            waiting = outgoing_to_json(item).decode()
            self.run("INSERT INTO spooled_outgoing (tag, item) VALUES (?, ?)", self._tag(), waiting)

    def _tag(self) -> str:
        return opaque(self._randomness, _TAG_OCTETS)


class _Held:
    """A thread's connection, closed when the thread goes away. One made before a fork belongs to the parent."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection, self.process = connection, os.getpid()

    def close(self) -> None:
        if self.process == os.getpid():
            self.connection.close()

    __del__ = close


class Database:
    def __init__(self, path: Path, randomness: Randomness, *, busy_milliseconds: int) -> None:
        self._path, self._randomness, self._busy_milliseconds = path, randomness, busy_milliseconds
        self._of_thread = threading.local()
        self._all: weakref.WeakSet[_Held] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._prepare()

    def rows(self, statement: str, *values: object) -> list[Any]:
        """One reading statement, which sees one state of the file and waits for no writer."""
        with _translated():
            return self._connection().execute(statement, values).fetchall()

    def row(self, statement: str, *values: object) -> Any:
        with _translated():
            return self._connection().execute(statement, values).fetchone()

    @contextmanager
    def step(self) -> Iterator[Step]:
        with _translated():
            connection = self._connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield Step(connection, self._randomness)
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise

    def close(self) -> None:
        with self._lock:
            for held in list(self._all):
                held.close()
            self._all.clear()
        self._of_thread = threading.local()

    def _connection(self) -> sqlite3.Connection:
        held: _Held | None = getattr(self._of_thread, "held", None)
        if held is None or held.process != os.getpid():
            held = self._of_thread.held = _Held(self._connect())
            with self._lock:
                self._all.add(held)
        return held.connection

    def _connect(self) -> sqlite3.Connection:
        # Another thread only ever closes it, once no step runs (close above).
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, cached_statements=256)
        connection.execute(f"PRAGMA busy_timeout = {self._busy_milliseconds:d}")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _prepare(self) -> None:
        """Creates the file, for its owner only, and its tables; refuses the file of another version."""
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        with _translated():
            connection = self._connect()
            try:
                if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                    _patiently(lambda: connection.execute("PRAGMA journal_mode = WAL").fetchone())
                connection.execute("BEGIN IMMEDIATE")
                found = connection.execute("PRAGMA user_version").fetchone()[0]
                if found not in {0, SCHEMA_VERSION}:
                    raise ValueError(f"{self._path} was made by another version ({found}) of the gateway: move it away")
                if found == 0:
                    schema = files(__package__).joinpath("schema.sql").read_text("utf-8")
                    for statement in schema.split(";\n"):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION:d}")
                connection.execute("COMMIT")
            finally:
                connection.close()


def _patiently(attempt: Callable[[], object], tries: int = 200) -> None:
    """Several processes may open a new file at once, and the change to WAL does not always wait for a busy file."""
    pause = threading.Event()
    while True:
        try:
            attempt()
        except sqlite3.OperationalError:
            tries -= 1
            if tries == 0:
                raise
            pause.wait(0.01)
        else:
            return


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise EphemeralStoreUnavailableError(str(error)) from error
