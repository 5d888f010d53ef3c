"""Pushed authorization requests, on every engine."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.storage.ephemeral import EphemeralStore, RecordExistsError
from tests.contract.ephemeral.conftest import AtOnce, Run
from tests.contract.ephemeral.ephemeral_samples import MILLISECOND, NOW, a_pushed_request, because_of, drained


@pytest.mark.spec("OID-06")
def test_a_request_is_taken_once_as_it_was_pushed(store: EphemeralStore, run: Run[Any]) -> None:
    pushed = a_pushed_request()
    run(store.pushes.push(pushed, because_of("pushed")))
    assert store.pushed_requests.take(pushed.handle, "orientation", NOW) == pushed
    assert store.pushed_requests.take(pushed.handle, "orientation", NOW) is None
    assert drained(store.spool) == ["pushed"]


@pytest.mark.spec("OID-06")
def test_a_request_exists_until_a_millisecond_before_its_end_and_not_at_it(
    store: EphemeralStore, run: Run[Any]
) -> None:
    early, late = a_pushed_request(), a_pushed_request()
    for request in (early, late):
        run(store.pushes.push(request, because_of("pushed")))
    assert store.pushed_requests.take(late.handle, "orientation", NOW + 90) is None
    assert store.pushed_requests.take(early.handle, "orientation", NOW + 90 - MILLISECOND) == early


@pytest.mark.spec("OID-06")
def test_another_client_neither_gets_nor_spends_it(store: EphemeralStore, run: Run[Any]) -> None:
    pushed = a_pushed_request()
    run(store.pushes.push(pushed, because_of("pushed")))
    assert store.pushed_requests.take(pushed.handle, "suivi", NOW) is None
    assert store.pushed_requests.take(pushed.handle, "", NOW) is None
    assert store.pushed_requests.take(pushed.handle, "orientation", NOW) == pushed


def test_a_handle_is_pushed_once(store: EphemeralStore, run: Run[Any]) -> None:
    pushed = a_pushed_request()
    run(store.pushes.push(pushed, because_of("first")))
    with pytest.raises(RecordExistsError):
        run(store.pushes.push(replace(pushed, client_id="suivi"), because_of("second")))
    assert store.pushed_requests.take(pushed.handle, "orientation", NOW) == pushed
    assert drained(store.spool) == ["first"]


@pytest.mark.spec("OID-06")
def test_of_fifty_parallel_takings_one_succeeds(store: EphemeralStore, run: Run[Any], at_once: AtOnce) -> None:
    pushed = a_pushed_request()
    run(store.pushes.push(pushed, because_of("pushed")))
    taken = at_once(50, lambda: store.pushed_requests.take(pushed.handle, "orientation", NOW))
    assert [request for request in taken if request is not None] == [pushed]


@pytest.mark.parametrize("handle", ["", "x", "g" * 44, "0" * 5000, "é", "0\0"])
def test_a_malformed_handle_is_unknown(store: EphemeralStore, handle: str) -> None:
    assert store.pushed_requests.take(handle, "orientation", NOW) is None


def test_what_nobody_takes_is_removed(store: EphemeralStore, ephemeral_url: str, run: Run[Any]) -> None:
    pushed = a_pushed_request()
    run(store.pushes.push(pushed, because_of("pushed")))
    assert store.purge(NOW + 90 - MILLISECOND) == 0
    removed = store.purge(NOW + 90)
    if ephemeral_url.startswith("sqlite"):  # the keys of Redis end by themselves
        assert removed == 1
        assert store.pushed_requests.take(pushed.handle, "orientation", NOW) is None
