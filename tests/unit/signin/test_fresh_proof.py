"""The fresh proof before a sensitive change: the password and the best factor enrolled, both young."""

from dataclasses import replace

import pytest

from gateway.signin.evidence import Means
from gateway.signin.journey import Step
from gateway.signin.session import Session
from gateway.signin.shared_post.post import SharedBy
from gateway.signin.transaction import SigninTransaction
from tests.unit.signin.factor_world import Application, enrolled, with_totp
from tests.unit.signin.linking.people import LinkingWorld
from tests.unit.signin.world import BROWSER, CONTEXT, PASSWORD, World


@pytest.fixture
def world() -> World:
    return World()


def ask(world: World, session: Session) -> SigninTransaction:
    return world.fresh_proof.ask(
        "/compte/authentificateurs",
        resume="/",
        login_hint="claire",
        browser_cookie=BROWSER,
        session=session,
        context=CONTEXT,
    )


@pytest.mark.spec("FID-10", "AC-117")
def test_what_a_session_proved_is_fresh_for_five_minutes(world: World) -> None:
    session = world.signed_in()
    assert world.fresh_proof.stands(session)
    world.clock.advance(world.policy.sensitive_change_seconds)
    assert world.fresh_proof.stands(session)
    world.clock.advance(1)
    assert not world.fresh_proof.stands(session)


@pytest.mark.spec("FID-10", "AC-117")
def test_a_stolen_session_is_asked_the_password_and_the_factor_again(world: World) -> None:
    session = world.signed_in()
    world.clock.advance(world.policy.sensitive_change_seconds + 1)
    txn = ask(world, session)
    assert world.step(txn) is Step.PASSWORD
    txn = world.password.submit(txn, "claire", PASSWORD, CONTEXT)
    assert world.step(txn) is Step.CODE
    txn = world.code.submit(world.code.start(txn, CONTEXT), world.sent_code(), CONTEXT)[0]
    proved = world.complete(txn, session.handle)
    assert world.fresh_proof.stands(proved)
    assert proved.handle != session.handle


@pytest.mark.spec("FID-10")
def test_where_an_application_is_enrolled_a_mailed_code_is_not_enough(world: World) -> None:
    application = enrolled(world)
    txn = world.journey.choose_factor(world.with_password(), "email_code")
    txn = world.code.submit(world.code.start(txn, CONTEXT), world.sent_code(), CONTEXT)[0]
    session = world.complete(txn)
    assert not world.fresh_proof.stands(session)
    txn = ask(world, session)
    assert world.step(txn) is Step.TOTP, "the password just typed stays"
    assert world.journey.second_factors(txn) == (Means.TOTP,)
    txn, _ = world.totp.submit(txn, application.code(world.clock.now()), CONTEXT)
    assert world.fresh_proof.stands(world.complete(txn, session.handle))


@pytest.mark.spec("FID-10")
def test_a_trusted_device_is_no_fresh_factor(world: World) -> None:
    device, device_id = world.trusted_device()
    world.clock.advance(600)
    txn, challenge = world.device.challenge(world.with_password(), device_id)
    session = world.complete(world.device.submit(txn, device_id, device.sign(challenge), CONTEXT))
    assert not world.fresh_proof.stands(session)
    txn = ask(world, session)
    assert world.step(txn, device_id) is Step.CODE


@pytest.mark.spec("FID-12", "FID-10")
def test_a_recovery_code_stands_in_for_a_lost_application_also_the_last_one(world: World) -> None:
    enrolled(world)
    (code, *others) = world.sheets.make(world.claire, CONTEXT)
    for spent in others:
        txn = world.journey.choose_factor(world.with_password(), "recovery_code")
        world.recovery.submit(txn, spent, CONTEXT)
    assert world.sheets.left(world.claire) == 1
    session = world.complete(
        world.recovery.submit(world.journey.choose_factor(world.with_password(), "recovery_code"), code, CONTEXT)
    )
    assert world.fresh_proof.stands(session)


@pytest.mark.spec("OTP-09", "FID-10")
def test_a_disabled_application_lets_nothing_weaker_in_its_place(world: World) -> None:
    enrolled(world)
    session = _by_mail(world)
    records = world.totp_authenticators.records
    for name, one in list(records.items()):
        records[name] = replace(one, failures=world.policy.factor_disabled_after)
    assert not world.fresh_proof.stands(session)
    txn = ask(world, session)
    assert world.step(txn) is Step.FACTOR
    assert world.journey.second_factors(txn) == ()
    world.sheets.make(world.claire, CONTEXT)
    assert world.journey.second_factors(txn) == (Means.RECOVERY_CODE,)


def _by_mail(world: World) -> Session:
    txn = world.journey.choose_factor(world.with_password(), "email_code")
    return world.complete(world.code.submit(world.code.start(txn, CONTEXT), world.sent_code(), CONTEXT)[0])


@pytest.mark.spec("SES-11")
def test_nothing_is_fresh_on_a_shared_post(world: World) -> None:
    session = world.signed_in()
    assert not world.fresh_proof.stands(replace(session, shared=SharedBy.NETWORK))


def test_pro_sante_connect_proves_its_holder_afresh() -> None:
    world = LinkingWorld()
    world.linked()
    session = world.complete(world.arrived())
    assert world.fresh_proof.stands(session)
    world.clock.advance(world.policy.sensitive_change_seconds + 1)
    assert not world.fresh_proof.stands(session)


@pytest.mark.spec("LNK-08")
def test_linking_asks_the_application_where_one_is_enrolled() -> None:
    world = LinkingWorld()
    application: Application = enrolled(world)
    world.sheets.make(world.claire, CONTEXT)
    txn = world.with_credentials(code=False)
    assert world.step(txn) is Step.TOTP
    assert world.journey.second_factors(txn) == (Means.TOTP,)
    for factor in ("email_code", "recovery_code"):
        with pytest.raises(Exception, match="not a second factor"):
            world.journey.choose_factor(txn, factor)
    txn, _ = world.totp.submit(txn, application.code(world.clock.now()), CONTEXT)
    assert world.step(txn) is Step.CONFIRM_LINK
    world.linking.confirm(txn, CONTEXT)
    assert world.only_link().account_id == world.claire.id


@pytest.mark.spec("LNK-08", "OTP-09")
def test_linking_with_a_disabled_application_says_so_and_accepts_nothing_weaker() -> None:
    world = LinkingWorld()
    enrolled(world)
    records = world.totp_authenticators.records
    for name, one in list(records.items()):
        records[name] = replace(one, failures=world.policy.factor_disabled_after)
    txn = world.with_credentials(code=False)
    assert world.step(txn) is Step.FACTOR
    assert world.journey.second_factors(txn) == ()
    assert world.journey.disabled_factors(txn) == {Means.TOTP}


@pytest.mark.spec("LNK-08", "FID-12")
def test_a_code_of_rescue_never_links() -> None:
    world = LinkingWorld()
    (code, *_) = world.sheets.make(world.claire, CONTEXT)
    txn = world.with_credentials(code=False)
    assert world.journey.second_factors(txn) == (Means.EMAIL_CODE,)
    with pytest.raises(Exception, match="no recovery code"):
        world.recovery.submit(txn, code, CONTEXT)


def test_a_proof_that_was_just_given_is_not_asked_again(world: World) -> None:
    application = enrolled(world)
    session = world.complete(with_totp(world, application))
    assert world.fresh_proof.stands(session)
