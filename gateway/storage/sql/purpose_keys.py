"""The purpose keys at rest: one row per key in `data_key`, wrapped under the key-encryption key (CRY-01, KEY-04).

Opened once and kept. A key that another process adds is seen at the next start; but a field sealed under an epoch not
seen yet makes the keys be read again. Refuses a successor to a key whose work nothing here could make again.
"""

from collections.abc import Mapping

import sqlalchemy as sa

from gateway.journal.effects import Effects
from gateway.keys.key_encryption_key import KeyEncryptionKey
from gateway.keys.purpose_keys import STAYING, KeyStaysError, WrappedKey, draw, unwrap, wrap
from gateway.keys.purposes import Purpose, PurposeKey
from gateway.randomness import Randomness
from gateway.storage.sql.broken_rule import BrokenRuleError
from gateway.storage.sql.effects import instant_of, record
from gateway.storage.sql.engine import Connections
from gateway.storage.sql.tables import data_key

_FIRST_EPOCH = 1
_known_purposes = [purpose.value for purpose in Purpose]
_all = sa.select(data_key).where(data_key.c.purpose.in_(_known_purposes)).order_by(data_key.c.purpose, data_key.c.epoch)


class SqlPurposeKeys:
    def __init__(self, connections: Connections, kek: KeyEncryptionKey, randomness: Randomness, node: str) -> None:
        self._connections = connections
        self._kek = kek
        self._randomness = randomness
        self._node = node
        self._opened: Mapping[Purpose, Mapping[int, PurposeKey]] = {}

    def get(self, purpose: Purpose) -> PurposeKey:
        return self._newest(purpose)[1]

    def add(self, key: PurposeKey, effects: Effects) -> None:
        """Raises KeyStaysError for a successor that may not be, BrokenRuleError when another one came meanwhile."""
        epochs = self._read().get(key.purpose, {})
        if epochs and key.purpose in STAYING:
            raise KeyStaysError(f"the {key.purpose} key cannot be replaced yet")
        epoch = max(epochs, default=_FIRST_EPOCH - 1) + 1
        with self._connections.writing() as connection:
            connection.execute(sa.insert(data_key), self._row(key, epoch, instant_of(effects)))
            record(connection, effects, node=self._node)
        self._opened = {}

    def initialise(self, effects: Effects) -> tuple[Purpose, ...]:
        """Draws the keys that are missing and says which; effects are written only if there was one. When another
        process does the same at the same time, its keys stand."""
        missing = tuple(purpose for purpose in Purpose if purpose not in self._read())
        if missing:
            created_at = instant_of(effects)
            rows = [self._row(draw(purpose, self._randomness), _FIRST_EPOCH, created_at) for purpose in missing]
            try:
                with self._connections.writing() as connection:
                    connection.execute(sa.insert(data_key), rows)
                    record(connection, effects, node=self._node)
            except BrokenRuleError as error:
                if error.rule != "uq_data_key_epoch":
                    raise
                missing = ()
        self._opened = {}
        return missing

    def newest(self) -> tuple[int, PurposeKey]:
        return self._newest(Purpose.FIELD_ENCRYPTION)

    def of_epoch(self, epoch: int) -> PurposeKey:
        known = self._opened.get(Purpose.FIELD_ENCRYPTION, {}).get(epoch)
        return known or self._read()[Purpose.FIELD_ENCRYPTION][epoch]

    def _newest(self, purpose: Purpose) -> tuple[int, PurposeKey]:
        epochs = self._opened.get(purpose) or self._read()[purpose]
        epoch = max(epochs)
        return epoch, epochs[epoch]

    def _read(self) -> Mapping[Purpose, Mapping[int, PurposeKey]]:
        opened: dict[Purpose, dict[int, PurposeKey]] = {}
        with self._connections.reading() as connection:
            for row in connection.execute(_all):
                purpose = Purpose(row.purpose)
                wrapped = WrappedKey(row.id, purpose, row.epoch, row.kek_id, row.wrapped, row.created_at)
                opened.setdefault(purpose, {})[row.epoch] = unwrap(wrapped, self._kek)
        self._opened = opened
        return opened

    def _row(self, key: PurposeKey, epoch: int, created_at: float | None) -> dict[str, object]:
        wrapped = wrap(key, epoch=epoch, kek=self._kek, randomness=self._randomness, created_at=created_at)
        return {
            "id": wrapped.id,
            "purpose": wrapped.purpose.value,
            "epoch": wrapped.epoch,
            "kek_id": wrapped.kek_id,
            "wrapped": wrapped.wrapped,
            "created_at": wrapped.created_at,
        }
