"""Shared posts, by the rules alone: what a transaction and a session do once their post is shared (SES-11)."""

from dataclasses import replace

import pytest

from gateway.randomness import digest
from gateway.signin.assurance import ACR_PWD_DEVICE, ACR_PWD_OTP_MAIL
from gateway.signin.evidence import Means
from gateway.signin.gone import TransactionGone, TransactionMoved
from gateway.signin.journey import Step
from gateway.signin.policy import DAY, SigninPolicy
from gateway.signin.session import Session
from gateway.signin.shared_post.post import SharedBy
from gateway.signin.shared_post.same_person import short_name
from gateway.signin.transaction import Demand, SigninTransaction
from tests.unit.signin.world import BROWSER, CONTEXT, Device, World

ON_SHARED_POST = replace(CONTEXT, shared=SharedBy.NETWORK, place="Urgences")
CHOSEN = replace(CONTEXT, shared=SharedBy.CHOICE)
SHARED_IDLE = 300


def opened(world: World, session: Session | None = None, demand: Demand | None = None) -> SigninTransaction:
    return world.journey.open(
        demand or Demand("orientation"),
        {"resume": "/"},
        browser_cookie=BROWSER,
        session=session,
        context=ON_SHARED_POST,
    )


def signed_in(world: World) -> Session:
    """Claire, on a shared post."""
    txn = world.password.submit(opened(world), "claire", "le héron gris traverse", ON_SHARED_POST)
    txn = world.code.start(txn, ON_SHARED_POST)
    txn, _ = world.code.submit(txn, world.sent_code(), ON_SHARED_POST)
    return world.journey.complete(txn, previous_session=None, context=ON_SHARED_POST)


@pytest.mark.spec("SES-11")
def test_a_session_on_a_shared_post_is_short() -> None:
    world = World()
    session = signed_in(world)
    assert (session.shared, session.idle_seconds) == (SharedBy.NETWORK, SHARED_IDLE)
    world.clock.advance(SHARED_IDLE - 0.001)
    assert world.gate.find(session.handle) is not None
    world.clock.advance(0.001)
    assert world.gate.find(session.handle) is None


def test_a_shared_post_never_lengthens_what_the_deployment_made_shorter() -> None:
    world = World(SigninPolicy(session_idle_seconds=60))
    assert signed_in(world).idle_seconds == 60


@pytest.mark.spec("SES-11")
def test_a_trusted_device_is_not_accepted_on_a_shared_post_and_none_becomes_trusted() -> None:
    world = World()
    _, device_id = world.trusted_device()
    txn = world.password.submit(opened(world), "claire", "le héron gris traverse", ON_SHARED_POST)
    assert world.step(txn, device_id) is Step.CODE
    txn = world.code.start(txn, ON_SHARED_POST)
    _, trusted = world.code.submit(txn, world.sent_code(), CONTEXT, device_public_key=Device().public_key)
    assert trusted is None
    assert len(world.devices.records) == 1


@pytest.mark.spec("SES-11")
def test_a_proof_by_device_ends_with_the_post_that_becomes_shared() -> None:
    world = World()
    device, device_id = world.trusted_device()
    txn = world.with_password()
    txn, challenge = world.device.challenge(txn, device_id)
    txn = world.device.submit(txn, device_id, device.sign(challenge), CONTEXT)
    assert world.step(txn, device_id) is Step.COMPLETE
    txn = world.journey.on_post(txn, CHOSEN)
    assert world.step(txn, device_id) is Step.CODE
    with pytest.raises(TransactionMoved):
        world.complete(txn)


def test_the_very_request_that_completes_is_judged_where_it_comes_from() -> None:
    world = World()
    txn = world.with_code()
    session = world.journey.complete(txn, previous_session=None, context=CHOSEN)
    assert (session.shared, session.idle_seconds) == (SharedBy.CHOICE, SHARED_IDLE)


@pytest.mark.spec("SES-11")
def test_a_transaction_stays_shared_wherever_its_next_requests_come_from() -> None:
    world = World()
    txn = world.journey.on_post(world.with_code(), CHOSEN)
    assert world.journey.on_post(txn, ON_SHARED_POST).shared is SharedBy.CHOICE
    assert world.complete(world.stored(txn)).shared is SharedBy.CHOICE


@pytest.mark.spec("SES-11")
def test_a_session_lends_nothing_on_a_shared_post_before_the_person_says_it_is_theirs() -> None:
    world = World()
    session = signed_in(world)
    txn = opened(world, session)
    assert world.step(txn) is Step.SAME_PERSON
    with pytest.raises(TransactionMoved):
        world.complete(txn, session.handle)
    with pytest.raises(TransactionMoved):
        world.code.start(txn, CONTEXT)
    with pytest.raises(TransactionMoved):
        world.device.challenge(txn, "a device")
    txn = world.journey.confirm_person(txn, previous_session=session.handle)
    assert world.step(txn) is Step.COMPLETE
    renewed = world.complete(txn, session.handle)
    assert (renewed.sid, renewed.shared, renewed.auth_time) == (session.sid, SharedBy.NETWORK, session.auth_time)
    assert world.gate.find(session.handle) is None


def test_the_question_is_answered_once_and_by_the_browser_that_holds_the_session() -> None:
    world = World()
    session = signed_in(world)
    txn = opened(world, session)
    for other in (None, "", "0" + "x" * 43):
        with pytest.raises(TransactionGone):
            world.journey.confirm_person(txn, previous_session=other)
    answered = world.journey.confirm_person(txn, previous_session=session.handle)
    for again in (txn, answered):
        with pytest.raises(TransactionMoved):
            world.journey.confirm_person(again, previous_session=session.handle)


def test_saying_that_a_session_is_yours_is_using_it_and_looking_is_not() -> None:
    world = World()
    session = signed_in(world)
    world.clock.advance(SHARED_IDLE - 1)
    assert world.gate.use(session.handle, ON_SHARED_POST) == session
    txn = opened(world, session)
    world.journey.confirm_person(txn, previous_session=session.handle)
    world.clock.advance(SHARED_IDLE - 1)
    assert world.gate.find(session.handle) is not None


def test_a_session_that_ended_meanwhile_cannot_be_claimed() -> None:
    world = World()
    session = signed_in(world)
    txn = opened(world, session)
    world.clock.advance(SHARED_IDLE)
    with pytest.raises(TransactionGone):
        world.journey.confirm_person(txn, previous_session=session.handle)


@pytest.mark.spec("SES-11")
def test_another_person_begins_from_nothing_for_the_same_demand() -> None:
    world = World()
    session = signed_in(world)
    demand = Demand("orientation", min_acr=ACR_PWD_OTP_MAIL, login_hint="claire")
    txn = opened(world, session, demand)
    blank = world.journey.begin_again(txn, browser_cookie="next", session=None, context=CONTEXT)
    assert (blank.account_id, blank.evidence, dict(blank.extra)) == (None, (), {})
    assert (blank.demand.client_id, blank.demand.min_acr, blank.demand.login_hint) == (
        "orientation",
        ACR_PWD_OTP_MAIL,
        None,
    )
    assert (blank.continuation, blank.shared) == (txn.continuation, SharedBy.NETWORK)
    assert blank.browser == digest("next")
    assert world.step_in("next", blank) is Step.PASSWORD
    with pytest.raises(TransactionGone):
        world.stored(txn)
    with pytest.raises(TransactionMoved):
        world.journey.begin_again(txn, browser_cookie="next", session=None, context=CONTEXT)


@pytest.mark.spec("SES-11")
def test_a_session_from_elsewhere_is_shared_from_the_moment_a_shared_post_shows_it() -> None:
    world = World()
    session = world.signed_in(Demand("orientation"))
    assert session.shared is None
    seen = world.gate.find(session.handle, ON_SHARED_POST)
    assert seen is not None
    assert (seen.shared, seen.idle_seconds, seen.version) == (SharedBy.NETWORK, SHARED_IDLE, 2)
    assert world.gate.find(session.handle) == seen
    (line,) = world.written.of("session.shared")
    assert dict(line.details) == {"post": "network", "place": "Urgences"}
    assert world.step(opened(world, seen)) is Step.SAME_PERSON
    # And a request from elsewhere does not undo it.
    txn = world.open(Demand("orientation"), seen)
    assert (txn.shared, world.step(txn)) == (SharedBy.NETWORK, Step.SAME_PERSON)


def test_a_session_idle_for_longer_than_a_shared_post_allows_is_over_there() -> None:
    world = World()
    session = world.signed_in()
    world.clock.advance(SHARED_IDLE)
    assert world.gate.find(session.handle) is not None
    assert world.gate.use(session.handle, CHOSEN) is None
    assert world.gate.find(session.handle) is None


def test_a_session_by_device_is_not_enough_once_its_post_is_shared() -> None:
    world = World(SigninPolicy(otp_interval_seconds=30 * DAY))
    device, device_id = world.trusted_device()
    txn = world.with_password()
    txn, challenge = world.device.challenge(txn, device_id)
    session = world.complete(world.device.submit(txn, device_id, device.sign(challenge), CONTEXT))
    assert world.gate.assurance(session).acr == ACR_PWD_DEVICE
    seen = world.gate.find(session.handle, CHOSEN)
    assert seen is not None
    assert not world.gate.is_enough(seen, Demand())
    txn = world.journey.confirm_person(opened(world, seen), previous_session=seen.handle)
    assert world.step(txn, device_id) is Step.CODE


def test_an_ordinary_post_asks_nothing() -> None:
    world = World()
    session = world.signed_in()
    txn = world.open(Demand("orientation"), session)
    assert (txn.shared, world.step(txn)) == (None, Step.COMPLETE)
    with pytest.raises(TransactionMoved):
        world.journey.confirm_person(txn, previous_session=session.handle)


def test_own_credentials_answer_the_question_too() -> None:
    """A password given in a transaction stands by itself: what was lent is forgotten, and nobody is asked anything."""
    world = World()
    txn = opened(world, signed_in(world))
    txn = world.password.submit(txn, "claire", "le héron gris traverse", ON_SHARED_POST)
    assert world.step(txn) is Step.CODE
    assert {item.means for item in txn.evidence} == {Means.PASSWORD}


@pytest.mark.spec("SES-11")
def test_the_journal_says_at_sign_in_how_the_post_is_shared_and_in_which_network() -> None:
    world = World()
    signed_in(world)
    for name in ("signin.completed", "session.started"):
        (line,) = world.written.of(name)
        assert dict(line.details) == {"post": "network", "place": "Urgences"}
    world.signed_in()
    assert dict(world.written.of("session.started")[-1].details) == {}


@pytest.mark.parametrize(
    ("given", "family", "shown"),
    [("Nadia", "Benali", "Nadia B."), ("Jean-Marc", "de la Tour", "Jean-Marc D."), ("Élise", "", "Élise")],
)
def test_a_person_is_named_enough_to_know_themselves(given: str, family: str, shown: str) -> None:
    assert short_name(World().person("x", given_name=given, family_name=family)) == shown
