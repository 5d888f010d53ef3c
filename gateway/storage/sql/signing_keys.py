"""Signing keys at rest: private halves encrypted, forgotten when a key is retired (KEY-01, KEY-09, CRY-01).

One row counts the changes; a plan made from another count is refused. One active key per algorithm, by constraint.
"""

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from gateway.journal.effects import Effects
from gateway.keys.field_cipher import FieldCipher, Place
from gateway.keys.ports import KeysMovedError
from gateway.keys.signing_key import Algorithm, KeyState, SigningKey
from gateway.storage.sql.effects import record
from gateway.storage.sql.engine import Connections
from gateway.storage.sql.tables import signing_key as table
from gateway.storage.sql.tables import signing_key_version as counter
from gateway.storage.sql.upsert import insert_or_replace

_all = sa.select(table).where(table.c.state != KeyState.RETIRED.value).order_by(table.c.created_at, table.c.kid)
_version = sa.select(counter.c.version)


class SqlSigningKeys:
    def __init__(self, connections: Connections, cipher: FieldCipher, node: str) -> None:
        self._connections = connections
        self._cipher = cipher
        self._node = node

    def all(self) -> Sequence[SigningKey]:
        with self._connections.reading() as connection:
            rows = connection.execute(_all).all()
        return [self._key(row) for row in rows]

    def version(self) -> int:
        with self._connections.reading() as connection:
            return int(connection.execute(_version).scalar_one())

    def replace(self, keys: Sequence[SigningKey], *, expected_version: int, effects: Effects) -> None:
        # An active key steps down before its successor steps up: the constraint is checked row by row.
        rows = [self._row(key) for key in sorted(keys, key=lambda key: key.state is KeyState.ACTIVE)]
        with self._connections.writing() as connection:
            moved = connection.execute(
                sa.update(counter).where(counter.c.version == expected_version).values(version=expected_version + 1)
            )
            if moved.rowcount != 1:
                raise KeysMovedError(f"the keys are no longer at version {expected_version}")
            for row in rows:
                insert_or_replace(connection, table, [row])
            record(connection, effects, node=self._node)

    def _row(self, key: SigningKey) -> dict[str, Any]:
        retired = key.state is KeyState.RETIRED
        return {
            "kid": key.kid,
            "algorithm": key.algorithm.value,
            "state": key.state.value,
            "public_jwk": json.dumps(dict(key.public_jwk), sort_keys=True),
            "private_pem": None if retired else self._cipher.seal(_place(key.kid), key.private_pem),
            "created_at": key.created_at,
            "state_since": key.state_since,
        }

    def _key(self, row: sa.Row[Any]) -> SigningKey:
        return SigningKey(
            kid=row.kid,
            algorithm=Algorithm(row.algorithm),
            state=KeyState(row.state),
            public_jwk=json.loads(row.public_jwk),
            private_pem=self._cipher.open(_place(row.kid), row.private_pem),
            created_at=row.created_at,
            state_since=row.state_since,
        )


def _place(kid: str) -> Place:
    return Place(table.name, "private_pem", kid)
