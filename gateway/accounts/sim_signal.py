"""What a provider says of the SIM behind a number (SMS-08). An absent signal is written down and never means "safe"."""

from enum import StrEnum


class SimSignal(StrEnum):
    UNCHANGED = "unchanged"
    CHANGED = "changed"
    """A few days ago at most: somebody else may hold the number now."""
    ABSENT = "absent"
    """Nobody could tell."""
