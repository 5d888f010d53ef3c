"""Stops calling a provider that does not answer, so that people are offered another way in at once (PSC-08, PSC-R25).

After so many failures in a row, calls fail unasked until the pause is over; then one call tries for all.
"""

import threading
from collections.abc import Callable
from typing import TypeVar

from gateway.clock import Clock
from gateway.signin.psc.refusals import PscUnavailable

FAILURES = 5
PAUSE_SECONDS = 30
Answer = TypeVar("Answer")


class CircuitBreaker:
    """Only PscUnavailable counts as a failure: a refusal is an answer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_again_at = float("-inf")

    def call(self, ask: Callable[[], Answer]) -> Answer:
        self._enter()
        try:
            answer = ask()
        except PscUnavailable:
            self._failed()
            raise
        except Exception:
            self._succeeded()
            raise
        self._succeeded()
        return answer

    def _enter(self) -> None:
        with self._lock:
            if self._failures < FAILURES:
                return
            now = self._clock.now()
            if 0 < self._closed_again_at - now <= PAUSE_SECONDS:
                raise PscUnavailable("provider: not called, it failed too often")
            self._closed_again_at = now + PAUSE_SECONDS  # this caller tries; the others wait one more pause

    def _failed(self) -> None:
        with self._lock:
            self._failures += 1
            self._closed_again_at = self._clock.now() + PAUSE_SECONDS

    def _succeeded(self) -> None:
        with self._lock:
            self._failures = 0
