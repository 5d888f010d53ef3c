"""The machine's clock; the only place of the bridge that reads the time. Everything else takes a `Clock`."""

import datetime
import time


class SystemClock:
    def now(self) -> float:
        return time.time()


def instant(now: float) -> str:
    """ISO 8601, UTC, to the second."""
    return datetime.datetime.fromtimestamp(now, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
