"""The port of what is counted against one password tried on many identifiers (THR-05): every call is one atomic step.

An *origin* and an *identifier* are keyed hashes: the store knows neither addresses nor people.
"""

from dataclasses import dataclass
from typing import Protocol

from gateway.journal.effects import Effects


@dataclass(frozen=True, slots=True)
class SprayLimit:
    """`most` identifiers in the last `seconds`; whoever crosses it is written down once in `quiet_seconds`."""

    most: int
    seconds: int
    quiet_seconds: int = 3600


@dataclass(frozen=True, slots=True)
class Turns:
    """A turn comes `at_least` so many seconds from now, `interval` after the one before, and `at_most` so late."""

    at_least: float
    at_most: float
    interval: float


class FailedIdentifiers(Protocol):
    def admit(
        self, origin: str, identifier: str, limit: SprayLimit, now: float, *, waited: bool, if_crossed: Effects
    ) -> bool:
        """Counts the identifier as failed from this origin before it is judged, so that parallel tries all count. False, and
        nothing counted, when `limit.most` others failed lately and nobody `waited`. Never remembers more than `limit.most`: the
        oldest makes room."""
        ...

    def succeeded(self, origin: str, identifier: str) -> None:
        """It did not fail."""
        ...

    def crossed(self, origin: str, limit: SprayLimit, now: float) -> bool:
        """Whether the next identifier would have to wait; counts nothing."""
        ...

    def next_turn(self, origin: str, turns: Turns, now: float) -> float:
        """When the next try from this origin may be judged; the one after comes later. Beyond `at_most` there is no queue: who
        waited that long goes."""
        ...
