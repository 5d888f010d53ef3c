"""How a purpose key is drawn, wrapped for the database and opened again (CRY-01, KEY-04).

A purpose has successive keys, numbered by epoch; the newest is current. The wrapping binds the key to its identifier,
its purpose and its epoch: a wrapped key moved to another row, or relabelled, does not open. Refuses another KEK by name.
"""

from dataclasses import dataclass

from gateway.keys.envelope import KEY_OCTETS
from gateway.keys.key_encryption_key import KeyEncryptionKey
from gateway.keys.purposes import Purpose, PurposeKey
from gateway.randomness import Randomness, identifier


class WrongKeyEncryptionKeyError(Exception):
    """The keys in the database are wrapped by another key-encryption key than the one that was loaded."""


class KeyStaysError(Exception):
    """What this key made must be made again before it may have a successor."""


STAYING = frozenset({Purpose.BLIND_INDEX, Purpose.PASSWORD_PEPPER, Purpose.PAIRWISE_SUBJECT})
"""Purposes whose first key has no successor: stored indexes and password hashes do not say which key made them, and the
pairwise subjects are what applications know people by, for as long as the accounts live."""


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """What the database holds. `created_at` is in seconds since the epoch, when it is known."""

    id: str
    purpose: Purpose
    epoch: int
    kek_id: str
    wrapped: bytes
    created_at: float | None


def draw(purpose: Purpose, randomness: Randomness) -> PurposeKey:
    return PurposeKey(purpose, randomness(KEY_OCTETS))


def wrap(
    key: PurposeKey, *, epoch: int, kek: KeyEncryptionKey, randomness: Randomness, created_at: float | None
) -> WrappedKey:
    key_id = identifier(randomness)
    wrapped = kek.wrap(
        key.for_purpose(key.purpose), context=_context(key_id, key.purpose, epoch), randomness=randomness
    )
    return WrappedKey(key_id, key.purpose, epoch, kek.id, wrapped, created_at)


def unwrap(wrapped: WrappedKey, kek: KeyEncryptionKey) -> PurposeKey:
    """Raises WrongKeyEncryptionKeyError, or UnreadableError when the row was altered."""
    if wrapped.kek_id != kek.id:
        raise WrongKeyEncryptionKeyError(
            f"the database's keys are wrapped by the key-encryption key {wrapped.kek_id}; the one given is {kek.id}"
        )
    context = _context(wrapped.id, wrapped.purpose, wrapped.epoch)
    return PurposeKey(wrapped.purpose, kek.unwrap(wrapped.wrapped, expected_context=context))


def _context(key_id: str, purpose: Purpose, epoch: int) -> tuple[bytes, ...]:
    return (b"data_key", b"wrapped", key_id.encode(), purpose.encode(), str(epoch).encode())
