"""Another password: demanded by the service, or wanted by its holder; and the hundredth failure."""

from collections.abc import Callable

import pytest

from gateway.accounts.one_time_link import LinkPurpose, link_token
from gateway.accounts.password_policy import PasswordKnown, PasswordTooWeak, PasswordUnchanged
from gateway.accounts.password_renewal import must_renew
from gateway.journal.effects import NO_EFFECTS
from gateway.signin.evidence import Evidence, Means
from gateway.signin.journey import Step, TransactionMoved
from gateway.signin.password.disabling import disable_password
from gateway.signin.password.new_password import CurrentPasswordRefused, NoFreshProof
from gateway.signin.password.signin import SigninRefused
from gateway.signin.policy import DAY, SigninPolicy, Window
from gateway.signin.transaction import Demand
from tests.unit.signin.world import CONTEXT, PASSWORD, World

NEW = "la mésange bleue se pose"


def administrator(world: World, **changes: object) -> None:
    world.change(world.claire, is_administrator=True, **changes)


@pytest.mark.spec("R001-08")
def test_a_demanded_password_comes_after_both_factors_and_before_anything_is_issued() -> None:
    world = World()
    world.change(world.claire, must_change_password=True)
    txn = world.with_password()
    assert world.step(txn) is Step.CODE
    with pytest.raises(TransactionMoved):
        world.new_password.renew(world.stored(txn), NEW, CONTEXT)
    txn = world.with_code()
    assert world.step(txn) is Step.NEW_PASSWORD
    with pytest.raises(TransactionMoved):
        world.complete(txn)
    world.new_password.renew(txn, NEW, CONTEXT)
    assert world.step(txn) is Step.COMPLETE
    assert world.complete(txn)
    assert not world.accounts.records[world.claire.id].must_change_password
    assert [item.payload["what"] for item in world.written.sent("notice")] == ["password_changed"]
    with pytest.raises(SigninRefused):
        world.with_password()
    assert world.password.submit(world.open(), "claire", NEW, CONTEXT)


@pytest.mark.spec("R001-08")
@pytest.mark.parametrize(
    ("new", "refusal"),
    [(PASSWORD, PasswordUnchanged), ("court", PasswordTooWeak), ("motdepasse2026!", PasswordKnown)],
    ids=["unchanged", "short", "known"],
)
def test_the_new_one_is_another_one_and_passes_the_policy(new: str, refusal: type[PasswordTooWeak]) -> None:
    world = World()
    world.change(world.claire, must_change_password=True)
    txn = world.with_code()
    with pytest.raises(refusal):
        world.new_password.renew(txn, new, CONTEXT)
    assert world.step(txn) is Step.NEW_PASSWORD


@pytest.mark.spec("R001-08", "PWD-07")
def test_a_session_of_before_is_worth_nothing_more_until_the_password_is_changed() -> None:
    world = World()
    session = world.signed_in()
    assert world.gate.is_enough(session, Demand())
    world.change(world.claire, must_change_password=True)
    assert not world.gate.is_enough(session, Demand())
    assert world.open(session=session).evidence == ()


@pytest.mark.spec("R001-08")
def test_a_reset_of_a_demanded_password_does_not_bring_the_same_back() -> None:
    world = World()
    world.change(world.claire, must_change_password=True)
    world.ask_reset("claire")
    token = reset_token(world)
    with pytest.raises(PasswordUnchanged):
        world.access.set_password(token, LinkPurpose.RESET, PASSWORD, CONTEXT)
    world.access.set_password(token, LinkPurpose.RESET, NEW, CONTEXT)
    assert not world.accounts.records[world.claire.id].must_change_password


def reset_token(world: World) -> str:
    return link_token(world.link_key, LinkPurpose.RESET, list(world.links.records.values())[-1].id)


@pytest.mark.spec("PWD-07")
def test_nobodys_password_grows_old_but_an_administrators() -> None:
    world = World()
    century = world.clock.now() + 100 * 365 * DAY
    assert not must_renew(world.claire, century, administrators_after=365 * DAY)
    txn = world.with_code()
    assert world.step(txn) is Step.COMPLETE


@pytest.mark.spec("PWD-08")
def test_an_administrators_password_is_renewed_the_very_second_it_is_too_old() -> None:
    world = World()
    administrator(world, password_set_at=world.clock.now() - 365 * DAY + 1)
    txn = world.with_code()
    assert world.step(txn) is Step.COMPLETE
    world.clock.advance(1)
    assert world.step(txn) is Step.NEW_PASSWORD
    world.new_password.renew(world.stored(txn), NEW, CONTEXT)
    assert world.step(txn) is Step.COMPLETE


@pytest.mark.spec("PWD-08")
def test_an_administrator_who_comes_without_password_is_not_asked_for_one() -> None:
    world = World(SigninPolicy(otp_interval_seconds=30 * DAY, means=frozenset({Means.PASSWORD, Means.CARD})))
    administrator(world, password_set_at=0.0)
    account = world.accounts.records[world.claire.id]
    assert world.demands.must_renew([Evidence(Means.PASSWORD, 1.0)], account, world.clock.now())
    assert not world.demands.must_renew([Evidence(Means.CARD, 1.0)], account, world.clock.now())
    world.change(world.claire, password_hash=None)
    without = world.accounts.records[world.claire.id]
    assert not world.demands.must_renew([Evidence(Means.PASSWORD, 1.0)], without, world.clock.now())


@pytest.mark.spec("PWD-07", "PWD-04")
def test_a_password_that_became_public_is_replaced_at_the_next_sign_in() -> None:
    world = World()
    world.breached.add(PASSWORD)
    txn = world.with_code()
    assert world.step(txn) is Step.NEW_PASSWORD
    assert [event.reason for event in world.written.of("password.demanded")] == ["breached"]
    with pytest.raises(PasswordTooWeak):
        world.new_password.renew(txn, PASSWORD, CONTEXT)


@pytest.mark.spec("PWD-09")
def test_a_change_asks_a_fresh_proof_and_the_current_password_and_ends_every_session() -> None:
    world = World()
    session = world.signed_in()
    other = world.signed_in()
    world.clock.advance(5 * 60 + 1)
    with pytest.raises(NoFreshProof):
        world.new_password.change(session, PASSWORD, NEW, CONTEXT)
    world.clock.advance(-1)
    with pytest.raises(CurrentPasswordRefused):
        world.new_password.change(session, "not this one", NEW, CONTEXT)
    with pytest.raises(PasswordUnchanged):
        world.new_password.change(session, PASSWORD, PASSWORD, CONTEXT)
    world.new_password.change(session, PASSWORD, NEW, CONTEXT)
    assert not world.sessions.of(world.claire.id, world.clock.now())
    assert other.account_id == session.account_id
    assert world.password.submit(world.open(), "claire", NEW, CONTEXT)
    assert "password_changed" in [item.payload["what"] for item in world.written.sent("notice")]


@pytest.mark.spec("PWD-09")
def test_whoever_stole_a_session_does_not_guess_the_current_password() -> None:
    world = World(SigninPolicy(otp_interval_seconds=30 * DAY, sensitive_change_seconds=900))
    session = world.signed_in()
    tried = []
    for _ in range(200):
        with pytest.raises(CurrentPasswordRefused) as refusal:
            world.new_password.change(session, "a guess", NEW, CONTEXT)
        tried.append(refusal.value.detail)
    assert tried.count("wrong") == 3
    with pytest.raises(CurrentPasswordRefused):
        world.new_password.change(session, PASSWORD, NEW, CONTEXT)
    assert world.with_password()  # nor is the holder delayed


# ── the hundredth failure ──

FAST = SigninPolicy(otp_interval_seconds=30 * DAY, password_delays=(0,), password_failures=Window(10_000, DAY))


def fail(world: World, times: int, identifier: str = "claire") -> None:
    for _ in range(times):
        with pytest.raises(SigninRefused):
            world.password.submit(world.open(), identifier, "wrong", CONTEXT)


def carry_out(world: World) -> list[bool]:
    """What the jobs do with the orders."""
    orders = world.written.sent("disable_password")
    return [disable_password(world.accounts, order.payload, world.clock.now()) for order in orders]


def refused_alike(action: Callable[[], object]) -> SigninRefused:
    with pytest.raises(SigninRefused) as refusal:
        action()
    return refusal.value


@pytest.mark.spec("THR-03")
def test_ninety_nine_failures_in_a_row_are_forgiven_and_the_hundredth_puts_the_password_out_of_use() -> None:
    world = World(FAST)
    fail(world, 99)
    assert world.with_password()
    fail(world, 99)
    assert world.written.sent("disable_password") == []
    fail(world, 1)
    assert carry_out(world) == [True]
    assert world.accounts.records[world.claire.id].password_disabled_at == world.clock.now()
    usual = refused_alike(lambda: world.password.submit(world.open(), "nobody", "wrong", CONTEXT))
    hashes = world.hasher.computed
    said = refused_alike(world.with_password)
    assert (said.code, said.text, said.facts) == (usual.code, usual.text, usual.facts)
    assert world.hasher.computed == hashes + 1


@pytest.mark.spec("THR-03")
def test_it_is_out_of_use_before_the_jobs_have_run_and_after_the_counters_are_gone() -> None:
    world = World(FAST)
    fail(world, 100)
    assert refused_alike(world.with_password)
    carry_out(world)
    world.throttle.consecutive.clear()
    world.clock.advance(365 * DAY)
    assert refused_alike(world.with_password)


@pytest.mark.spec("THR-03")
def test_its_holder_is_told_once_and_only_a_reset_brings_a_password_back() -> None:
    world = World(FAST)
    fail(world, 130)
    assert carry_out(world).count(True) == 1
    assert [item.payload["what"] for item in world.written.sent("notice")] == ["password_disabled"]
    assert [event.name for event in world.written.of("password.disabled")] == ["password.disabled"]
    assert not world.accounts.change_password(
        world.claire.id, expected=world.claire.password_hash or "", new="x", at=0.0, effects=NO_EFFECTS
    )
    world.ask_reset("claire")
    world.access.set_password(reset_token(world), LinkPurpose.RESET, NEW, CONTEXT)
    assert carry_out(world).count(True) == 0  # orders of before the reset are void
    assert world.password.submit(world.open(), "claire", NEW, CONTEXT)
    fail(world, 99)
    assert world.password.submit(world.open(), "claire", NEW, CONTEXT)


@pytest.mark.spec("THR-03", "THR-06")
def test_an_unknown_identifier_fails_as_often_with_the_same_words_and_work() -> None:
    world = World(FAST)
    seen = set()
    for identifier in ("claire", "nobody"):
        hashes = world.hasher.computed
        for _ in range(120):
            refusal = refused_alike(lambda: world.password.submit(world.open(), identifier, "wrong", CONTEXT))  # noqa: B023
            seen.add((refusal.code, refusal.text, tuple(refusal.facts.items())))
        assert world.hasher.computed == hashes + 120
    assert len(seen) == 1


@pytest.mark.spec("THR-04", "AC-004")
def test_a_password_under_delay_or_out_of_use_says_nothing_against_a_strong_means() -> None:
    world = World(SigninPolicy(means=frozenset({Means.PASSWORD, Means.CARD, Means.PSC})))
    fail(world, 6)
    world.change(world.claire, password_disabled_at=1.0)
    account = world.accounts.records[world.claire.id]
    for means in (Means.CARD, Means.PSC):
        proved = [Evidence(means, world.clock.now())]
        assert world.demands.met(world.demands.counted(proved, account, Demand()), account, Demand())
