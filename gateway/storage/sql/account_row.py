"""An account as a row: which columns are encrypted, which are indexed without being readable (CRY-01, CRY-04)."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from gateway.accounts.account import Account, AccountStatus, CodeChannel, KnownPerson, RppsProof
from gateway.keys.field_cipher import BlindIndex, FieldCipher, Place, folded
from gateway.storage.sql.storable import storable
from gateway.storage.sql.tables import account as table

ENCRYPTED = ("family_name", "given_name", "email", "recovery_email", "phone", "rpps", "password_hash")
KNOWN = ("id", "status", "profession", "language", "rpps_proof", "email_verified_at",
         "family_name", "given_name", "email", "rpps")  # fmt: skip
_AS_THEY_ARE = (
    "id", "email_verified_at", "email_changed_at", "recovery_email_verified_at", "phone_verified_at", "profession",
    "contact_version", "code_demanded_since", "language", "created_at", "archived_at", "last_signin_at", "last_signin_acr",
    "is_administrator", "password_set_at", "password_disabled_at", "must_change_password",
)  # fmt: skip


class AccountRows:
    def __init__(self, cipher: FieldCipher, index: BlindIndex) -> None:
        self._cipher = cipher
        self._index = index

    def row(self, account: Account) -> dict[str, Any]:
        row: dict[str, Any] = {name: getattr(account, name) for name in _AS_THEY_ARE}
        row |= {name: self.seal(account.id, name, getattr(account, name)) for name in ENCRYPTED}
        return row | {
            "username": storable(account.username),
            "username_folded": self.username_key(account.username),
            "email_index": self.email_key(account.email),
            "rpps_index": self.rpps_key(account.rpps) if account.rpps else None,
            "code_channel": account.code_channel.value,
            "rpps_proof": account.rpps_proof.value if account.rpps_proof else None,
            "status": account.status.value,
        }

    def account(self, row: sa.Row[Any]) -> Account:
        said = row._mapping
        return Account(
            **{name: said[name] for name in _AS_THEY_ARE},
            **{name: self.open(row.id, name, said[name]) for name in ENCRYPTED},  # type: ignore[arg-type]
            username=row.username,
            code_channel=CodeChannel(row.code_channel),
            rpps_proof=RppsProof(row.rpps_proof) if row.rpps_proof else None,
            status=AccountStatus(row.status),
        )

    def known(self, row: Sequence[Any], *, named: bool) -> KnownPerson:
        """`row` holds KNOWN, in this order."""
        account_id, status, profession, language, proof, email_verified_at, family_name, given_name, email, rpps = row
        return KnownPerson(
            account_id,
            AccountStatus(status),
            profession,
            language,
            RppsProof(proof) if proof else None,
            email_verified_at,
            family_name=(self.open(account_id, "family_name", family_name) or "") if named else "",
            given_name=(self.open(account_id, "given_name", given_name) or "") if named else "",
            email=(self.open(account_id, "email", email) or "") if named else "",
            rpps=self.open(account_id, "rpps", rpps) if named else None,
        )

    def seal(self, account_id: str, column: str, value: str | None) -> bytes | None:
        return None if value is None else self._cipher.seal(Place(table.name, column, account_id), value.encode())

    def open(self, account_id: str, column: str, field: bytes | None) -> str | None:
        return None if field is None else self._cipher.open(Place(table.name, column, account_id), field).decode()

    def username_key(self, username: str) -> str:
        return folded(storable(username))

    def email_key(self, email: str) -> bytes:
        return self._index.of(table.name, "email", storable(email))

    def rpps_key(self, rpps: str) -> bytes:
        return self._index.of(table.name, "rpps", storable(rpps))

    def phone_key(self, phone: str) -> bytes:
        return self._index.of(table.name, "phone", storable(phone))
