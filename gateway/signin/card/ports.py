"""What the card's rules need from outside: linking, and revocation lists, kept durably and fetched ahead of time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gateway.journal.effects import Effects
from gateway.signin.card.environment import Anchor
from gateway.signin.linking.identity import ProvedIdentity
from gateway.signin.request_context import RequestContext
from gateway.signin.transaction import SigninTransaction


class Arrivals(Protocol):
    """Linking, as far as a proved identity needs it."""

    def begin(self, txn: SigninTransaction, identity: ProvedIdentity, context: RequestContext) -> SigninTransaction: ...

    def begin_activation(
        self, txn: SigninTransaction, token: str, identity: ProvedIdentity, context: RequestContext
    ) -> SigninTransaction: ...


@dataclass(frozen=True, slots=True)
class StoredList:
    """One revocation list as its authority signed it. `authority` is the SHA-256 of the authority's certificate; instants are
    seconds since the epoch."""

    authority: str
    number: int
    this_update: float
    next_update: float
    der: bytes = field(repr=False)


class RevocationListStore(Protocol):
    def numbers(self) -> Mapping[str, int]:
        """The number of each authority's list: cheap, to know whether something changed."""
        ...

    def find(self, authority: str) -> StoredList | None: ...

    def keep(self, fetched: StoredList, effects: Effects) -> bool:
        """Replaces the authority's list if the new one's number is higher, in one step with its effects. False otherwise: a
        number never goes down, whoever writes at the same time."""
        ...


class ListUnavailableError(Exception):
    """No list was had from where it is published; the message names no address."""


class RevocationListSource(Protocol):
    def fetch(self, anchor: Anchor) -> bytes:
        """The list as it is published now, unverified. Raises ListUnavailableError."""
        ...
