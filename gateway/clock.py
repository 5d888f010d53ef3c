"""The one place that reads the time.

Every rule takes `now` (seconds since the epoch, UTC, a float) or a `Clock`; the linter bans the rest. In the `demo`
profile and in tests all processes share one offset, kept in a memory-mapped file of eight bytes (a little-endian signed
count of microseconds), so that a lifetime can be tested at its edge without waiting; other profiles refuse it.
"""

import datetime
import mmap
import struct
import time
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        ...


class SystemClock:
    """The machine's clock, shifted by the shared offset when one is given."""

    def __init__(self, offset_file: Path | None = None) -> None:
        self._offset: mmap.mmap | None = None
        if offset_file is not None:
            with offset_file.open("r+b") as file:
                self._offset = mmap.mmap(file.fileno(), 8)

    def now(self) -> float:
        if self._offset is None:
            return time.time()
        (microseconds,) = struct.unpack_from("<q", self._offset)
        return time.time() + float(microseconds) / 1e6


def civil_date(now: float) -> datetime.date:
    """The date in Paris at `now`: habilitations begin and end by civil days."""
    return datetime.datetime.fromtimestamp(now, PARIS).date()


def civil_day(now: float) -> tuple[float, float]:
    """The instants between which `civil_date`, which rounds to the microsecond, says the same as at `now`."""
    today = datetime.datetime.combine(civil_date(now), datetime.time(), PARIS)
    return today.timestamp(), (today + datetime.timedelta(days=1)).timestamp() - 1e-6


def iso_utc(now: float) -> str:
    """`now` as an ISO 8601 instant, UTC, with milliseconds."""
    return datetime.datetime.fromtimestamp(now, datetime.UTC).isoformat(timespec="milliseconds")
