"""The step of an authenticator application in a sign-in: what is accepted, how often it is tried, what it is worth."""

from dataclasses import replace

import pytest

from gateway.accounts.account import CodeChannel
from gateway.signin.evidence import Means
from gateway.signin.gone import TransactionMoved
from gateway.signin.journey import Step
from gateway.signin.one_time_code.signin import CodeRefused
from gateway.signin.policy import DAY, SigninPolicy
from gateway.signin.transaction import Demand
from gateway.signin.tries import FactorRefused
from tests.unit.signin.factor_world import PERIOD, Application, enrolled, with_totp, wrong
from tests.unit.signin.world import CONTEXT, Device, World

TOTP_ACR = "urn:passerelle:acr:pwd-totp"
SMS_ACR = "urn:passerelle:acr:pwd-otp-sms"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def application(world: World) -> Application:
    return enrolled(world)


def told(world: World) -> list[str]:
    return [str(item.payload["what"]) for item in world.written.sent("notice")]


def guess(world: World, application: Application, times: int) -> None:
    """Wrong codes, with as many sign-ins as it takes."""
    while times:
        txn = world.with_password()
        for _ in range(min(times, world.policy.code_attempts)):
            with pytest.raises(FactorRefused):
                world.totp.submit(world.stored(txn), wrong(application, world.clock.now()), CONTEXT)
            times -= 1


@pytest.mark.spec("LOA-02", "FID-01")
def test_the_best_factor_is_asked_first_and_gives_two_factors(world: World, application: Application) -> None:
    txn = world.with_password()
    assert world.step(txn) is Step.TOTP
    txn, _ = world.totp.submit(txn, application.code(world.clock.now()), CONTEXT)
    session = world.complete(txn)
    assurance = world.gate.assurance(session)
    assert (assurance.acr, assurance.amr) == (TOTP_ACR, ("pwd", "otp", "mfa"))
    assert world.written.sent("one_time_code") == [], "no code was mailed"


@pytest.mark.spec("FID-02", "AC-031")
def test_a_code_serves_once_and_no_older_one_after_it(world: World, application: Application) -> None:
    now = world.clock.now()
    with_totp(world, application)
    for steps in (0, -1):
        with pytest.raises(FactorRefused):
            world.totp.submit(world.with_password(), application.code(now, steps=steps), CONTEXT)
    txn, _ = world.totp.submit(world.with_password(), application.code(now, steps=1), CONTEXT)
    assert world.step(txn) is Step.COMPLETE


@pytest.mark.spec("LIB-04", "AC-032")
def test_a_spent_code_in_other_digits_is_the_same_code(world: World, application: Application) -> None:
    code = application.code(world.clock.now())
    world.totp.submit(world.with_password(), code, CONTEXT)
    wide = code.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"})
    with pytest.raises(FactorRefused):
        world.totp.submit(world.with_password(), wide, CONTEXT)


def test_each_of_several_applications_signs_in_and_keeps_its_own_steps(world: World, application: Application) -> None:
    other = enrolled(world, label="Tablette")
    with_totp(world, application)
    assert world.step(with_totp(world, other)) is Step.COMPLETE
    with pytest.raises(FactorRefused):
        with_totp(world, other)


@pytest.mark.spec("OTP-04")
def test_five_tries_and_this_sign_in_asks_another_factor(world: World, application: Application) -> None:
    txn = world.with_password()
    for left in (4, 3, 2, 1, 0):
        with pytest.raises(FactorRefused) as refusal:
            world.totp.submit(world.stored(txn), wrong(application, world.clock.now()), CONTEXT)
        assert refusal.value.facts["attempts_left"] == left
    assert world.step(txn) is Step.FACTOR
    assert world.journey.second_factors(world.stored(txn)) == (Means.EMAIL_CODE,)
    with pytest.raises(TransactionMoved):
        world.totp.submit(world.stored(txn), application.code(world.clock.now()), CONTEXT)
    assert told(world)[-1] == "password_wrong_code"
    again = world.password.submit(world.stored(txn), "claire", "le héron gris traverse", CONTEXT)
    assert world.step(again) is Step.FACTOR, "the password typed again does not give the tries back"
    assert world.step(with_totp(world, application)) is Step.COMPLETE, "another sign-in does"


@pytest.mark.spec("THR-09")
def test_a_try_is_written_before_it_is_judged_so_that_a_parallel_one_is_sent_away(
    world: World, application: Application
) -> None:
    txn = world.with_password()
    seen_by_both = world.stored(txn)
    with pytest.raises(FactorRefused):
        world.totp.submit(seen_by_both, wrong(application, world.clock.now()), CONTEXT)
    with pytest.raises(TransactionMoved):
        world.totp.submit(seen_by_both, application.code(world.clock.now()), CONTEXT)


@pytest.mark.spec("OTP-09", "AC-022")
def test_twenty_failures_in_a_row_disable_the_application_and_its_holder_is_told(
    world: World, application: Application
) -> None:
    guess(world, application, 19)
    assert "totp_disabled" not in told(world)
    guess(world, application, 1)
    assert told(world).count("totp_disabled") == 1
    assert world.written.of("authenticator.disabled")[0].target == world.claire.id
    txn = world.with_password()
    assert world.step(txn) is Step.CODE, "the next best factor is asked"
    with pytest.raises(TransactionMoved):
        world.totp.submit(world.stored(txn), application.code(world.clock.now()), CONTEXT)
    world.clock.advance(400 * DAY)
    assert world.step(world.with_password()) is Step.CODE, "time alone does not bring it back"
    other = enrolled(world, label="Nouveau téléphone")
    assert world.step(with_totp(world, other)) is Step.COMPLETE


@pytest.mark.spec("OTP-09")
def test_a_right_code_forgets_the_failures_before_it(world: World, application: Application) -> None:
    for _ in range(3):
        guess(world, application, 19)
        with_totp(world, application)
        world.clock.advance(PERIOD)
    assert "totp_disabled" not in told(world)


@pytest.mark.spec("OTP-09", "AC-022")
def test_mailed_codes_are_disabled_across_challenges_until_the_address_is_verified_again(world: World) -> None:
    def guesses(times: int, *, apart: float = DAY) -> None:
        for _ in range(times):
            world.clock.advance(apart)
            txn = world.code.start(world.with_password(), CONTEXT)
            with pytest.raises(CodeRefused):
                world.code.submit(txn, "0" * 8 if world.sent_code() != "0" * 8 else "1" * 8, CONTEXT)

    guesses(19)
    assert world.step(world.with_password()) is Step.CODE
    world.complete(world.with_code())
    guesses(19)
    assert "email_codes_disabled" not in told(world), "a right code in between"
    world.clock.advance(DAY)
    waiting = world.code.start(world.with_password(), CONTEXT)
    guesses(1, apart=1)
    assert told(world).count("email_codes_disabled") == 1
    txn = world.with_password()
    assert world.step(txn) is Step.FACTOR
    assert world.journey.second_factors(txn) == ()
    assert world.journey.disabled_factors(txn) == {Means.EMAIL_CODE}
    assert world.step(waiting) is Step.FACTOR, "also where a code was under way"
    with pytest.raises(TransactionMoved):
        world.code.start(txn, CONTEXT)
    world.clock.advance(1)
    world.change(world.claire, email_verified_at=world.clock.now())
    assert world.step(world.with_password()) is Step.CODE
    world.complete(world.with_code())


@pytest.mark.spec("OTP-09")
def test_texted_codes_are_disabled_alone(world: World) -> None:
    world.change(world.claire, phone="+33639980001", phone_verified_at=0.0, code_channel=CodeChannel.SMS)
    for _ in range(20):
        world.clock.advance(DAY)
        txn = world.code.start(world.with_password(), CONTEXT)
        with pytest.raises(CodeRefused):
            world.code.submit(txn, "0" * 6 if world.sent_code() != "0" * 6 else "1" * 6, CONTEXT)
    assert "sms_codes_disabled" in told(world)
    assert world.code.channels(world.with_password()) == ("email",)


@pytest.mark.spec("OTP-14")
def test_the_person_may_pick_another_factor_and_the_level_says_so(world: World, application: Application) -> None:
    del application
    txn = world.with_password()
    assert world.journey.second_factors(txn) == (Means.TOTP, Means.EMAIL_CODE)
    txn = world.journey.choose_factor(txn, "email_code")
    assert world.step(txn) is Step.CODE
    txn = world.code.submit(world.code.start(txn, CONTEXT), world.sent_code(), CONTEXT)[0]
    assurance = world.gate.assurance(world.complete(txn))
    assert (assurance.acr, assurance.amr) == ("urn:passerelle:acr:pwd-otp-mail", ("pwd", "otp"))


@pytest.mark.spec("OTP-14", "LOA-04")
@pytest.mark.parametrize(
    "demand",
    [Demand(min_acr=TOTP_ACR), Demand(acr_values=(TOTP_ACR,), acr_essential=True), Demand(min_acr=SMS_ACR)],
    ids=["minimum", "essential", "lower-minimum"],
)
def test_an_application_that_wants_more_is_offered_nothing_weaker(
    world: World, application: Application, demand: Demand
) -> None:
    txn = world.with_password(demand)
    assert world.journey.second_factors(txn) == (Means.TOTP,)
    for factor in ("email_code", "sms_code", "recovery_code", "password", "psc", "nothing"):
        with pytest.raises(TransactionMoved):
            world.journey.choose_factor(txn, factor)
    assert world.step(world.totp.submit(txn, application.code(world.clock.now()), CONTEXT)[0]) is Step.COMPLETE


@pytest.mark.spec("OTP-14")
def test_a_choice_between_factors_is_no_choice_before_the_password_nor_after_the_proof(
    world: World, application: Application
) -> None:
    assert world.journey.second_factors(world.open()) == ()
    assert world.journey.disabled_factors(world.open()) == frozenset()
    assert world.journey.second_factors(with_totp(world, application)) == ()


@pytest.mark.spec("LOA-04")
def test_a_session_by_mailed_code_steps_up_with_the_application_alone(world: World, application: Application) -> None:
    txn = world.journey.choose_factor(world.with_password(), "email_code")
    txn = world.code.submit(world.code.start(txn, CONTEXT), world.sent_code(), CONTEXT)[0]
    session = world.complete(txn)
    demand = Demand(acr_values=(TOTP_ACR,), acr_essential=True)
    assert not world.gate.is_enough(session, demand)
    higher = world.open(demand, session)
    assert world.step(higher) is Step.TOTP, "the password is not asked again"
    higher, _ = world.totp.submit(higher, application.code(world.clock.now()), CONTEXT)
    raised = world.complete(higher, session.handle)
    assert world.gate.assurance(raised).acr == TOTP_ACR
    assert world.gate.is_enough(raised, demand)


@pytest.mark.spec("LOA-04", "AC-034")
def test_whoever_has_no_application_cannot_reach_its_level(world: World) -> None:
    txn = world.with_password(Demand(acr_values=(TOTP_ACR,), acr_essential=True))
    assert world.step(txn) is Step.REFUSED


def test_an_administrator_is_asked_the_application_too(world: World, application: Application) -> None:
    world.change(
        world.claire,
        is_administrator=True,
        password_set_at=world.clock.now(),
        phone="+33639980001",
        phone_verified_at=0.0,
    )
    txn = world.with_password()
    assert world.journey.second_factors(txn) == (Means.TOTP, Means.EMAIL_CODE)
    assert world.step(world.totp.submit(txn, application.code(world.clock.now()), CONTEXT)[0]) is Step.COMPLETE


@pytest.mark.spec("OTP-10")
def test_no_code_is_judged_before_the_password(world: World, application: Application) -> None:
    with pytest.raises(TransactionMoved):
        world.totp.submit(world.open(), application.code(world.clock.now()), CONTEXT)


def test_a_trusted_device_is_made_with_an_application_and_stands_in_for_it(
    world: World, application: Application
) -> None:
    device = Device()
    txn, trusted = world.totp.submit(
        world.with_password(), application.code(world.clock.now()), CONTEXT, device_public_key=device.public_key
    )
    assert trusted is not None
    world.complete(txn)
    assert world.step(world.with_password(), trusted.id) is Step.DEVICE


def test_every_session_asks_the_application_where_codes_are_asked_every_time() -> None:
    world = World(SigninPolicy(otp_interval_seconds=None))
    application = enrolled(world)
    _, trusted = world.totp.submit(
        world.with_password(), application.code(world.clock.now()), CONTEXT, device_public_key=Device().public_key
    )
    assert trusted is None


def test_an_application_of_somebody_else_signs_nobody_in(world: World, application: Application) -> None:
    paul = world.person("paul")
    theirs = enrolled(world, paul, "À Paul")
    with pytest.raises(FactorRefused):
        world.totp.submit(world.with_password(), theirs.code(world.clock.now()), CONTEXT)
    del application


def test_a_removed_application_signs_nobody_in(world: World, application: Application) -> None:
    (one,) = world.enrolment.of(world.claire)
    world.totp_authenticators.records[one.id] = replace(one, revoked_at=world.clock.now())
    assert world.step(world.with_password()) is Step.CODE
    with pytest.raises(TransactionMoved):
        with_totp(world, application)
