"""What evidence is worth, and whether it is enough."""

import itertools

import pytest

from gateway.signin.assurance import (
    ACR_CARD,
    ACR_PSC,
    ACR_PWD,
    ACR_PWD_DEVICE,
    ACR_PWD_OTP_MAIL,
    ACR_PWD_OTP_SMS,
    DEFAULT_RANKING,
    AssuranceScale,
    NothingProvedError,
)
from gateway.signin.evidence import Evidence, Means
from gateway.signin.policy import DAY
from gateway.signin.transaction import Demand
from tests.unit.signin.world import CONTEXT, World

SCALE = AssuranceScale()
PWD, MAIL, SMS, DEVICE = Means.PASSWORD, Means.EMAIL_CODE, Means.SMS_CODE, Means.TRUSTED_DEVICE
PSC, CARD = Means.PSC, Means.CARD


def proofs(*means: Means) -> list[Evidence]:
    return [Evidence(item, 100.0 + place) for place, item in enumerate(means)]


@pytest.mark.spec("LOA-02")
@pytest.mark.parametrize(
    ("means", "acr", "amr"),
    [
        ((PWD,), ACR_PWD, ("pwd",)),
        ((PWD, DEVICE), ACR_PWD_DEVICE, ("pwd", "swk")),
        ((PWD, MAIL), ACR_PWD_OTP_MAIL, ("pwd", "otp")),
        ((PWD, SMS), ACR_PWD_OTP_SMS, ("pwd", "sms", "mfa")),
        ((PWD, DEVICE, MAIL), ACR_PWD_OTP_MAIL, ("pwd", "otp")),
        ((PWD, MAIL, SMS), ACR_PWD_OTP_SMS, ("pwd", "sms", "mfa")),
        ((PSC,), ACR_PSC, ("psc",)),
        ((CARD,), ACR_CARD, ("sc", "hwk", "pin", "mfa")),
        ((PSC, PWD, SMS), ACR_PSC, ("psc",)),
    ],
)
def test_each_set_of_proofs_has_its_level(means: tuple[Means, ...], acr: str, amr: tuple[str, ...]) -> None:
    level = SCALE.level_of(proofs(*means))
    assert (level.acr, level.amr) == (acr, amr)


@pytest.mark.spec("LOA-05")
def test_of_what_hangs_on_the_password_only_a_password_and_an_sms_say_mfa() -> None:
    for size in range(1, 5):
        for means in itertools.combinations((PWD, MAIL, SMS, DEVICE), size):
            if PWD in means:
                assert ("mfa" in SCALE.level_of(proofs(*means)).amr) is (SMS in means)
            else:
                with pytest.raises(NothingProvedError):
                    SCALE.level_of(proofs(*means))


@pytest.mark.spec("LOA-03")
def test_no_proof_gives_a_level_whose_legal_basis_is_not_declared() -> None:
    for size in range(4):
        for means in itertools.combinations((MAIL, SMS, DEVICE), size):
            assert SCALE.level_of(proofs(PWD, *means)).acr.startswith("urn:passerelle:acr:pwd")


def test_the_authentication_time_is_the_newest_password() -> None:
    evidence = [Evidence(PWD, 10.0), Evidence(SMS, 50.0), Evidence(PWD, 30.0)]
    assert SCALE.level_of(evidence).auth_time == 30.0


def test_the_authentication_time_is_that_of_the_means_the_level_rests_on() -> None:
    assert SCALE.level_of([Evidence(PSC, 10.0), Evidence(PWD, 30.0), Evidence(MAIL, 40.0)]).auth_time == 10.0


def test_the_ranking_is_total_and_card_equals_psc() -> None:
    for low, high in itertools.combinations(range(len(DEFAULT_RANKING)), 2):
        assert SCALE.satisfies(DEFAULT_RANKING[high][0], DEFAULT_RANKING[low][0])
        assert not SCALE.satisfies(DEFAULT_RANKING[low][0], DEFAULT_RANKING[high][0])
    card, psc = DEFAULT_RANKING[-1]
    assert SCALE.satisfies(card, psc)
    assert SCALE.satisfies(psc, card)


def test_an_unknown_level_satisfies_nothing() -> None:
    assert not SCALE.known("eidas2")
    assert not SCALE.satisfies("eidas2", ACR_PWD)
    assert not SCALE.satisfies(ACR_PWD_OTP_SMS, "eidas2")


def test_a_ranking_that_forgets_or_repeats_a_level_is_refused() -> None:
    with pytest.raises(ValueError, match="pwd-otp-sms"):
        AssuranceScale([[ACR_PWD], [ACR_PWD_DEVICE], [ACR_PWD_OTP_MAIL]])
    with pytest.raises(ValueError, match="twice"):
        AssuranceScale([*DEFAULT_RANKING, [ACR_PWD]])


def test_a_session_is_enough_for_what_it_proved_and_no_more() -> None:
    world = World()
    session = world.signed_in()
    assert world.gate.is_enough(session, Demand())
    assert world.gate.is_enough(session, Demand(min_acr=ACR_PWD_OTP_MAIL))
    assert world.gate.is_enough(session, Demand(acr_values=(ACR_PWD_OTP_SMS,)))
    assert not world.gate.is_enough(session, Demand(acr_values=(ACR_PWD_OTP_SMS,), acr_essential=True))
    assert not world.gate.is_enough(session, Demand(min_acr=ACR_PWD_OTP_SMS))
    world.change(world.claire, phone="+33699900001", phone_verified_at=0.0)
    assert not world.gate.is_enough(session, Demand(acr_values=(ACR_PWD_OTP_SMS,)))


def test_a_session_is_not_enough_for_proofs_fresher_than_its_own() -> None:
    world = World()
    session = world.signed_in()
    assert world.gate.is_enough(session, Demand(fresh_since=session.auth_time))
    assert not world.gate.is_enough(session, Demand(fresh_since=session.auth_time + 0.001))


def test_a_session_of_a_trusted_device_is_not_enough_for_an_application_with_a_shorter_interval() -> None:
    world = World()
    device, device_id = world.trusted_device()
    world.clock.advance(2 * DAY)
    txn, challenge = world.device.challenge(world.with_password(), device_id)
    session = world.complete(world.device.submit(txn, device_id, device.sign(challenge), CONTEXT))
    assert world.gate.is_enough(session, Demand())
    strict = Demand(otp_interval_seconds=DAY)
    assert not world.gate.is_enough(session, strict)
    assert world.step(world.open(strict, session), device_id) == "code"
    assert world.step(world.open(Demand(otp_interval_seconds=3 * DAY), session), device_id) == "device"


def test_looking_at_a_session_is_not_using_it_and_both_end_at_the_limits() -> None:
    world = World()
    session = world.signed_in()
    world.clock.advance(30 * 60 - 1)
    assert world.gate.find(session.handle)
    world.clock.advance(1)
    assert world.gate.find(session.handle) is None
    session = world.signed_in()
    end = session.absolute_end
    assert end == session.auth_time + 4 * 3600
    while world.clock.now() + 1000 < end:
        world.clock.advance(1000)
        assert world.gate.use(session.handle)
    world.clock.at = end
    assert world.gate.use(session.handle) is None


def test_no_cookie_is_no_session() -> None:
    world = World()
    assert world.gate.find(None) is world.gate.use("") is world.gate.end(None, CONTEXT, "signout") is None


def test_applications_join_a_session_once_and_the_last_structure_is_the_active_one() -> None:
    world = World()
    stale = world.signed_in()
    world.gate.remember_client(stale, "one", "s1")
    world.gate.remember_client(stale, "two", None)
    world.gate.remember_client(stale, "one", "s2")
    session = world.gate.find(stale.handle)
    assert session is not None
    assert (session.clients, session.active_structure) == (("one", "two"), "s2")


def test_a_session_ends_once_with_its_line() -> None:
    world = World()
    session = world.signed_in()
    assert world.gate.end(session.handle, CONTEXT, "signout") == session
    assert world.gate.end(session.handle, CONTEXT, "signout") is None
    (line,) = world.written.of("session.ended")
    assert (line.reason, line.actor) == ("signout", world.claire.id)
    assert session.handle not in str(line)
