"""At most so many events an origin in a window of time, counted in this process's memory: a bound against floods.

It needs no store and costs no trip to one; with several processes each has its own count. What it remembers is bounded too.
"""

from dataclasses import dataclass
from enum import StrEnum

_REMEMBERED = 10_000


class Allowance(StrEnum):
    YES = "yes"
    LAST = "last"
    """The first event beyond the limit: the one that may be told."""
    NO = "no"


@dataclass(slots=True)
class _Window:
    began_at: float
    count: int


class Quota:
    """At most `limit` events an origin (an address block) in `seconds`, by fixed windows."""

    def __init__(self, *, limit: int, seconds: float) -> None:
        self._limit, self._seconds = limit, seconds
        self._windows: dict[str, _Window] = {}

    def take(self, origin: str, now: float) -> Allowance:
        """Counts one event of `origin`."""
        window = self._windows.get(origin)
        if window is None or not 0 <= now - window.began_at < self._seconds:
            if len(self._windows) >= _REMEMBERED:
                self._forget(now)
            window = self._windows[origin] = _Window(now, 0)
        window.count += 1
        if window.count <= self._limit:
            return Allowance.YES
        return Allowance.LAST if window.count == self._limit + 1 else Allowance.NO

    def _forget(self, now: float) -> None:
        """Drops windows that are over; when too few are, the oldest half."""
        alive = [
            (item.began_at, origin) for origin, item in self._windows.items() if now - item.began_at < self._seconds
        ]
        if len(alive) >= _REMEMBERED:
            alive = sorted(alive)[_REMEMBERED // 2 :]
        self._windows = {origin: self._windows[origin] for _, origin in alive}
