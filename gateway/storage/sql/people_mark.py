"""The mark of people: it changes, in the same commit, with whatever may change what applications are told of someone.

On SQLite one connection is held for it: a few microseconds for each reading, which waits for nobody, so the event loop reads
it itself. On PostgreSQL it is one trip.
"""

import sqlite3
import threading

import sqlalchemy as sa

from gateway.storage.sql.engine import Connections
from gateway.storage.sql.tables import people_mark as table

_mark = sa.select(table.c.mark)
_MARK = "SELECT mark FROM people_mark"


class SqlPeopleMark:
    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._held: sqlite3.Connection | None = None
        self._alone = threading.Lock()

    def at_once(self) -> str | None:
        """None where it cannot be known without waiting, or where there is none."""
        try:
            # One statement at a time, and run to its end: beside one that is open, another would see what was true when
            # that one began.
            with self._alone:
                if self._held is None:
                    self._held = self._connections.impatient()
                rows = self._held.execute(_MARK).fetchall() if self._held is not None else ()
        except sqlite3.Error:
            self.close()
            return None
        return rows[0][0] if rows else None

    def read(self) -> str | None:
        with self._connections.reading() as connection:
            return connection.execute(_mark).scalar_one_or_none()

    def close(self) -> None:
        with self._alone:
            held, self._held = self._held, None
            if held is not None:
                held.close()
