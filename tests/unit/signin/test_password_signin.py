"""Identifier and password: refusals that look and cost alike, attempts that are counted first."""

import pytest

from gateway.accounts.account import AccountStatus
from gateway.accounts.password_hash import Argon2Parameters, PasswordHasher
from gateway.journal.events import Outcome
from gateway.keys.purposes import Purpose
from gateway.signin.evidence import Means
from gateway.signin.journey import Step, TransactionMoved
from gateway.signin.password.signin import SigninRefused
from gateway.signin.policy import SigninPolicy
from tests.unit.signin.world import CONTEXT, PASSWORD, World, key


def refused(world: World, identifier: str, password: str) -> SigninRefused:
    with pytest.raises(SigninRefused) as refusal:
        world.password.submit(world.open(), identifier, password, CONTEXT)
    return refusal.value


@pytest.mark.spec("R002-11", "R002-12")
@pytest.mark.parametrize(
    "typed",
    ["claire", "  CLAIRE ", "claire@exemple.fr", "Claire@Exemple.FR", "99900000011", "999 000 000 11", "899900000011"],
)
def test_one_person_has_several_identifiers(typed: str) -> None:
    world = World()
    txn = world.password.submit(world.open(), typed, PASSWORD, CONTEXT)
    assert txn.account_id == world.claire.id
    assert [item.means for item in txn.evidence] == [Means.PASSWORD]


@pytest.mark.spec("THR-06")
def test_every_refusal_looks_and_costs_alike() -> None:
    world = World()
    for status in (AccountStatus.ARCHIVED, AccountStatus.BLOCKED, AccountStatus.INVITED):
        world.person(status.value, status=status)
    world.person("without", password=None)
    world.person("unverified", email_verified_at=None)
    cases = [("claire", "wrong password"), ("nobody", PASSWORD), ("99900000029", PASSWORD), ("without", PASSWORD)]
    cases += [("archived", PASSWORD), ("blocked", PASSWORD), ("invited", PASSWORD), ("unverified@exemple.fr", PASSWORD)]
    seen = set()
    for identifier, password in cases:
        hashes, lookups, lines = world.hasher.computed, world.accounts.lookups, len(world.written.events)
        refusal = refused(world, identifier, password)
        (line,) = world.written.events[lines:]
        seen.add(
            (
                refusal.code,
                refusal.text,
                tuple(refusal.facts.items()),
                world.hasher.computed - hashes,
                world.accounts.lookups - lookups,
                (line.name, line.outcome, line.actor, line.ip),
            )
        )
    expected_line = ("signin.password", Outcome.REFUSED, None, CONTEXT.ip)
    assert seen == {("signin_refused", "signin.refused", (), 1, 1, expected_line)}


@pytest.mark.spec("THR-07")
def test_an_unknown_identifier_costs_exactly_one_hash() -> None:
    world = World()
    before = world.hasher.computed
    refused(world, "nobody at all", "anything")
    assert world.hasher.computed == before + 1


@pytest.mark.spec("THR-01")
@pytest.mark.parametrize("identifier", ["claire", "nobody"])
def test_delays_grow_with_failures_whether_or_not_the_identifier_exists(identifier: str) -> None:
    world = World()
    waits = []
    for _ in range(12):
        refusal = refused(world, identifier, "wrong")
        wait = int(refusal.facts.get("retry_seconds", 0))
        waits.append(wait)
        if wait:
            world.clock.advance(wait - 0.001)
            assert refused(world, identifier, PASSWORD).detail == "delayed"
            world.clock.advance(0.001)
    assert waits == [0, 0, 5, 20, 90, 180, 360, 720, 1440, 2880, 3600, 3600]


@pytest.mark.spec("THR-02", "AC-002")
def test_during_a_delay_even_the_right_password_is_refused_alike() -> None:
    world = World()
    for _ in range(3):
        last = refused(world, "claire", "wrong")
    hashes = world.hasher.computed
    delayed = refused(world, "claire", PASSWORD)
    assert (delayed.code, delayed.text, delayed.facts) == (last.code, last.text, last.facts)
    assert world.hasher.computed == hashes + 1
    assert world.written.names()[-1] == "signin.delayed"
    world.clock.advance(5)
    assert world.step(world.with_password()) is Step.CODE


def test_the_right_password_forgets_the_failures() -> None:
    world = World()
    for _ in range(2):
        refused(world, "claire", "wrong")
    world.with_password()
    for _ in range(2):
        assert not refused(world, "claire", "wrong").facts


def test_every_way_to_write_one_identifier_counts_as_one() -> None:
    world = World()
    for typed in ("99900000011", "899900000011", "9 99 00000011"):
        last = refused(world, typed, "wrong")
    assert last.facts["retry_seconds"] == 5


@pytest.mark.spec("THR-01", "AC-003")
def test_one_account_fails_25_times_a_day_whichever_identifiers_are_typed() -> None:
    world = World(SigninPolicy(password_delays=(0,)))
    names = ["claire", "claire@exemple.fr", "99900000011"]
    for attempt in range(25):
        assert refused(world, names[attempt % 3], "wrong").detail == "refused"
    for name in names:
        assert refused(world, name, PASSWORD).facts == {}
    world.clock.advance(24 * 3600)
    assert world.with_password()


@pytest.mark.spec("THR-09")
def test_an_attempt_is_counted_before_the_password_is_hashed() -> None:
    world = World()

    class DeadError(Exception):
        pass

    def die(*_: object) -> bool:
        raise DeadError

    world.hasher.verify = die  # type: ignore[method-assign]
    for _ in range(3):
        with pytest.raises(DeadError):
            world.with_password()
    assert refused(world, "claire", PASSWORD).facts["retry_seconds"] == 5


@pytest.mark.spec("THR-10")
def test_without_the_store_nobody_signs_in() -> None:
    world = World()

    def unreachable(*_: object, **__: object) -> None:
        raise ConnectionError

    world.throttle.admit = unreachable  # type: ignore[method-assign,assignment]
    with pytest.raises(ConnectionError):
        world.with_password()


@pytest.mark.spec("PWD-05")
def test_a_hash_made_with_older_parameters_is_made_again_at_sign_in() -> None:
    world = World()
    older = PasswordHasher(key(Purpose.PASSWORD_PEPPER), world.randomness, Argon2Parameters(memory=32, passes=1))
    old = older.hash(world.claire.id, PASSWORD)
    world.change(world.claire, password_hash=old)
    world.with_password()
    new = world.accounts.records[world.claire.id].password_hash
    assert new is not None
    assert new != old
    assert not world.hasher.needs_rehash(world.claire.id, new)
    world.with_password()
    assert world.accounts.records[world.claire.id].password_hash == new


def test_another_persons_password_replaces_everything_that_was_proved() -> None:
    world = World()
    world.person("denis")
    txn = world.password.submit(world.with_code(), "denis", PASSWORD, CONTEXT)
    assert txn.account_id == "id-of-denis"
    assert [item.means for item in txn.evidence] == [Means.PASSWORD]
    assert world.step(txn) is Step.CODE


def test_a_stale_page_does_not_change_a_journey_that_went_on() -> None:
    world = World()
    txn = world.open()
    world.password.submit(txn, "claire", PASSWORD, CONTEXT)
    with pytest.raises(TransactionMoved):
        world.password.submit(txn, "claire", PASSWORD, CONTEXT)


def test_a_huge_password_is_refused_without_being_hashed_whole() -> None:
    world = World()
    assert refused(world, "claire", "x" * 1_000_000).code == "signin_refused"


@pytest.mark.spec("PWD-12")
def test_no_password_reaches_a_line_a_message_or_a_transaction() -> None:
    world = World()
    canary = "canary in the coal mine"
    refusal = refused(world, "claire", canary)
    world.signed_in()
    everything = repr((refusal, refusal.detail, refusal.facts, vars(world.transactions), vars(world.written)))
    assert canary not in everything
    assert PASSWORD not in everything
