"""How many journal lines anonymous requests of one origin may cost: a flood must not fill the disk.

Beyond the quota one line says so, then nothing until the next window. What changes a state is always journalled, whatever the
quota: it only spares the lines of refusals that changed nothing.
"""

from dataclasses import replace

from gateway.journal.events import Event
from gateway.quota import Allowance, Quota


class LineQuota(Quota):
    """At most `limit` lines an origin in `seconds`."""

    def __init__(self, *, limit: int = 300, seconds: float = 600.0) -> None:
        super().__init__(limit=limit, seconds=seconds)

    def within(self, event: Event, origin: str) -> Event | None:
        """The line to write: the event, the line that says that more were spared, or None."""
        match self.take(origin, event.at):
            case Allowance.YES:
                return event
            case Allowance.LAST:
                return replace(event, reason="further_lines_spared")
            case Allowance.NO:
                return None
