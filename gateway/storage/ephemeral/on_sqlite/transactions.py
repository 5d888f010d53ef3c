"""Login transactions: opened once, saved by compare-and-set on their version, closed once."""

import sqlite3
from dataclasses import replace

from gateway.journal.effects import Effects
from gateway.signin.transaction import SigninTransaction
from gateway.storage.ephemeral.addresses import address_of, drawn_address
from gateway.storage.ephemeral.documents import dump_transaction, load_transaction
from gateway.storage.ephemeral.on_sqlite.database import Database
from gateway.storage.ephemeral.unavailable import RecordExistsError


class SqliteSigninTransactions:
    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, transaction: SigninTransaction, effects: Effects) -> None:
        address = drawn_address(transaction.handle)
        try:
            with self._database.step() as step:
                step.run(
                    "INSERT INTO transactions (digest, version, expires_at, document) VALUES (?, ?, ?, ?)",
                    address.digest,
                    transaction.version,
                    transaction.expires_at,
                    dump_transaction(transaction).decode(),
                )
                step.append(effects)
        except sqlite3.IntegrityError as error:
            raise RecordExistsError("transaction") from error

    def find(self, handle: str, now: float) -> SigninTransaction | None:
        address = address_of(handle)
        if address is None:
            return None
        row = self._database.row(
            "SELECT document FROM transactions WHERE digest = ? AND ? < expires_at", address.digest, now
        )
        return load_transaction(row[0], handle) if row else None

    def save(self, transaction: SigninTransaction, now: float, effects: Effects) -> bool:
        address = drawn_address(transaction.handle)
        saved = replace(transaction, version=transaction.version + 1)
        with self._database.step() as step:
            changed = step.run(
                "UPDATE transactions SET version = ?, expires_at = ?, document = ?"
                " WHERE digest = ? AND version = ? AND ? < expires_at",
                saved.version,
                saved.expires_at,
                dump_transaction(saved).decode(),
                address.digest,
                transaction.version,
                now,
            )
            if changed:
                step.append(effects)
        return changed == 1

    def close(self, transaction: SigninTransaction, now: float, effects: Effects) -> bool:
        address = drawn_address(transaction.handle)
        with self._database.step() as step:
            removed = step.run(
                "DELETE FROM transactions WHERE digest = ? AND version = ? AND ? < expires_at",
                address.digest,
                transaction.version,
                now,
            )
            if removed:
                step.append(effects)
        return removed == 1
