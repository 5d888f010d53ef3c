"""Enrolling, naming and removing authenticator applications."""

import base64
from dataclasses import replace

import pytest

from gateway.signin.totp.enrolment import EnrolmentGone, LastFactor, TooManyApplications, WrongFirstCode
from gateway.signin.tries import FactorRefused
from tests.unit.signin.factor_world import Application, enrolled, wrong
from tests.unit.signin.linking.people import LinkingWorld
from tests.unit.signin.world import CONTEXT, World


@pytest.fixture
def world() -> World:
    return World()


def told(world: World) -> list[str]:
    return [str(item.payload["what"]) for item in world.written.sent("notice")]


@pytest.mark.spec("FID-03")
def test_an_application_signs_nobody_in_before_its_first_code(world: World) -> None:
    waiting = world.enrolment.begin(world.claire, "Mon téléphone", CONTEXT)
    assert world.enrolment.of(world.claire) == []
    assert world.step(world.with_password()) == "code", "the mailed code is asked, as before"
    with pytest.raises(WrongFirstCode):
        world.enrolment.confirm(world.claire, waiting.id, "12345", CONTEXT)
    assert world.enrolment.of(world.claire) == []
    assert told(world) == []
    code = Application(base64.b32encode(waiting.secret).decode()).code(world.clock.now())
    world.enrolment.confirm(world.claire, waiting.id, code, CONTEXT)
    assert [one.label for one in world.enrolment.of(world.claire)] == ["Mon téléphone"]
    assert told(world) == ["totp_added"]
    assert world.step(world.with_password()) == "totp"


@pytest.mark.spec("FID-03")
def test_an_enrolment_waits_ten_minutes_and_once_and_for_nobody_else(world: World) -> None:
    waiting = world.enrolment.begin(world.claire, "A", CONTEXT)
    with pytest.raises(EnrolmentGone):
        world.enrolment.waiting(world.person("paul"), waiting.id)
    world.clock.advance(world.policy.transaction_ttl_seconds - 1)
    assert world.enrolment.waiting(world.claire, waiting.id) == waiting
    world.clock.advance(1)
    with pytest.raises(EnrolmentGone):
        world.enrolment.waiting(world.claire, waiting.id)
    first = world.enrolment.begin(world.claire, "B", CONTEXT)
    world.enrolment.begin(world.claire, "C", CONTEXT)
    with pytest.raises(EnrolmentGone):
        world.enrolment.waiting(world.claire, first.id)


@pytest.mark.spec("FID-02")
def test_the_code_of_the_activation_signs_nobody_in_afterwards(world: World) -> None:
    waiting = world.enrolment.begin(world.claire, "A", CONTEXT)
    code = Application(base64.b32encode(waiting.secret).decode()).code(world.clock.now())
    world.enrolment.confirm(world.claire, waiting.id, code, CONTEXT)
    with pytest.raises(FactorRefused):
        world.totp.submit(world.with_password(), code, CONTEXT)


def test_several_applications_have_names_and_a_bound(world: World) -> None:
    for name in ("Téléphone", "Tablette", "Ordinateur", "Clé", "Autre"):
        enrolled(world, label=f" {name}\u202e\n ")
    assert [one.label for one in world.enrolment.of(world.claire)] == [
        "Téléphone", "Tablette", "Ordinateur", "Clé", "Autre",
    ]  # fmt: skip
    with pytest.raises(TooManyApplications):
        world.enrolment.begin(world.claire, "Une de trop", CONTEXT)
    one = world.enrolment.of(world.claire)[0]
    world.enrolment.rename(world.claire, one.id, "x" * 100, CONTEXT)
    assert world.enrolment.mine(world.claire, one.id).label == "x" * 40


@pytest.mark.spec("FID-10")
def test_the_last_application_is_not_removed_by_its_holder(world: World) -> None:
    enrolled(world)
    (only,) = world.enrolment.of(world.claire)
    with pytest.raises(LastFactor):
        world.enrolment.remove(world.claire, only.id, CONTEXT, sparing="")
    enrolled(world, label="Tablette")
    world.enrolment.remove(world.claire, only.id, CONTEXT, sparing="")
    assert [one.label for one in world.enrolment.of(world.claire)] == ["Tablette"]
    assert told(world)[-1] == "totp_removed"
    with pytest.raises(EnrolmentGone):
        world.enrolment.remove(world.claire, only.id, CONTEXT, sparing="")


@pytest.mark.spec("SES-08", "SES-07")
def test_whoever_removes_one_ends_the_sessions_that_are_elsewhere(world: World) -> None:
    enrolled(world)
    (lost,) = world.enrolment.of(world.claire)
    enrolled(world, label="Tablette")
    elsewhere, here = (world.complete(world.with_code()) for _ in range(2))
    world.enrolment.remove(world.claire, lost.id, CONTEXT, sparing=here.handle)
    now = world.clock.now()
    assert world.sessions.find(elsewhere.handle, now) is None
    assert world.sessions.find(here.handle, now)
    assert world.written.of("session.ended")[-1].reason == "authenticator_revoked"


@pytest.mark.spec("FID-10")
def test_one_that_is_disabled_does_not_count_as_another(world: World) -> None:
    enrolled(world)
    (first,) = world.enrolment.of(world.claire)
    enrolled(world, label="Tablette")
    records = world.totp_authenticators.records
    records[first.id] = replace(records[first.id], failures=world.policy.factor_disabled_after)
    working = next(one for one in world.enrolment.of(world.claire) if one.id != first.id)
    with pytest.raises(LastFactor):
        world.enrolment.remove(world.claire, working.id, CONTEXT, sparing="")
    world.enrolment.remove(world.claire, first.id, CONTEXT, sparing="")


@pytest.mark.spec("FID-10")
def test_whoever_has_linked_a_card_or_pro_sante_connect_may_remove_the_last_one() -> None:
    world = LinkingWorld()
    world.complete(world.linked())
    enrolled(world)
    (only,) = world.enrolment.of(world.claire)
    world.enrolment.remove(world.claire, only.id, CONTEXT, sparing="")
    assert world.enrolment.of(world.claire) == []


def test_nobody_touches_the_application_of_somebody_else(world: World) -> None:
    enrolled(world)
    (hers,) = world.enrolment.of(world.claire)
    paul = world.person("paul")
    for act in (
        lambda: world.enrolment.rename(paul, hers.id, "volée", CONTEXT),
        lambda: world.enrolment.remove(paul, hers.id, CONTEXT, sparing=""),
    ):
        with pytest.raises(EnrolmentGone):
            act()


def test_a_wrong_first_code_is_not_counted_against_the_account(world: World) -> None:
    application = enrolled(world)
    waiting = world.enrolment.begin(world.claire, "B", CONTEXT)
    for _ in range(30):
        with pytest.raises(WrongFirstCode):
            world.enrolment.confirm(world.claire, waiting.id, wrong(application, world.clock.now())[:5], CONTEXT)
    assert [one.failures for one in world.enrolment.of(world.claire)] == [0]
