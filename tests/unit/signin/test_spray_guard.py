"""One password on many identifiers from one address: slowed down, never blocked; hospitals are spared."""

from dataclasses import replace

import pytest

from gateway.signin.gone import TransactionMoved
from gateway.signin.journey import Step
from gateway.signin.password.signin import SigninRefused
from gateway.signin.password.spray_guard import MustWait
from gateway.signin.request_context import RequestContext
from gateway.signin.transaction import SigninTransaction
from tests.unit.signin.world import CONTEXT, PASSWORD, World


def from_address(ip: str, place: str | None = None) -> RequestContext:
    return replace(CONTEXT, ip=ip, place=place)


def spray(world: World, number: int, context: RequestContext = CONTEXT) -> str:
    """`judged` or `waits`."""
    try:
        world.password.submit(world.open(), f"identifier-{number}", "Printemps2026!", context)
    except MustWait:
        return "waits"
    except SigninRefused:
        return "judged"
    raise AssertionError("nobody has this password")


@pytest.mark.spec("THR-05", "AC-005")
def test_one_password_on_two_hundred_identifiers_is_judged_twenty_times_and_an_alert_is_written() -> None:
    world = World()
    said = [spray(world, number) for number in range(200)]
    assert said.count("judged") == 20
    (alert,) = world.written.of("signin.spray")
    assert (alert.ip, alert.target, alert.details) == (CONTEXT.ip, None, {"count": 20})
    world.clock.advance(300)
    assert spray(world, 1000) == "judged"


@pytest.mark.spec("THR-05", "AC-006")
def test_four_hundred_colleagues_behind_one_declared_address_wait_for_nothing() -> None:
    world = World()
    hospital = from_address("198.51.100.9", place="CH de la Garrigue (fictif)")
    for number in range(400):
        name = f"agent{number}"
        world.person(name)
        if number % 4 == 0:  # a quarter of them mistype first
            with pytest.raises(SigninRefused):
                world.password.submit(world.open(), name, "mistyped", hospital)
            if number % 3 == 0:  # and some of these give up
                continue
        assert world.password.submit(world.open(), name, PASSWORD, hospital).account_id
    assert world.written.of("signin.spray") == []
    for number in range(250):
        spray(world, number, hospital)
    assert len(world.written.of("signin.spray")) == 1  # a higher limit, and not none


@pytest.mark.spec("THR-05")
@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("192.0.2.7", "192.0.2.8", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
    ],
    ids=["two IPv4", "one /64", "two /64"],
)
def test_an_address_is_one_ipv4_or_64_bits_of_ipv6(one: str, other: str, together: bool) -> None:
    world = World()
    for number in range(20):
        spray(world, number, from_address(one))
    assert spray(world, 99, from_address(other)) == ("waits" if together else "judged")


def pressed() -> tuple[World, SigninTransaction]:
    world = World()
    for number in range(20):
        spray(world, number)
    return world, world.open()


@pytest.mark.spec("THR-05", "THR-13")
def test_the_wait_runs_while_the_person_types_and_then_the_right_password_opens() -> None:
    world, txn = pressed()
    txn, seconds = world.spray.turn(txn, CONTEXT)
    assert seconds == 5
    again, later = world.spray.turn(txn, CONTEXT)
    assert (again, later) == (txn, 5)  # looking again begins no other wait
    world.clock.advance(5)
    assert world.spray.turn(txn, CONTEXT)[1] == 0
    txn = world.password.submit(txn, "claire", PASSWORD, CONTEXT)
    assert world.step(txn) is Step.CODE


@pytest.mark.spec("THR-05", "THR-13")
def test_without_a_script_the_page_says_how_long_is_left_and_nothing_is_lost() -> None:
    world, txn = pressed()
    hashes = world.hasher.computed
    with pytest.raises(MustWait) as wait:
        world.password.submit(txn, "claire", PASSWORD, CONTEXT)
    assert wait.value.facts["retry_seconds"] == 5
    world.clock.advance(4.5)
    with pytest.raises(MustWait) as wait:
        world.password.submit(world.stored(txn), "claire", PASSWORD, CONTEXT)
    assert wait.value.facts["retry_seconds"] == 1
    assert world.hasher.computed == hashes
    world.clock.advance(0.5)
    assert world.password.submit(world.stored(txn), "claire", PASSWORD, CONTEXT)


@pytest.mark.spec("THR-05")
def test_a_turn_serves_once() -> None:
    world, txn = pressed()
    txn, _ = world.spray.turn(txn, CONTEXT)
    world.clock.advance(5)
    with pytest.raises(SigninRefused):
        world.password.submit(txn, "identifier-200", "Printemps2026!", CONTEXT)
    with pytest.raises(TransactionMoved):
        world.password.submit(txn, "identifier-201", "Printemps2026!", CONTEXT)
    with pytest.raises(MustWait):
        world.password.submit(world.stored(txn), "identifier-201", "Printemps2026!", CONTEXT)


@pytest.mark.spec("THR-05")
def test_whoever_waits_in_many_tabs_is_judged_about_once_a_second() -> None:
    world, _ = pressed()
    tabs = [world.spray.turn(world.open(), CONTEXT)[0] for _ in range(40)]
    judged = 0
    world.clock.advance(10)
    for number, txn in enumerate(tabs):
        try:
            world.password.submit(txn, f"other-{number}", "Printemps2026!", CONTEXT)
        except MustWait:
            continue
        except SigninRefused:
            judged += 1
    assert judged == 6  # at 5, 6, 7, 8, 9 and 10 seconds


@pytest.mark.spec("THR-05", "THR-06")
def test_who_must_wait_is_told_the_same_whether_the_identifier_exists() -> None:
    seen = set()
    for identifier in ("claire", "nobody"):
        world, txn = pressed()
        lookups, hashes = world.accounts.lookups, world.hasher.computed
        with pytest.raises(MustWait) as wait:
            world.password.submit(txn, identifier, PASSWORD, CONTEXT)
        seen.add((wait.value.text, tuple(wait.value.facts.items())))
        assert (world.accounts.lookups, world.hasher.computed) == (lookups, hashes)
    assert len(seen) == 1
