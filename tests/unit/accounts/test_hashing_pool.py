"""Passwords are hashed a few at a time; beyond a short queue, whoever comes is told at once."""

import threading

import pytest

from gateway.accounts.hashing_pool import HashingBusyError, HashingPool


def _refuse() -> None:
    raise ValueError("of the hashing itself")


@pytest.mark.spec("PWD-13")
def test_beyond_the_queue_the_next_is_refused_at_once_and_the_places_come_back() -> None:
    pool, go = HashingPool(at_once=1, waiting=2), threading.Event()
    places = threading.Barrier(4)

    def hashing() -> bool:
        return go.wait(10)

    def one() -> None:
        places.wait()
        pool.run(hashing)

    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    places.wait()
    while pool._places._value:  # the three have taken their places
        threading.Event().wait(0.001)
    with pytest.raises(HashingBusyError):
        pool.run(hashing)
    go.set()
    for thread in threads:
        thread.join()
    assert pool.run(lambda: "hashed") == "hashed"


def test_what_a_hash_raises_reaches_its_caller_and_gives_the_place_back() -> None:
    pool = HashingPool(at_once=1, waiting=0)
    for _ in range(3):
        with pytest.raises(ValueError, match="itself"):
            pool.run(_refuse)
