"""The record of every exchanged APDU, in which no code porteur ever appears (checklist VC-08)."""

from dataclasses import dataclass, field

_VERIFY, _CHANGE_REFERENCE, _RESET_COUNTER = 0x20, 0x24, 0x2C


def masked(command: bytes) -> bytes:
    """The command, with a star for every byte of a code."""
    if len(command) > 5 and command[1] in (_VERIFY, _CHANGE_REFERENCE, _RESET_COUNTER):
        return command[:5] + b"*" * (len(command) - 5)
    return command


@dataclass(frozen=True)
class Exchange:
    command: bytes
    """Masked."""
    answer: bytes

    @property
    def status(self) -> str:
        return self.answer[-2:].hex().upper()


@dataclass
class Record:
    """In the order of the exchanges, over all insertions of the card."""

    exchanges: list[Exchange] = field(default_factory=list)

    def add(self, command: bytes, answer: bytes) -> None:
        self.exchanges.append(Exchange(masked(command), answer))

    def commands(self) -> list[str]:
        """Upper-case hexadecimal, the stars of a masked code as `2A`: what golden lists are compared with."""
        return [exchange.command.hex().upper() for exchange in self.exchanges]

    def count(self, instruction: int) -> int:
        """How many commands with this INS byte were sent."""
        return sum(len(e.command) > 1 and e.command[1] == instruction for e in self.exchanges)

    def clear(self) -> None:
        self.exchanges.clear()
