"""The journey: what comes next, from stored state; how it ends."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from gateway.accounts.account import AccountStatus
from gateway.journal.effects import NO_EFFECTS, Effects
from gateway.randomness import digest, partition_of
from gateway.signin.assurance import ACR_PWD_DEVICE, ACR_PWD_OTP_MAIL, ACR_PWD_OTP_SMS
from gateway.signin.evidence import Evidence, Means
from gateway.signin.gone import TooManySignins
from gateway.signin.journey import OPENED_PER_ORIGIN, Step, StructureNotHeld, TransactionGone, TransactionMoved
from gateway.signin.policy import DAY, SigninPolicy
from gateway.signin.session import Session
from gateway.signin.transaction import Demand
from tests.unit.signin.world import BROWSER, CONTEXT, World

APP = "orientation"
EJ, EG = ("finej:990000002", "Un organisme"), ("fineg:990000010", "Un établissement")


def test_a_new_transaction_asks_the_password_then_a_code_then_is_complete() -> None:
    world = World()
    txn = world.open()
    assert world.step(txn) is Step.PASSWORD
    txn = world.with_password()
    assert world.step(txn) is Step.CODE
    txn = world.with_code()
    assert world.step(txn) is Step.COMPLETE


def test_a_transaction_is_found_only_in_the_browser_that_opened_it() -> None:
    world = World()
    txn = world.open()
    assert world.journey.find(txn.handle, browser_cookie=BROWSER) == txn
    for cookie in ("another browser", "", None):
        with pytest.raises(TransactionGone):
            world.journey.find(txn.handle, browser_cookie=cookie)


def test_a_transaction_lives_ten_minutes_to_the_second() -> None:
    world = World()
    txn = world.open()
    world.clock.advance(599.999)
    assert world.stored(txn)
    world.clock.advance(0.001)
    with pytest.raises(TransactionGone):
        world.stored(txn)


@pytest.mark.spec("LOA-07", "R002-16")
def test_a_device_is_asked_instead_of_a_code_until_its_trust_is_exactly_as_old_as_the_interval() -> None:
    world = World()
    _, device_id = world.trusted_device()
    world.clock.advance(30 * DAY - 0.001)
    assert world.step(world.with_password(), device_id) is Step.DEVICE
    assert world.step(world.with_password(), None) is Step.CODE
    assert world.step(world.with_password(), "unknown") is Step.CODE
    world.clock.advance(0.001)
    assert world.step(world.with_password(), device_id) is Step.CODE


def test_no_device_is_trusted_when_a_code_is_asked_at_each_session() -> None:
    regulated = World(SigninPolicy(otp_interval_seconds=None))
    regulated.with_code(device=None)
    world = World()
    _, device_id = world.trusted_device()
    regulated.devices.records = world.devices.records
    assert regulated.step(regulated.with_password(), device_id) is Step.CODE
    assert regulated.devices.records == world.devices.records


def test_an_application_can_shorten_the_interval_and_never_lengthen_it() -> None:
    world = World()
    _, device_id = world.trusted_device()
    world.clock.advance(DAY)
    assert world.step(world.with_password(Demand(otp_interval_seconds=DAY)), device_id) is Step.CODE
    assert world.step(world.with_password(Demand(otp_interval_seconds=DAY + 1)), device_id) is Step.DEVICE
    assert world.step(world.with_password(Demand(otp_interval_seconds=0)), device_id) is Step.CODE
    world.clock.advance(29 * DAY)
    assert world.step(world.with_password(Demand(otp_interval_seconds=300 * DAY)), device_id) is Step.CODE


@pytest.mark.spec("R002-16")
def test_a_trust_older_than_a_reset_or_a_change_of_contact_is_void() -> None:
    world = World()
    _, device_id = world.trusted_device()
    world.change(world.claire, code_demanded_since=world.clock.now())
    assert world.step(world.with_password(), device_id) is Step.DEVICE
    world.clock.advance(1)
    world.change(world.claire, code_demanded_since=world.clock.now())
    assert world.step(world.with_password(), device_id) is Step.CODE


def test_a_revoked_device_or_somebody_elses_is_not_asked() -> None:
    world = World()
    _, device_id = world.trusted_device()
    world.person("denis")
    assert world.step(world.with_password(who="denis"), device_id) is Step.CODE
    world.devices.records[device_id] = replace(world.devices.records[device_id], revoked_at=world.clock.now())
    assert world.step(world.with_password(), device_id) is Step.CODE


def test_a_demand_above_the_device_asks_a_code_even_on_a_trusted_device() -> None:
    world = World()
    _, device_id = world.trusted_device()
    assert world.step(world.with_password(Demand(min_acr=ACR_PWD_DEVICE)), device_id) is Step.DEVICE
    assert world.step(world.with_password(Demand(min_acr=ACR_PWD_OTP_MAIL)), device_id) is Step.CODE
    assert world.step(world.with_password(Demand(acr_values=(ACR_PWD_OTP_MAIL,))), device_id) is Step.CODE


@pytest.mark.spec("LOA-04")
def test_a_level_that_cannot_be_reached_is_refused_when_essential_and_forgiven_when_wished() -> None:
    world = World()
    essential = Demand(client_id=APP, acr_values=(ACR_PWD_OTP_SMS,), acr_essential=True)
    txn = world.with_password(essential)
    assert world.step(txn) is Step.REFUSED
    taken = world.journey.take(txn.handle, browser_cookie=BROWSER, session=None, context=CONTEXT)
    assert taken.refusal == "unmet_authentication_requirements"
    assert world.written.of("signin.refused")[0].reason == "unmet_authentication_requirements"
    assert world.step(world.with_password(Demand(min_acr=ACR_PWD_OTP_SMS))) is Step.REFUSED
    assert world.step(world.with_password(Demand(min_acr="urn:unknown"))) is Step.REFUSED
    assert world.step(world.with_code(replace(essential, acr_essential=False))) is Step.COMPLETE
    world.change(world.claire, phone="+33699900001", phone_verified_at=0.0)
    assert world.step(world.with_code(essential)) is Step.COMPLETE


@pytest.mark.spec("LOA-08")
def test_a_step_up_keeps_the_password_asks_what_is_missing_and_changes_the_session_handle() -> None:
    world = World()
    device, device_id = world.trusted_device()
    txn = world.with_password()
    txn, challenge = world.device.challenge(txn, device_id)
    low = world.complete(world.device.submit(txn, device_id, device.sign(challenge), CONTEXT))
    assert world.gate.assurance(low).acr == ACR_PWD_DEVICE
    world.clock.advance(60)
    txn = world.open(Demand(client_id=APP, min_acr=ACR_PWD_OTP_MAIL), low)
    assert world.step(txn, device_id) is Step.CODE
    txn = world.code.start(txn, CONTEXT)
    txn, _ = world.code.submit(txn, world.sent_code(), CONTEXT)
    high = world.complete(txn, low.handle)
    assert world.gate.assurance(high).acr == ACR_PWD_OTP_MAIL
    assert high.handle != low.handle
    assert world.gate.find(low.handle) is None
    assert (high.sid, high.auth_time, high.absolute_end) == (low.sid, low.auth_time, low.absolute_end)
    assert [event.reason for event in world.written.of("session.ended")] == ["renewed"]


def test_proofs_lent_by_a_session_die_with_it() -> None:
    world = World()
    session = world.signed_in()
    txn = world.open(Demand(client_id=APP), session)
    assert world.step(txn) is Step.COMPLETE
    world.gate.end(session.handle, CONTEXT, "signout")
    for cookie in (session.handle, None):
        with pytest.raises(TransactionGone):
            world.complete(txn, cookie)


def test_fresh_proofs_are_asked_again_when_the_demand_wants_them_fresh() -> None:
    world = World()
    session = world.signed_in()
    world.clock.advance(10)
    assert world.step(world.open(Demand(fresh_since=world.clock.now()), session)) is Step.PASSWORD
    assert world.step(world.open(Demand(fresh_since=world.clock.now() - 10), session)) is Step.COMPLETE


@pytest.mark.spec("LOA-01")
def test_the_session_holds_only_what_was_proved() -> None:
    world = World()
    session = world.signed_in(Demand(acr_values=("urn:passerelle:acr:card",)))
    assert [item.means for item in session.evidence] == [Means.PASSWORD, Means.EMAIL_CODE]
    assert world.gate.assurance(session).acr == ACR_PWD_OTP_MAIL


@pytest.mark.spec("SES-02")
def test_a_sign_in_gives_a_new_handle_in_the_accounts_partition_and_replaces_the_session_of_the_browser() -> None:
    world = World()
    world.person("denis")
    before = world.signed_in(who="denis")
    session = world.complete(world.with_code(), before.handle)
    assert session.handle not in {before.handle, ""}
    assert int(session.handle[0], 16) == partition_of(world.claire.id)
    assert session.sid != before.sid
    assert world.gate.find(before.handle) is None
    assert world.accounts.records[world.claire.id].last_signin_at == world.clock.now()
    assert {"signin.completed", "session.started"} <= set(world.written.names())
    assert world.written.of("session.ended")[0].reason == "replaced"


def test_completing_twice_in_one_browser_gives_one_session_and_elsewhere_nothing() -> None:
    world = World()
    txn = world.with_code()
    session = world.complete(txn)
    assert world.step(txn) is Step.COMPLETE
    assert world.complete(world.stored(txn), session.handle) == session
    with pytest.raises(TransactionGone):
        world.complete(world.stored(txn), None)
    with pytest.raises(TransactionMoved):
        world.complete(txn, None)
    assert len(world.sessions.records) == 1


def test_completing_before_the_last_step_is_refused() -> None:
    world = World()
    with pytest.raises(TransactionMoved):
        world.complete(world.with_password())
    assert world.sessions.records == {}


@pytest.mark.parametrize("status", [AccountStatus.ARCHIVED, AccountStatus.BLOCKED, AccountStatus.INVITED])
def test_an_account_that_is_no_longer_active_is_refused_at_every_step(status: AccountStatus) -> None:
    world = World()
    started, proved = world.with_password(), world.with_code()
    session = world.signed_in()
    world.change(world.claire, status=status)
    assert world.step(started) is Step.REFUSED
    assert world.step(proved) is Step.REFUSED
    with pytest.raises(TransactionMoved):
        world.code.start(started, CONTEXT)
    with pytest.raises(TransactionMoved):
        world.complete(proved)
    taken = world.journey.take(proved.handle, browser_cookie=BROWSER, session=None, context=CONTEXT)
    assert taken.refusal == "access_denied"
    assert not world.gate.is_enough(session, Demand())
    assert world.step(world.open(Demand(), session)) is Step.PASSWORD


def test_a_reset_in_the_middle_of_a_sign_in_asks_the_password_again() -> None:
    world = World()
    txn = world.with_code()
    world.clock.advance(1)
    world.change(world.claire, code_demanded_since=world.clock.now())
    assert world.step(txn) is Step.PASSWORD


def test_a_single_structure_is_chosen_silently_and_none_does_not_block() -> None:
    world = World()
    txn = world.with_code(Demand(client_id=APP))
    assert world.step(txn) is Step.COMPLETE
    assert world.complete(txn).active_structure is None
    world.structures.held[world.claire.id, APP] = [EJ]
    txn = world.with_code(Demand(client_id=APP))
    assert world.step(txn) is Step.COMPLETE
    session = world.complete(txn)
    assert session.active_structure == EJ[0]
    taken = world.journey.take(txn.handle, browser_cookie=BROWSER, session=session, context=CONTEXT)
    assert taken.chosen_structure == EJ[0]


def test_with_several_structures_the_person_chooses_among_hers() -> None:
    world = World()
    world.structures.held[world.claire.id, APP] = [EJ, EG]
    txn = world.with_code(Demand(client_id=APP))
    assert world.step(txn) is Step.STRUCTURE
    assert [choice.name for choice in world.journey.structures(txn)] == [EJ[1], EG[1]]
    with pytest.raises(TransactionMoved):
        world.complete(txn)
    with pytest.raises(StructureNotHeld):
        world.journey.choose_structure(txn, "fineg:990000028")
    txn = world.journey.choose_structure(txn, EG[0])
    assert world.complete(txn).active_structure == EG[0]


def test_structures_are_not_told_before_the_proofs_are_complete() -> None:
    world = World()
    world.structures.held[world.claire.id, APP] = [EJ, EG]
    assert world.journey.structures(world.with_password(Demand(client_id=APP))) == ()


def test_a_demanded_structure_is_taken_if_held_and_refused_if_not() -> None:
    world = World()
    world.structures.held[world.claire.id, APP] = [EJ, EG]
    assert world.complete(world.with_code(Demand(client_id=APP, structure=EG[0]))).active_structure == EG[0]
    txn = world.with_code(Demand(client_id=APP, structure="fineg:990000028"))
    assert world.step(txn) is Step.REFUSED
    taken = world.journey.take(txn.handle, browser_cookie=BROWSER, session=None, context=CONTEXT)
    assert taken.refusal == "access_denied"


def test_a_sign_in_without_application_has_no_structure_step() -> None:
    world = World()
    world.structures.held[world.claire.id, APP] = [EJ, EG]
    assert world.step(world.with_code()) is Step.COMPLETE


def test_a_refused_journey_stays_refused_and_is_taken_once() -> None:
    world = World()
    txn = world.journey.refuse(world.with_password(), "access_denied", CONTEXT)
    assert world.step(txn) is Step.REFUSED
    with pytest.raises(TransactionMoved):
        world.code.start(txn, CONTEXT)
    assert world.journey.take(txn.handle, browser_cookie=BROWSER, session=None, context=CONTEXT).refusal
    with pytest.raises(TransactionGone):
        world.journey.take(txn.handle, browser_cookie=BROWSER, session=None, context=CONTEXT)


def test_a_complete_journey_is_taken_once_and_only_in_the_session_it_ended_in() -> None:
    world = World()
    other = world.signed_in()
    txn = world.with_code()
    session = world.complete(txn)
    assert world.stored(txn).session_digest == digest(session.handle)
    for wrong in (None, other):
        with pytest.raises(TransactionGone):
            world.journey.take(txn.handle, browser_cookie=BROWSER, session=wrong, context=CONTEXT)
    assert world.journey.take(txn.handle, browser_cookie=BROWSER, session=session, context=CONTEXT)
    with pytest.raises(TransactionGone):
        world.journey.take(txn.handle, browser_cookie=BROWSER, session=session, context=CONTEXT)


def test_an_unfinished_journey_is_not_taken() -> None:
    world = World()
    for txn in (world.open(), world.with_password(), world.with_code()):
        with pytest.raises(TransactionGone):
            world.journey.take(txn.handle, browser_cookie=BROWSER, session=None, context=CONTEXT)
        assert world.stored(txn)


def test_forged_evidence_without_a_password_is_worth_nothing() -> None:
    world = World()
    txn = world.open()
    txn = replace(txn, account_id=world.claire.id, evidence=(Evidence(Means.SMS_CODE, world.clock.now()),))
    assert world.journey.next_step(txn, device_id=None) is Step.PASSWORD


def test_one_address_cannot_open_sign_ins_without_end() -> None:
    world = World()

    def opened(ip: str) -> None:
        world.journey.open(Demand(), {}, browser_cookie="b", session=None, context=replace(CONTEXT, ip=ip))

    for _ in range(OPENED_PER_ORIGIN):
        opened("192.0.2.7")
    with pytest.raises(TooManySignins):
        opened("192.0.2.7")
    opened("192.0.2.8")
    world.clock.advance(world.policy.transaction_ttl_seconds)
    opened("192.0.2.7")


class Meanwhile:
    """What another request does to the session to be replaced, between its reading and its replacement."""

    def __init__(self, world: World, act: Callable[[Session], object], times: int = 1) -> None:
        self._start, self._act, self._left = world.sessions.start, act, times
        world.sessions.start = self  # type: ignore[method-assign]

    def __call__(self, session: Session, now: float, effects: Effects, **more: Any) -> bool:
        if self._left and more["replacing"] is not None:
            self._left -= 1
            self._act(more["replacing"])
        return self._start(session, now, effects, **more)


@pytest.mark.spec("SES-07")
def test_an_application_that_joins_a_session_while_it_is_renewed_is_taken_over_and_told_of_its_end() -> None:
    world = World()
    first = world.signed_in()

    def join(read: Session) -> None:
        assert world.sessions.amend(replace(read, clients=(*read.clients, "other")), world.clock.now(), NO_EFFECTS)

    Meanwhile(world, join)
    renewed = world.complete(world.with_code(), first.handle)
    assert "other" in renewed.clients
    assert renewed.sid == first.sid
    assert world.sessions.of(world.claire.id, world.clock.now()) == [renewed]
    assert world.sessions.find(first.handle, world.clock.now()) is None


@pytest.mark.spec("SES-07")
def test_a_session_that_ends_while_it_is_renewed_hands_on_nothing() -> None:
    world = World()
    first = world.signed_in()
    Meanwhile(world, lambda read: world.sessions.end(read.handle, world.clock.now(), NO_EFFECTS))
    renewed = world.complete(world.with_code(), first.handle)
    assert renewed.sid != first.sid
    assert world.sessions.of(world.claire.id, world.clock.now()) == [renewed]


@pytest.mark.spec("SES-07")
def test_proofs_lent_by_a_session_that_ends_while_it_is_raised_raise_nothing() -> None:
    world = World()
    session = world.signed_in()
    txn = world.open(Demand(client_id=APP), session)
    Meanwhile(world, lambda read: world.sessions.end(read.handle, world.clock.now(), NO_EFFECTS))
    with pytest.raises(TransactionGone):
        world.complete(txn, session.handle)
    assert world.sessions.of(world.claire.id, world.clock.now()) == []


def test_a_session_that_never_stands_still_is_not_renewed() -> None:
    world = World()
    first = world.signed_in()
    numbers = count()

    def join(read: Session) -> None:
        world.sessions.amend(replace(read, clients=(f"{next(numbers)}",)), world.clock.now(), NO_EFFECTS)

    Meanwhile(world, join, times=99)
    with pytest.raises(TransactionMoved):
        world.complete(world.with_code(), first.handle)
