"""A linked identity as a row: subject, national identifier and RPPS are encrypted, and found by keyed hashes (CRY-01, CRY-04).

The subject of Pro Santé Connect contains the national identifier. Unlike a user name, an identifier asserted by others is
matched to the character: its hash is of its bytes, in hexadecimal, which no folding changes (LNK-05).
"""

from typing import Any

import sqlalchemy as sa

from gateway.accounts.identity_link import IdentityLink, LinkKind, LinkProof, LinkState
from gateway.keys.field_cipher import BlindIndex, FieldCipher, Place
from gateway.storage.sql.storable import storable
from gateway.storage.sql.tables import identity_link as table
from gateway.storage.sql.tables import national_identifier

_ENCRYPTED = ("subject", "national_id", "rpps")
_AS_THEY_ARE = ("id", "account_id", "created_at", "last_used_at", "ended_at", "ended_by", "frozen_until")


class IdentityRows:
    def __init__(self, cipher: FieldCipher, index: BlindIndex) -> None:
        self._cipher = cipher
        self._index = index

    def row(self, link: IdentityLink) -> dict[str, Any]:
        row: dict[str, Any] = {name: getattr(link, name) for name in _AS_THEY_ARE}
        row |= {name: self._seal(link.id, name, getattr(link, name)) for name in _ENCRYPTED}
        return row | {
            "kind": link.kind.value,
            "issuer": storable(link.issuer),
            "subject_index": self.subject_key(link.subject),
            "national_id_index": None if link.national_id is None else self.national_id_key(link.national_id),
            "proof": link.proof.value,
            "state": link.state.value,
        }

    def link(self, row: sa.Row[Any]) -> IdentityLink:
        said = row._mapping
        return IdentityLink(
            **{name: said[name] for name in _AS_THEY_ARE},
            **{name: self._open(row.id, name, said[name]) for name in _ENCRYPTED},  # type: ignore[arg-type]
            issuer=row.issuer,
            kind=LinkKind(row.kind),
            proof=LinkProof(row.proof),
            state=LinkState(row.state),
        )

    def owner_row(self, national_id: str, account_id: str, since: float) -> dict[str, Any]:
        """Whose the national identifier is from now on."""
        key = self.national_id_key(national_id)
        place = Place(national_identifier.name, "national_id", key.hex())
        sealed = self._cipher.seal(place, storable(national_id).encode())
        return {"national_id_index": key, "national_id": sealed, "account_id": account_id, "since": since}

    def subject_key(self, subject: str) -> bytes:
        return self._key("subject", subject)

    def national_id_key(self, national_id: str) -> bytes:
        return self._key("national_id", national_id)

    def _key(self, column: str, value: str) -> bytes:
        return self._index.of(table.name, column, storable(value).encode().hex())

    def _seal(self, link_id: str, column: str, value: str | None) -> bytes | None:
        return (
            None if value is None else self._cipher.seal(Place(table.name, column, link_id), storable(value).encode())
        )

    def _open(self, link_id: str, column: str, field: bytes | None) -> str | None:
        return None if field is None else self._cipher.open(Place(table.name, column, link_id), field).decode()
