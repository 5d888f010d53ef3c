"""Rounds: what is measured in alternation, what is believed, and what two things measured in one round say of each other.

Every round measures each target once, in rotating order: the median of the ratios inside the rounds, with their minimum and
maximum, is what may be quoted elsewhere. What cannot be believed is refused, repeated and counted with its reason; it never
ends a campaign.
"""

import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self, TypeVar

from tests.bench import measure
from tests.bench.measure import Target, Unmeasurable, Window

ATTEMPTS = 6

Item = TypeVar("Item")


@dataclass
class Refusals:
    """Why windows or turns were not believed, and how often."""

    reasons: Counter[str] = field(default_factory=Counter)

    def note(self, why: object) -> None:
        self.reasons[str(why).strip().partition("\n")[0][:160] or type(why).__name__] += 1

    def __len__(self) -> int:
        return self.reasons.total()

    def __str__(self) -> str:
        return "; ".join(f"{number} x {reason}" for reason, number in self.reasons.most_common())


NEIGHBOURS = f"others took {measure.FOREIGN_LIMIT:.0%} of the core or more"
DRIFT = 0.1
OTHER_SPEED = f"the core's speed changed by more than {DRIFT:.0%} meanwhile"


@dataclass
class Series:
    windows: list[Window | None] = field(default_factory=list)  # one per round; None: every attempt was refused
    refusals: Refusals = field(default_factory=Refusals)

    @property
    def refused(self) -> int:
        return len(self.refusals)

    def values(self, unit: str) -> list[float]:
        return [float(getattr(w, unit)) for w in self.windows if w]

    def median(self, unit: str) -> float:
        return statistics.median(self.values(unit) or [float("nan")])

    def spread(self, unit: str) -> tuple[float, float]:
        return min(self.values(unit), default=float("nan")), max(self.values(unit), default=float("nan"))


def rotated(items: list[Item], by: int) -> list[Item]:
    return items[by % len(items) :] + items[: by % len(items)]


def steadily(capacity: Callable[[], float], act: Callable[[float], Item], refusals: Refusals) -> Item | None:
    """What `act` gave, which is told the capacity measured right before. Refused, repeated and counted when the one measured
    right after differs: a share of what the core gave a moment ago may be all that it gives now. None: no attempt was good."""
    for _ in range(ATTEMPTS):
        try:
            before = capacity()
            found = act(before)
            after = capacity()
        except (Unmeasurable, OSError) as error:
            refusals.note(error)
            continue
        if abs(after / before - 1) <= DRIFT:
            return found
        refusals.note(OTHER_SPEED)
    return None


def measured(
    targets: list[Target], of: Callable[[Target], Window], *, rounds: int, deadline: float
) -> dict[str, Series]:
    """Measure every target once per round in rotating order; none begins after `deadline`."""
    series = {target.name: Series() for target in targets}
    for turn in range(rounds):
        if time.monotonic() > deadline:
            break
        for target in rotated(targets, turn):
            taken = believed(lambda target=target: of(target), series[target.name].refusals, deadline)  # type: ignore[misc]
            series[target.name].windows.append(taken)
    return series


def believed(of: Callable[[], Window], refusals: Refusals, deadline: float) -> Window | None:
    """The first window that is worth believing; None when no attempt was."""
    for _ in range(ATTEMPTS):
        try:
            taken = of()
        except (Unmeasurable, OSError) as error:
            refusals.note(error)
        else:
            if taken.foreign < measure.FOREIGN_LIMIT:
                return taken
            refusals.note(NEIGHBOURS)
        if time.monotonic() > deadline:
            break
        measure.await_quiet()
    return None


def said(refusals: Mapping[str, Refusals]) -> str:
    """What was refused, for the foot of a table."""
    lines = [f"refused, {name}: {one}" for name, one in refusals.items() if len(one)]
    return "\n".join(lines)


@dataclass(frozen=True)
class Ratio:
    median: float
    lowest: float
    highest: float
    pairs: int

    @classmethod
    def between(cls, numerator: Series, denominator: Series, unit: str = "cpu_us") -> Self:
        """Ratio inside each round where both were measured."""
        both = zip(numerator.windows, denominator.windows, strict=True)
        ratios = [float(getattr(a, unit)) / float(getattr(b, unit)) for a, b in both if a and b]
        if not ratios:
            return cls(float("nan"), float("nan"), float("nan"), 0)
        return cls(statistics.median(ratios), min(ratios), max(ratios), len(ratios))

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.lowest:.2f}-{self.highest:.2f})"
