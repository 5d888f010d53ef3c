"""What the applications need from outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.applications.client import Client
from gateway.journal.effects import Effects


@dataclass(frozen=True, slots=True)
class SecretSlot:
    """One of at most two live secrets of a client: `digest` is SHA-256 of a 256-bit random secret."""

    client_id: str
    slot: int
    digest: bytes
    created_at: float
    expires_at: float | None
    last_used_at: float | None = None


class SecretsMovedError(Exception):
    """The client's live slots are no longer the ones a plan was made from; nothing was written."""


class Clients(Protocol):
    def find(self, client_id: str) -> Client | None: ...

    def all(self) -> Sequence[Client]: ...


class ClientSecrets(Protocol):
    def of(self, client_id: str) -> Sequence[SecretSlot]:
        """Live slots, newest first."""
        ...

    def rotate(self, new: SecretSlot, *, ending: Sequence[SecretSlot], at: float, effects: Effects) -> None:
        """Writes `new` and lets `ending` live no longer than `at`, with the effects, in one transaction (KEY-06, CLI-03).
        `ending` are all the live slots (at `new.created_at`) as the plan saw them; empty: the first secret. Raises
        SecretsMovedError when they are others by now, or when one of them has the number of `new`."""
        ...

    def put(self, slot: SecretSlot, effects: Effects) -> None:
        """Writes a slot, replacing the one with the same number, with its effects."""
        ...

    def expire(self, client_id: str, slot: int, at: float, effects: Effects) -> None: ...
