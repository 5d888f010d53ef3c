"""Login transactions, on every engine."""

from dataclasses import replace

import pytest

from gateway.journal.effects import NO_EFFECTS
from gateway.storage.ephemeral import EphemeralStore, RecordExistsError
from tests.contract.ephemeral.conftest import AtOnce
from tests.contract.ephemeral.ephemeral_samples import MILLISECOND, NOW, a_transaction, because_of, drained


def test_a_transaction_comes_back_as_it_was_opened(store: EphemeralStore) -> None:
    opened = a_transaction(extra={"device": "x"}, account_id="someone")
    store.transactions.open(opened, NO_EFFECTS)
    assert store.transactions.find(opened.handle, NOW) == opened


def test_a_transaction_exists_until_a_millisecond_before_its_end_and_not_at_it(store: EphemeralStore) -> None:
    opened = a_transaction(expires_at=NOW + 900)
    store.transactions.open(opened, NO_EFFECTS)
    assert store.transactions.find(opened.handle, NOW + 900 - MILLISECOND) == opened
    assert store.transactions.find(opened.handle, NOW + 900) is None
    assert not store.transactions.save(opened, NOW + 900, because_of("late save"))
    assert not store.transactions.close(opened, NOW + 900, because_of("late close"))
    assert drained(store.spool) == []
    assert store.transactions.save(opened, NOW + 900 - MILLISECOND, because_of("save in time"))
    assert drained(store.spool) == ["save in time"]


def test_a_handle_is_opened_once(store: EphemeralStore) -> None:
    opened = a_transaction()
    store.transactions.open(opened, because_of("first"))
    with pytest.raises(RecordExistsError):
        store.transactions.open(replace(opened, browser="another"), because_of("second"))
    assert store.transactions.find(opened.handle, NOW) == opened
    assert drained(store.spool) == ["first"]


def test_a_save_needs_the_version_that_was_read(store: EphemeralStore) -> None:
    opened = a_transaction()
    store.transactions.open(opened, NO_EFFECTS)
    assert store.transactions.save(replace(opened, account_id="first"), NOW, because_of("first"))
    assert not store.transactions.save(replace(opened, account_id="second"), NOW, because_of("second"))
    found = store.transactions.find(opened.handle, NOW)
    assert found == replace(opened, account_id="first", version=2)
    assert drained(store.spool) == ["first"]


def test_of_fifty_parallel_saves_from_one_version_one_succeeds(store: EphemeralStore, at_once: AtOnce) -> None:
    opened = a_transaction()
    store.transactions.open(opened, NO_EFFECTS)
    saved = at_once(50, lambda: store.transactions.save(opened, NOW, because_of("saved")))
    assert saved.count(True) == 1
    assert drained(store.spool) == ["saved"]


def test_of_fifty_parallel_closings_one_succeeds(store: EphemeralStore, at_once: AtOnce) -> None:
    opened = a_transaction()
    store.transactions.open(opened, NO_EFFECTS)
    closed = at_once(50, lambda: store.transactions.close(opened, NOW, because_of("closed")))
    assert closed.count(True) == 1
    assert store.transactions.find(opened.handle, NOW) is None
    assert drained(store.spool) == ["closed"]


def test_a_closing_needs_the_version_that_was_read(store: EphemeralStore) -> None:
    opened = a_transaction()
    store.transactions.open(opened, NO_EFFECTS)
    store.transactions.save(opened, NOW, NO_EFFECTS)
    assert not store.transactions.close(opened, NOW, NO_EFFECTS)
    assert store.transactions.close(replace(opened, version=2), NOW, NO_EFFECTS)


@pytest.mark.parametrize("handle", ["", "x", "é" * 44, "7" + "\udcff" * 43, "7" * 5000, "7 nobody"])
def test_a_handle_that_was_never_drawn_is_unknown(store: EphemeralStore, handle: str) -> None:
    assert store.transactions.find(handle, NOW) is None
    assert store.sessions.find(handle, NOW) is None
    assert store.sessions.use(handle, NOW) is None
    assert store.sessions.end(handle, NOW, NO_EFFECTS) is None
    assert store.one_time_codes.find(handle, NOW) is None
