"""The shared clock: this machine's time plus an offset that every process of the demo reads from one small file.

The file is exactly 8 bytes, a little-endian signed count of microseconds. It is written in place, never replaced:
the gateway keeps it mapped in memory, and a new file under the same name would go unseen.
Refuses to move the clock when no file is shared, or out of the years 2000 to 2200.
"""

import os
import struct
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

_OFFSET = struct.Struct("<q")
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


class ClockRefusal(ValueError):  # noqa: N818 -- a refusal, told in a sentence
    """The clock cannot be moved, or the offset file is not one."""


class WorldClock:
    def __init__(self, offset_file: Path | None, machine_time: Callable[[], float] = time.time) -> None:
        self._offset_file = offset_file
        self._machine_time = machine_time
        self._moving = threading.Lock()
        if offset_file is not None:
            if not offset_file.exists():
                offset_file.write_bytes(_OFFSET.pack(0))
            self.offset()

    @property
    def is_shared(self) -> bool:
        return self._offset_file is not None

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._machine_time(), UTC) + self.offset()

    def offset(self) -> timedelta:
        if self._offset_file is None:
            return timedelta(0)
        content = self._offset_file.read_bytes()
        if len(content) != _OFFSET.size:
            raise ClockRefusal(f"{self._offset_file} is not a clock offset file: it holds {len(content)} bytes, not 8")
        return timedelta(microseconds=_OFFSET.unpack(content)[0])

    def advance(self, by: timedelta) -> None:
        with self._moving:
            try:
                moved = self.now() + by
                in_range = _EARLIEST < moved < _LATEST
            except OverflowError:
                in_range = False
            if not in_range:
                raise ClockRefusal("the simulated time must stay between the years 2000 and 2200")
            self._write(self.offset() + by)

    def reset(self) -> None:
        with self._moving:
            self._write(timedelta(0))

    def _write(self, offset: timedelta) -> None:
        if self._offset_file is None:
            raise ClockRefusal("this sandbox was started without a shared clock")
        content = _OFFSET.pack(offset // timedelta(microseconds=1))
        descriptor = os.open(self._offset_file, os.O_WRONLY)
        try:
            # One write of all 8 bytes: a reader sees the old offset or the new one.
            os.pwrite(descriptor, content, 0)
        finally:
            os.close(descriptor)
