"""How many journal lines anonymous requests of one origin may cost: a flood must not fill the disk.

Counted in this process, by fixed windows. Beyond the quota one line says so (`LAST`), then nothing until the next window. What
changes a state is always journalled, whatever the quota: it only spares the lines of refusals that changed nothing.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.journal.events import Event

_REMEMBERED = 10_000


class Allowance(StrEnum):
    YES = "yes"
    LAST = "last"
    NO = "no"


@dataclass(slots=True)
class _Window:
    began_at: float
    count: int


class LineQuota:
    """At most `limit` lines an origin (an address block) in `seconds`."""

    def __init__(self, *, limit: int = 300, seconds: float = 600.0) -> None:
        self._limit, self._seconds = limit, seconds
        self._windows: dict[str, _Window] = {}

    def take(self, origin: str, now: float) -> Allowance:
        """Counts one line of `origin`."""
        window = self._windows.get(origin)
        if window is None or not 0 <= now - window.began_at < self._seconds:
            if len(self._windows) >= _REMEMBERED:
                self._forget(now)
            window = self._windows[origin] = _Window(now, 0)
        window.count += 1
        if window.count <= self._limit:
            return Allowance.YES
        return Allowance.LAST if window.count == self._limit + 1 else Allowance.NO

    def within(self, event: Event, origin: str) -> Event | None:
        """The line to write: the event, the line that says that more were spared, or None."""
        match self.take(origin, event.at):
            case Allowance.YES:
                return event
            case Allowance.LAST:
                return replace(event, reason="further_lines_spared")
            case Allowance.NO:
                return None

    def _forget(self, now: float) -> None:
        """Drops windows that are over; when none is, the oldest half."""
        alive = {
            origin: window for origin, window in self._windows.items() if 0 <= now - window.began_at < self._seconds
        }
        if len(alive) >= _REMEMBERED:
            newest = sorted(alive.items(), key=lambda item: item[1].began_at)[_REMEMBERED // 2 :]
            alive = dict(newest)
        self._windows = alive
