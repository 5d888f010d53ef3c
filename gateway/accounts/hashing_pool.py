"""Where passwords are hashed: threads of their own, few, patient and polite (DECISIONS 21, PWD-13).

A hash keeps a core and 19 MiB for some 20 ms. Here one runs at a time in each worker (a deployment has one worker per core),
below the priority of everything else where the system gives threads one, so that tokens do not wait for passwords; a few more
may wait. Beyond them `HashingBusyError` is raised at once: a queue that nobody sees the end of serves nobody.
"""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")

WAITING = 12
"""About a quarter of a second of hashes."""
NICENESS = 10


class HashingBusyError(Exception):
    """Too many passwords at once; the person is asked to try again in a few seconds."""


class HashingPool:
    def __init__(self, *, at_once: int = 1, waiting: int = WAITING) -> None:
        self._places = threading.BoundedSemaphore(at_once + waiting)
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="hash", initializer=_give_way)

    def run(self, hashing: Callable[[], Result]) -> Result:
        """Its result, or what it raises. Raises HashingBusyError when every place is taken."""
        if not self._places.acquire(blocking=False):
            raise HashingBusyError
        try:
            return self._threads.submit(hashing).result()
        finally:
            self._places.release()


def _give_way() -> None:
    if sys.platform == "linux":  # where niceness is a thread's own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
