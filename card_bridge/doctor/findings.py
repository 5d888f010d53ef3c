"""One thing the doctor saw: a fact, how bad it is, and what to do. The words are in `sentences`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Level(StrEnum):
    GOOD = "good"
    KNOW = "know"
    """Works, and somebody may wonder."""
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    level: Level
    what: str
    """A key of `sentences`."""
    facts: Mapping[str, object] = field(default_factory=dict)


def good(what: str, **facts: object) -> Finding:
    return Finding(Level.GOOD, what, facts)


def know(what: str, **facts: object) -> Finding:
    return Finding(Level.KNOW, what, facts)


def wrong(what: str, **facts: object) -> Finding:
    return Finding(Level.WRONG, what, facts)
