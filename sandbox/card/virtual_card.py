"""What every virtual card has: power, an answer to reset, a record, faults, and events its reader must carry out.

A family gives `_answer`. A card belongs to no reader: whoever holds it asks `happening()` after each answer. `ForeignCard`
is a card of another kind, which knows no command at all.
"""

import threading

from sandbox.card.exchanges import Record
from sandbox.card.families import FOREIGN
from sandbox.card.faults import FaultPlan, Happening, ResetByAnother, Step


class CardLeft(Exception):  # noqa: N818 -- an event, not a defect
    """The card left before it answered."""


class VirtualCard:
    """Thread-safe: one command at a time."""

    def __init__(self, atr: bytes, faults: FaultPlan | None = None) -> None:
        self.record = Record()
        self.misuse: list[str] = []
        """What no honest client asks of this card; tests want it empty."""
        self._true_atr = atr
        self._faults = faults or FaultPlan()
        self._lock = threading.RLock()
        self._happened: set[Step] = set()
        self._happening: Happening | None = None
        self._fresh = True

    @property
    def atr(self) -> bytes:
        """Empty when the card is mute."""
        return b"" if self._faults.mute else self._true_atr

    def power_on(self) -> None:
        self.reset()

    def power_off(self) -> None:
        self.reset()

    def reset(self) -> None:
        with self._lock:
            self._fresh = True
            self._forget()

    def transmit(self, command: bytes) -> bytes:
        """One command APDU; its answer, data then status word. Raises CardLeft where the plan says so."""
        with self._lock:
            step = self._step(command)
            if self._fresh and self._plan(Step.CONNECT):
                raise CardLeft
            self._fresh = False
            wait = self._faults.every_answer_takes + (self._faults.slow.get(step, 0) if step else 0)
            if wait:
                self._faults.wait(wait)
            answer = self._faults.every_answer
            if answer is None and step is not None:
                answer = self._faults.answers.get(step)
            if answer is None:
                answer = self._answer(command)
            self.record.add(command, answer)
            over = self._step_over(command, answer)
            if over is not None:
                self._plan(over)
            return answer

    def happening(self) -> Happening | None:
        """What happens to the card now, told once. A reset has already been done when it is told."""
        with self._lock:
            told, self._happening = self._happening, None
            return told

    def _plan(self, step: Step) -> bool:
        happening = self._faults.after.get(step)
        if happening is None or step in self._happened:
            return False
        self._happened.add(step)
        self._happening = happening
        if isinstance(happening, ResetByAnother):
            self.reset()
            return False
        return True

    def _forget(self) -> None:
        """Loses all that a reset loses."""

    def _step(self, command: bytes) -> Step | None:
        """Which step this command belongs to."""

    def _step_over(self, command: bytes, answer: bytes) -> Step | None:
        """Which step is over once this answer is given."""

    def _answer(self, command: bytes) -> bytes:
        raise NotImplementedError


class ForeignCard(VirtualCard):
    """Whatever its answer to reset promises, it refuses every class of command."""

    def __init__(self, atr: bytes = FOREIGN, *, refusal: bytes = b"\x6e\x00", faults: FaultPlan | None = None) -> None:
        super().__init__(atr, faults)
        self._refusal = refusal

    def _answer(self, command: bytes) -> bytes:
        return self._refusal
