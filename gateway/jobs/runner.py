"""The loop of the jobs: each is called again at its own interval until the process is told to stop.

A job that fails is logged and called again later; it never takes the others down. Nothing here sleeps: waiting is waiting for
the stop signal.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

_log = logging.getLogger("passerelle.jobs")
_BACK_OFF_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Job:
    """`run` returns how much it did; while it did something it is called again at once."""

    name: str
    every_seconds: float
    run: Callable[[], int]


class Runner:
    """Calls jobs in one thread."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._due = {job.name: (0.0, job) for job in jobs}

    def run_until(self, stop: threading.Event) -> None:
        """Runs until `stop` is set."""
        while not stop.is_set():
            self._run_due(stop)
            wake = min(at for at, _ in self._due.values())
            stop.wait(max(0.0, wake - monotonic()))

    def _run_due(self, stop: threading.Event) -> None:
        for name, (at, job) in list(self._due.items()):
            if at > monotonic() or stop.is_set():
                continue
            try:
                again = job.run() > 0
                pause = 0.0 if again else job.every_seconds
            except Exception as error:
                _log.warning("job %s failed: %s", name, type(error).__name__, exc_info=_log.isEnabledFor(logging.DEBUG))
                pause = _BACK_OFF_SECONDS
            self._due[name] = (monotonic() + pause, job)
