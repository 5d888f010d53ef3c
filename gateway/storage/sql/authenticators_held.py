"""What an account holds beside its password, from four tables in one statement: each step of a sign-in asks."""

from typing import Any

import sqlalchemy as sa

from gateway.accounts.account import CodeChannel
from gateway.accounts.authenticator import HeldAuthenticators
from gateway.storage.sql.engine import Connections
from gateway.storage.sql.storable import storable
from gateway.storage.sql.tables import code_failures, passkey, recovery_code, totp_authenticator

_APPLICATION, _RECOVERY_CODE, _PASSKEY, _DISABLED = "application", "recovery_code", "passkey", "disabled"
_key = sa.bindparam("key", type_=sa.String)


def _rows(
    kind: str, name: sa.ColumnElement[Any], number: sa.ColumnElement[Any], *those: sa.ColumnElement[bool]
) -> sa.Select[Any]:
    return sa.select(sa.literal_column(f"'{kind}'"), sa.cast(name, sa.String), sa.cast(number, sa.Double)).where(*those)


_held = sa.union_all(
    _rows(
        _APPLICATION,
        sa.null(),
        totp_authenticator.c.failures,
        totp_authenticator.c.account_id == _key,
        totp_authenticator.c.revoked_at.is_(None),
        totp_authenticator.c.confirmed_at.is_not(None),
    ),
    _rows(
        _RECOVERY_CODE,
        sa.null(),
        sa.func.count(),
        recovery_code.c.account_id == _key,
        recovery_code.c.used_at.is_(None),
        recovery_code.c.revoked_at.is_(None),
    ),
    _rows(
        _PASSKEY,
        passkey.c.id,
        sa.cast(passkey.c.backup_eligible, sa.Integer),
        passkey.c.account_id == _key,
        passkey.c.revoked_at.is_(None),
        passkey.c.flagged_at.is_(None),
    ),
    _rows(
        _DISABLED,
        code_failures.c.channel,
        code_failures.c.disabled_at,
        code_failures.c.account_id == _key,
        code_failures.c.disabled_at.is_not(None),
    ),
)


class SqlAuthenticatorsHeld:
    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def of(self, account_id: str) -> HeldAuthenticators:
        with self._connections.reading() as connection:
            rows = connection.execute(_held, {"key": storable(account_id)}).all()
        return HeldAuthenticators(
            applications=tuple(int(failures) for kind, _, failures in rows if kind == _APPLICATION),
            recovery_codes=sum(int(left) for kind, _, left in rows if kind == _RECOVERY_CODE),
            passkeys={name: bool(eligible) for kind, name, eligible in rows if kind == _PASSKEY},
            disabled={CodeChannel(name): at for kind, name, at in rows if kind == _DISABLED},
        )
