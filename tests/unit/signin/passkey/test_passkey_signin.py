"""Signing in with a passkey: what it is worth, whose journey it goes on with, and what it ends."""

from dataclasses import replace

import pytest

from gateway.accounts.account import AccountStatus
from gateway.journal.effects import NO_EFFECTS
from gateway.journal.events import Outcome
from gateway.signin.assurance import ACR_CARD, ACR_PASSKEY, ACR_PSC, ACR_PWD_TOTP
from gateway.signin.evidence import Means
from gateway.signin.gone import TransactionGone, TransactionMoved
from gateway.signin.journey import Step
from gateway.signin.passkey.refusals import PasskeyRefused
from gateway.signin.shared_post.post import SharedBy
from gateway.signin.transaction import Demand
from tests.unit.signin.factor_world import enrolled, with_totp
from tests.unit.signin.passkey.passkey_world import EVERY, PasskeyWorld, a_policy
from tests.unit.signin.world import BROWSER, CONTEXT, PASSWORD
from tests.webauthn_authenticator import BE, BS, UP, UV

ESSENTIAL_CARD = Demand(acr_values=(ACR_CARD,), acr_essential=True)


@pytest.fixture
def world() -> PasskeyWorld:
    return PasskeyWorld()


@pytest.mark.spec("LOA-02", "FID-06", "A11Y-10")
@pytest.mark.parametrize(
    ("flags", "held_by"),
    [pytest.param(UP | UV, "hwk", id="on-one-device"), pytest.param(UP | UV | BE | BS, "swk", id="synchronised")],
)
def test_a_passkey_is_both_steps_and_says_where_its_key_is(world: PasskeyWorld, flags: int, held_by: str) -> None:
    authenticator = world.authenticator(flags=flags)
    world.enrol(authenticator)
    txn = world.with_passkey(authenticator)
    assert world.step(txn) is Step.COMPLETE
    session = world.complete(txn)
    assurance = world.gate.assurance(session)
    assert (assurance.acr, assurance.amr) == (ACR_PASSKEY, (held_by, "user", "mfa"))
    assert assurance.auth_time == session.auth_time == world.clock.now()
    assert session.account_id == world.claire.id
    assert world.gate.is_enough(session, Demand(min_acr=ACR_PWD_TOTP))
    assert not world.gate.is_enough(session, Demand(min_acr=ACR_PSC))
    assert world.fresh_proof.stands(session)


def test_each_use_is_counted_and_dated(world: PasskeyWorld) -> None:
    authenticator = world.authenticator(flags=UP | UV | BE)
    passkey = world.enrol(authenticator)
    world.clock.advance(60)
    world.with_passkey(authenticator, flags=UP | UV | BE | BS)
    (kept,) = world.passkey_store.of(world.claire.id)
    assert kept.sign_count > passkey.sign_count
    assert kept.last_used_at == world.clock.now()
    assert (passkey.backed_up, kept.backed_up) == (False, True)


def test_an_authenticator_without_a_counter_signs_in_again_and_again(world: PasskeyWorld) -> None:
    authenticator = world.authenticator(counts=False)
    world.enrol(authenticator)
    for _ in range(3):
        assert world.step(world.with_passkey(authenticator)) is Step.COMPLETE


@pytest.mark.spec("FID-07", "AC-116")
@pytest.mark.parametrize(
    "count", [pytest.param(1, id="lower"), pytest.param(7, id="the-same"), pytest.param(0, id="zero")]
)
def test_a_counter_that_does_not_go_forward_flags_the_passkey_and_alerts(world: PasskeyWorld, count: int) -> None:
    authenticator = world.authenticator()
    passkey = world.enrol(authenticator)
    session = world.complete(world.with_passkey(authenticator, count=7))
    with pytest.raises(PasskeyRefused, match="counter_back"):
        world.with_passkey(authenticator, count=count)
    assert world.passkey_store.records[passkey.id].flagged_at == world.clock.now()
    (flagged,) = world.written.of("authenticator.flagged")
    assert (flagged.outcome, flagged.target) == (Outcome.REFUSED, world.claire.id)
    assert [item.payload["what"] for item in world.written.sent("notice")][-1] == "passkey_flagged"
    assert [item.payload["what"] for item in world.written.sent("operator_alert")] == ["passkey_flagged"]
    assert world.gate.find(session.handle) is None, "what the copy may have opened is closed"
    with pytest.raises(PasskeyRefused, match="flagged"):
        world.with_passkey(authenticator, count=100)
    assert len(world.written.of("authenticator.flagged")) == 1, "told once"


@pytest.mark.spec("FID-08")
def test_an_administrator_s_passkey_may_have_to_stay_on_its_device() -> None:
    world = PasskeyWorld(a_policy(administrators_passkeys_stay=True))
    travels, stays = world.authenticator(flags=UP | UV | BE), world.authenticator()
    world.enrol(travels)
    world.enrol(stays)
    session = world.complete(world.with_passkey(travels))
    world.change(world.claire, is_administrator=True)
    assert not world.gate.is_enough(session, Demand()), "what it proved is worth nothing any more"
    with pytest.raises(PasskeyRefused, match="may_travel"):
        world.with_passkey(travels)
    assert world.step(world.with_passkey(stays)) is Step.COMPLETE


@pytest.mark.parametrize(
    "status", [pytest.param(one, id=one.value) for one in AccountStatus if one is not AccountStatus.ACTIVE]
)
def test_only_an_active_account_signs_in(world: PasskeyWorld, status: AccountStatus) -> None:
    authenticator = world.authenticator()
    world.enrol(authenticator)
    world.change(world.claire, status=status)
    with pytest.raises(PasskeyRefused, match="account_not_active"):
        world.with_passkey(authenticator)


@pytest.mark.spec("FID-10")
def test_a_removed_passkey_proves_nothing_any_more_wherever_it_was_used(world: PasskeyWorld) -> None:
    authenticator = world.authenticator()
    passkey = world.enrol(authenticator)
    session = world.complete(world.with_passkey(authenticator))
    under_way = world.with_passkey(authenticator)
    assert world.passkey_store.revoke(passkey.id, world.clock.now(), NO_EFFECTS)
    assert world.step(under_way) is Step.PASSWORD
    assert not world.gate.is_enough(session, Demand())
    with pytest.raises(PasskeyRefused, match="revoked"):
        world.with_passkey(authenticator)


@pytest.mark.spec("FID-10")
def test_a_passkey_removed_while_its_session_is_being_made_leaves_no_session(world: PasskeyWorld) -> None:
    authenticator = world.authenticator()
    passkey = world.enrol(authenticator)
    txn = world.with_passkey(authenticator)
    start = world.sessions.start

    def started_late(*positional: object, **named: object) -> bool:
        world.passkey_store.revoke(passkey.id, world.clock.now(), NO_EFFECTS)
        return start(*positional, **named)  # type: ignore[arg-type]

    world.sessions.start = started_late  # type: ignore[method-assign,assignment]
    with pytest.raises(TransactionGone):
        world.complete(txn)
    assert world.written.of("session.ended")[-1].reason == "authenticator_revoked"


@pytest.mark.spec("LOA-04")
def test_a_passkey_raises_a_session_and_the_card_stays_above_it(world: PasskeyWorld) -> None:
    authenticator = world.authenticator()
    world.enrol(authenticator)
    session = world.signed_in()
    txn = world.open(Demand(min_acr=ACR_PASSKEY), session)
    assert world.step(txn) is Step.MEANS
    txn = world.with_passkey(authenticator, txn=txn)
    raised = world.complete(txn, session.handle)
    assert raised.sid == session.sid
    assert {item.means for item in raised.evidence} == {Means.PASSWORD, Means.EMAIL_CODE, Means.PASSKEY}
    assert world.gate.assurance(raised).acr == ACR_PASSKEY
    card = world.open(ESSENTIAL_CARD, raised)
    assert world.step(card) is Step.MEANS
    assert not world.journey.passkey_could_do(card)
    with pytest.raises(TransactionMoved):
        world.passkey.begin(card)


def test_somebody_else_s_passkey_takes_the_journey_over_alone(world: PasskeyWorld) -> None:
    """Nothing that Claire proved here is Paul's."""
    paul, authenticator = world.person("paul"), world.authenticator()
    world.enrol(world.authenticator())
    world.enrol(authenticator, paul)
    txn = world.with_passkey(authenticator, txn=world.with_code())
    session = world.complete(txn)
    assert session.account_id == paul.id
    assert {item.means for item in session.evidence} == {Means.PASSKEY}


@pytest.mark.spec("SES-11")
def test_a_roaming_passkey_signs_in_on_a_shared_post_whoever_was_there_before(world: PasskeyWorld) -> None:
    authenticator = world.authenticator()
    world.enrol(authenticator)
    before = world.signed_in()
    context = replace(CONTEXT, shared=SharedBy.NETWORK)
    txn = world.journey.open(Demand(), {"resume": "/"}, browser_cookie=BROWSER, session=before, context=context)
    assert world.step(txn) is Step.SAME_PERSON
    txn = world.with_passkey(authenticator, txn=txn)
    assert [item.means for item in txn.evidence] == [Means.PASSKEY], "what the session lent is not hers by that"
    session = world.complete(txn)
    assert session.shared is SharedBy.NETWORK
    assert not world.fresh_proof.stands(session)


@pytest.mark.spec("FID-10")
def test_where_a_passkey_is_enrolled_a_mailed_code_is_no_fresh_proof(world: PasskeyWorld) -> None:
    authenticator = world.authenticator()
    world.enrol(authenticator)
    session = world.signed_in()
    assert not world.fresh_proof.stands(session)
    txn = world.fresh_proof.ask(
        "/compte/passkeys/nouvelle",
        resume="/",
        login_hint="claire",
        browser_cookie=BROWSER,
        session=session,
        context=CONTEXT,
    )
    assert world.step(txn) is Step.PASSKEY
    proved = world.complete(world.with_passkey(authenticator, txn=txn), session.handle)
    assert world.fresh_proof.stands(proved)


@pytest.mark.spec("FID-10")
def test_an_application_still_does_beside_a_passkey(world: PasskeyWorld) -> None:
    """A lost device must not lock out somebody who enrolled something else as good against a stranger's mailbox."""
    world.enrol(world.authenticator())
    application = enrolled(world)
    world.clock.advance(301)
    session = world.complete(with_totp(world, application))
    assert world.fresh_proof.stands(session)


@pytest.mark.spec("LNK-01", "LNK-13")
def test_linking_takes_a_passkey_for_the_account_s_own_proof(world: PasskeyWorld) -> None:
    authenticator = world.authenticator()
    world.enrol(authenticator)
    txn = world.arrived()
    assert not world.journey.passkey_could_do(txn), "not before they said that they have an account"
    txn = world.linking.choose_existing(txn)
    handle = txn.handle
    assert world.step(txn) is Step.PASSWORD
    txn = world.with_passkey(authenticator, txn=txn)
    assert txn.handle != handle, "a proof changes the handle while an identity waits (LNK-02)"
    assert world.step(txn) is Step.CONFIRM_LINK
    txn = world.linking.confirm(txn, CONTEXT)
    assert world.step(txn) is Step.COMPLETE
    assert world.only_link().account_id == world.claire.id


@pytest.mark.spec("LNK-08")
def test_linking_asks_the_passkey_after_a_password_where_nothing_else_is_as_good(world: PasskeyWorld) -> None:
    authenticator = world.authenticator()
    world.enrol(authenticator)
    txn = world.with_credentials(code=False)
    assert world.step(txn) is Step.PASSKEY, "no mailed code"
    world.clock.advance(1)
    txn = world.with_passkey(authenticator, txn=txn)
    assert world.step(txn) is Step.CONFIRM_LINK


@pytest.mark.spec("LNK-01")
def test_a_passkey_proved_too_long_ago_links_nothing(world: PasskeyWorld) -> None:
    authenticator = world.authenticator()
    world.enrol(authenticator)
    txn = world.with_passkey(authenticator, txn=world.linking.choose_existing(world.arrived()))
    world.clock.advance(world.policy.link_freshness_seconds)
    assert world.step(txn) is Step.IDENTITY


def test_a_switched_off_passkey_is_off_at_every_door() -> None:
    on = PasskeyWorld()
    authenticator = on.authenticator()
    on.enrol(authenticator)
    txn = on.with_passkey(authenticator)
    session = on.complete(on.with_passkey(authenticator))
    off = PasskeyWorld(a_policy(means=EVERY - {Means.PASSKEY}))
    assert not off.journey.passkey_could_do(off.open())
    with pytest.raises(TransactionMoved):
        off.passkey.begin(off.open())
    off.transactions, off.sessions = on.transactions, on.sessions
    off.passkey_store.records.update(on.passkey_store.records)
    assert off.demands.counted(txn.evidence, on.claire, Demand()) == ()
    assert not off.gate.is_enough(session, Demand())


@pytest.mark.spec("FID-04", "THR-10")
def test_one_sign_in_cannot_fill_the_store_with_challenges(world: PasskeyWorld) -> None:
    txn = world.open()
    for _ in range(30):
        world.passkey.begin(txn)
    with pytest.raises(PasskeyRefused, match="too_many"):
        world.passkey.begin(txn)


def test_a_flood_of_refusals_costs_a_bounded_number_of_lines(world: PasskeyWorld) -> None:
    txn = world.open()
    for _ in range(400):
        with pytest.raises(PasskeyRefused):
            world.passkey.answered(txn, {}, CONTEXT)
    assert len(world.refusals()) == 301
    assert world.refusals()[-1] == "further_lines_spared"


def test_a_password_still_signs_in_who_has_a_passkey(world: PasskeyWorld) -> None:
    world.enrol(world.authenticator())
    txn = world.password.submit(world.open(), "claire", PASSWORD, CONTEXT)
    assert world.step(txn) is Step.CODE
