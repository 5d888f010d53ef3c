"""Moves the ephemeral stores' journal lines into the durable journal, each exactly once (ARCHITECTURE §4).

A line is read, written under its spool identifier (unique in the journal), then dropped from the spool: a death between two of
these steps repeats the write, which the journal recognises.
"""

from gateway.journal.ports import JournalStore, Spool

BATCH = 500


class JournalDrain:
    def __init__(self, spool: Spool, journal: JournalStore, node: str) -> None:
        self._spool, self._journal, self._node = spool, journal, node

    def run_once(self) -> int:
        """Drains one batch; returns how many lines it moved."""
        lines = self._spool.take_events(BATCH)
        if lines:
            self._journal.append_spooled(lines, node=self._node)
            self._spool.drop_events([spool_id for spool_id, _ in lines])
        return len(lines)
