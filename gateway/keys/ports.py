"""What the keys need from outside."""

from collections.abc import Sequence
from typing import Protocol

from gateway.journal.effects import Effects
from gateway.keys.purposes import Purpose, PurposeKey
from gateway.keys.signing_key import SigningKey


class KeysMovedError(Exception):
    """The stored keys are no longer the ones a plan was made from."""


class SigningKeyStore(Protocol):
    def all(self) -> Sequence[SigningKey]:
        """Every key that is not retired, opened, oldest first."""
        ...

    def version(self) -> int:
        """Grows with each change: a cheap read to learn whether `all` must be read again."""
        ...

    def replace(self, keys: Sequence[SigningKey], *, expected_version: int, effects: Effects) -> None:
        """Writes these keys (added or changed state) in one transaction; raises KeysMovedError if the version moved."""
        ...


class PurposeKeyStore(Protocol):
    def get(self, purpose: Purpose) -> PurposeKey:
        """The current key of a purpose; KeyError when the store was never initialised."""
        ...

    def add(self, key: PurposeKey, effects: Effects) -> None: ...
