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


@pytest.mark.spec("PWD-13", "AC-014")
def test_of_two_hundred_at_once_the_queue_is_served_and_the_others_are_told_to_come_back() -> None:
    pool, together, go = HashingPool(at_once=1, waiting=12), threading.Barrier(201), threading.Event()
    told, guard = {"hashed": 0, "busy": 0}, threading.Lock()

    def one() -> None:
        together.wait()
        try:
            pool.run(lambda: go.wait(10))
        except HashingBusyError:
            said = "busy"
        else:
            said = "hashed"
        with guard:
            told[said] += 1

    threads = [threading.Thread(target=one) for _ in range(200)]
    for thread in threads:
        thread.start()
    together.wait()
    while told["busy"] < 187:
        threading.Event().wait(0.001)
    go.set()
    for thread in threads:
        thread.join()
    assert told == {"hashed": 13, "busy": 187}


def test_what_a_hash_raises_reaches_its_caller_and_gives_the_place_back() -> None:
    pool = HashingPool(at_once=1, waiting=0)
    for _ in range(3):
        with pytest.raises(ValueError, match="itself"):
            pool.run(_refuse)
