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


class Clients(Protocol):
    def find(self, client_id: str) -> Client | None: ...

    def all(self) -> Sequence[Client]: ...


class ClientSecrets(Protocol):
    def of(self, client_id: str) -> Sequence[SecretSlot]:
        """Live slots, newest first."""
        ...

    def put(self, slot: SecretSlot, effects: Effects) -> None:
        """Writes a slot, replacing the one with the same number, with its effects."""
        ...

    def expire(self, client_id: str, slot: int, at: float, effects: Effects) -> None: ...
