"""Login transactions: opened once, saved by compare-and-set on their version, closed once."""

from dataclasses import replace

from gateway.journal.effects import Effects
from gateway.signin.transaction import SigninTransaction
from gateway.storage.ephemeral.addresses import Address, address_of, drawn_address
from gateway.storage.ephemeral.documents import dump_transaction, load_transaction
from gateway.storage.ephemeral.on_redis.link import RedisLink
from gateway.storage.ephemeral.on_redis.scripts import EffectsPacker, key
from gateway.storage.ephemeral.unavailable import RecordExistsError


class RedisSigninTransactions:
    def __init__(self, link: RedisLink, pack: EffectsPacker) -> None:
        self._link, self._pack = link, pack

    def open(self, transaction: SigninTransaction, effects: Effects) -> None:
        opened = self._link.run(
            "transaction_open",
            [_key(drawn_address(transaction.handle))],
            transaction.opened_at,
            transaction.expires_at,
            transaction.version,
            dump_transaction(transaction),
            self._pack(effects),
        )
        if not opened:
            raise RecordExistsError("transaction")

    def find(self, handle: str, now: float) -> SigninTransaction | None:
        address = address_of(handle)
        if address is None:
            return None
        document, expires_at = self._link.read("HMGET", _key(address), "document", "expires_at")
        if document is None or now >= float(expires_at):
            return None
        return load_transaction(document, handle)

    def save(self, transaction: SigninTransaction, now: float, effects: Effects) -> bool:
        saved = replace(transaction, version=transaction.version + 1)
        return bool(
            self._link.run(
                "transaction_save",
                [_key(drawn_address(transaction.handle))],
                now,
                transaction.version,
                saved.version,
                saved.expires_at,
                dump_transaction(saved),
                self._pack(effects),
            )
        )

    def close(self, transaction: SigninTransaction, now: float, effects: Effects) -> bool:
        return bool(
            self._link.run(
                "transaction_close",
                [_key(drawn_address(transaction.handle))],
                now,
                transaction.version,
                self._pack(effects),
            )
        )


def _key(address: Address) -> str:
    return key(address.partition, "transaction", address.digest)
