"""The one-time code: derived, bound, counted, sent within limits."""

import collections
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.accounts.account import CodeChannel
from gateway.keys.purposes import Purpose
from gateway.randomness import digest, partition_of
from gateway.signin.assurance import ACR_PWD_OTP_SMS
from gateway.signin.journey import Step, TransactionMoved
from gateway.signin.one_time_code.code import code_mac, derive_code, typed_code
from gateway.signin.one_time_code.masking import masked_email, masked_phone
from gateway.signin.one_time_code.signin import CodeDead, CodeRefused, ResendTooSoon
from gateway.signin.policy import DAY, HOUR, SigninPolicy
from gateway.signin.transaction import Demand, SigninTransaction
from tests.unit.signin.world import CONTEXT, Device, World, key

KEY = key(Purpose.ONE_TIME_CODE)


def started(world: World, demand: Demand | None = None) -> SigninTransaction:
    return world.code.start(world.with_password(demand), CONTEXT)


def wrong(world: World, txn: SigninTransaction) -> int:
    with pytest.raises(CodeRefused) as refusal:
        world.code.submit(txn, "00000000", CONTEXT)
    return int(refusal.value.facts["attempts_left"])


@pytest.mark.spec("OTP-01", "R002-15")
@pytest.mark.parametrize("digits", [6, 8])
def test_every_digit_is_equally_likely_at_every_place(digits: int) -> None:
    """Chi-square with 9 degrees of freedom: 33.7 is exceeded once in ten thousand; a modulo of bytes gives about 90."""
    drawn = 40_000
    codes = [derive_code(KEY, f"challenge {number}", 1, digits) for number in range(drawn)]
    assert {len(code) for code in codes} == {digits}
    assert any(code.startswith("0") for code in codes)
    every = collections.Counter("".join(codes))
    for counts, total in [
        (every, drawn * digits),
        *((collections.Counter(place), drawn) for place in zip(*codes, strict=True)),
    ]:
        expected = total / 10
        assert sum((counts[digit] - expected) ** 2 / expected for digit in "0123456789") < 33.7


def test_a_code_depends_on_its_challenge_and_on_the_sending() -> None:
    codes = {derive_code(KEY, challenge, number, 8) for challenge in ("a", "b") for number in (1, 2)}
    assert len(codes) == 4
    assert code_mac(KEY, "a", "12345678") != code_mac(KEY, "b", "12345678")


@given(st.text(alphabet=" \u00a0\u202f\u2009\t", max_size=4))
def test_spaces_between_the_digits_are_accepted(spaces: str) -> None:
    assert typed_code(spaces + spaces.join("12345678") + spaces) == "12345678"


def test_a_code_pasted_with_a_space_is_the_code() -> None:
    world = World()
    txn = started(world)
    code = world.sent_code()
    txn, device = world.code.submit(txn, f" {code[:4]} {code[4:]} ", CONTEXT)
    assert (world.step(txn), device) == (Step.COMPLETE, None)


@pytest.mark.spec("OTP-08", "R002-15")
def test_the_code_itself_is_kept_and_written_nowhere() -> None:
    world = World()
    started(world)
    code = world.sent_code()
    assert code not in repr((vars(world.codes), vars(world.written), vars(world.transactions)))
    (order,) = world.written.sent("one_time_code")
    assert set(order.payload) == {"challenge", "send_number", "account", "channel"}


@pytest.mark.spec("OTP-02")
@pytest.mark.parametrize(("channel", "lifetime"), [(CodeChannel.EMAIL, 600), (CodeChannel.SMS, 300)])
def test_a_code_dies_at_the_end_of_its_lifetime(channel: CodeChannel, lifetime: int) -> None:
    for age, alive in ((lifetime - 0.001, True), (lifetime, False)):
        world = World()
        world.change(world.claire, phone="+33699900001", phone_verified_at=0.0, code_channel=channel)
        txn = started(world)
        world.transactions.records[digest(txn.handle)] = replace(world.stored(txn), expires_at=world.clock.now() + HOUR)
        world.clock.advance(age)
        if alive:
            assert world.code.submit(txn, world.sent_code(), CONTEXT)
        else:
            with pytest.raises(CodeDead):
                world.code.submit(txn, world.sent_code(), CONTEXT)


def test_a_code_is_accepted_once() -> None:
    world = World()
    txn = started(world)
    world.code.submit(txn, world.sent_code(), CONTEXT)
    with pytest.raises(CodeDead):
        world.code.submit(txn, world.sent_code(), CONTEXT)
    with pytest.raises(CodeDead):
        world.code.submit(world.stored(txn), world.sent_code(), CONTEXT)


@pytest.mark.spec("OTP-04", "THR-11")
def test_five_wrong_tries_destroy_the_code_and_tell_its_holder() -> None:
    world = World()
    txn = started(world)
    assert [wrong(world, txn) for _ in range(4)] == [4, 3, 2, 1]
    assert not world.written.sent("notice")
    with pytest.raises(CodeDead):
        world.code.submit(txn, "00000000", CONTEXT)
    assert world.written.sent("notice")[0].payload == {"account": world.claire.id, "what": "password_wrong_code"}
    with pytest.raises(CodeDead):
        world.code.submit(txn, world.sent_code(), CONTEXT)
    assert [line.reason for line in world.written.of("signin.code")] == ["wrong_code"] * 5 + ["dead"]


@pytest.mark.spec("OTP-05")
def test_a_resend_kills_the_previous_code_and_keeps_the_tries_used() -> None:
    world = World()
    txn = started(world)
    for _ in range(3):
        wrong(world, txn)
    world.clock.advance(60)
    txn = world.code.resend(txn, CONTEXT)
    first, second = world.sent_code(0), world.sent_code(1)
    with pytest.raises(CodeRefused) as refusal:
        world.code.submit(txn, first, CONTEXT)
    assert refusal.value.facts["attempts_left"] == 1
    assert world.step(world.code.submit(txn, second, CONTEXT)[0]) is Step.COMPLETE


@pytest.mark.spec("OTP-06")
def test_resends_wait_a_minute_and_there_are_two_of_them() -> None:
    world = World()
    txn = started(world)
    world.clock.advance(59.5)
    with pytest.raises(ResendTooSoon) as refusal:
        world.code.resend(txn, CONTEXT)
    assert refusal.value.facts["wait_seconds"] == 1
    world.clock.advance(0.5)
    world.code.resend(txn, CONTEXT)
    world.clock.advance(60)
    world.code.resend(txn, CONTEXT)
    world.clock.advance(60)
    with pytest.raises(ResendTooSoon) as refusal:
        world.code.resend(txn, CONTEXT)
    assert refusal.value.facts["wait_seconds"] == 540
    assert len(world.written.sent("one_time_code")) == 3


@pytest.mark.spec("OTP-06")
def test_an_account_is_sent_five_codes_an_hour_and_ten_a_day() -> None:
    world = World()
    world.clock.at = 20_000 * DAY
    for _ in range(7):
        started(world)
    assert len(world.written.sent("one_time_code")) == 5
    for _ in range(3):
        world.clock.advance(HOUR)
        for _ in range(4):
            started(world)
    assert len(world.written.sent("one_time_code")) == 8


@pytest.mark.spec("OTP-11")
def test_past_the_limit_nothing_shows_nothing_leaves_and_no_code_is_accepted() -> None:
    world = World()
    for _ in range(5):
        shown = world.code.masked_contact(started(world))
    sent = len(world.written.sent("one_time_code"))
    txn = started(world)
    assert world.code.masked_contact(txn) == shown
    assert len(world.written.sent("one_time_code")) == sent
    assert world.written.of("signin.code_sent")[-1].reason == "send_limit"
    unsent = derive_code(world.code_key, txn.code_challenge_id or "", 1, 8)
    with pytest.raises(CodeRefused):
        world.code.submit(txn, unsent, CONTEXT)


@pytest.mark.spec("OTP-07", "R002-15", "AC-016")
@pytest.mark.parametrize(
    "change",
    [
        {"account_id": "id-of-denis"},
        {"transaction": digest("another")},
        {"purpose": "link"},
        {"contact_version": 2},
        {"client_id": "another"},
    ],
)
def test_a_code_bound_to_anything_else_is_refused(change: dict[str, object]) -> None:
    world = World()
    txn = started(world)
    challenge = world.codes.records[txn.code_challenge_id or ""]
    world.codes.records[challenge.id] = replace(challenge, **change)  # type: ignore[arg-type]
    with pytest.raises(CodeDead):
        world.code.submit(txn, world.sent_code(), CONTEXT)


@pytest.mark.spec("OTP-13")
def test_a_changed_contact_kills_the_code_under_way() -> None:
    world = World()
    txn = started(world)
    world.change(world.claire, contact_version=2)
    with pytest.raises(CodeDead):
        world.code.submit(txn, world.sent_code(), CONTEXT)


@pytest.mark.spec("OTP-10")
def test_nothing_is_sent_or_shown_before_the_password() -> None:
    world = World()
    txn = world.open()
    for attempt in (
        lambda: world.code.start(txn, CONTEXT),
        lambda: world.code.resend(txn, CONTEXT),
        lambda: world.code.submit(txn, "12345678", CONTEXT),
        lambda: world.code.masked_contact(txn),
        lambda: world.code.channels(txn),
    ):
        with pytest.raises(TransactionMoved):
            attempt()
    assert world.written.outgoing == []


@pytest.mark.spec("OTP-10")
def test_nothing_is_sent_when_the_password_no_longer_counts() -> None:
    world = World()
    txn = world.with_password()
    world.clock.advance(1)
    world.change(world.claire, code_demanded_since=world.clock.now())
    with pytest.raises(TransactionMoved):
        world.code.start(txn, CONTEXT)
    assert world.written.outgoing == []


def test_starting_again_sends_nothing_more() -> None:
    world = World()
    stale = world.with_password()
    txn = world.code.start(stale, CONTEXT)
    assert world.code.start(txn, CONTEXT) == txn
    assert world.code.start(stale, CONTEXT).code_challenge_id == txn.code_challenge_id
    assert len(world.written.sent("one_time_code")) == 1
    assert int((txn.code_challenge_id or "")[0], 16) == partition_of(world.claire.id)


@pytest.mark.spec("OTP-12")
def test_a_contact_is_masked() -> None:
    assert masked_phone("+33699900042") == "•• •• •• •• 42"
    assert masked_email("claire.fontaine@cabinet.exemple.fr") == "c•••@c•••.fr"
    world = World()
    assert world.code.masked_contact(started(world)) == "c•••@e•••.fr"


def test_sms_is_used_only_with_a_verified_phone_and_never_for_an_administrator() -> None:
    world = World()
    phone = {"phone": "+33699900042", "code_channel": CodeChannel.SMS}
    world.change(world.claire, **phone)
    assert world.code.channels(world.with_password()) == ("email",)
    world.change(world.claire, phone_verified_at=0.0)
    assert world.code.channels(world.with_password()) == ("sms", "email")
    txn = started(world)
    assert (txn.code_channel, world.code.masked_contact(txn)) == ("sms", "•• •• •• •• 42")
    assert len(world.sent_code()) == 6
    world.change(world.claire, is_administrator=True)
    assert world.code.channels(world.with_password()) == ("email",)


def test_a_deployment_without_sms_provider_offers_no_sms() -> None:
    world = World(SigninPolicy(otp_interval_seconds=30 * DAY, sms_available=False))
    world.change(world.claire, phone="+33699900042", phone_verified_at=0.0, code_channel=CodeChannel.SMS)
    assert world.code.channels(world.with_password()) == ("email",)
    assert started(world).code_channel == "email"


@pytest.mark.spec("OTP-14")
def test_the_person_picks_another_channel_unless_the_demand_forbids_it() -> None:
    world = World()
    world.change(world.claire, phone="+33699900042", phone_verified_at=0.0)
    txn = started(world)
    assert txn.code_channel == "email"
    first = world.sent_code()
    txn = world.code.start(txn, CONTEXT, channel="sms")
    assert txn.code_channel == "sms"
    with pytest.raises(CodeRefused):
        world.code.submit(txn, first, CONTEXT)
    assert world.code.start(txn, CONTEXT) == txn
    strict = world.with_password(Demand(min_acr=ACR_PWD_OTP_SMS))
    assert world.code.channels(strict) == ("sms",)
    assert world.code.start(strict, CONTEXT, channel="email").code_channel == "sms"


def test_a_device_becomes_trusted_with_a_code_and_the_same_key_is_the_same_device() -> None:
    world = World()
    browser = Device()
    txn = started(world)
    _, device = world.code.submit(
        txn, world.sent_code(), CONTEXT, device_public_key=browser.public_key, device_label="Firefox\r\n"
    )
    assert device is not None
    assert (device.account_id, device.proved_at, device.label) == (world.claire.id, world.clock.now(), "Firefox")
    assert device.id not in repr(world.written.of("signin.device_trusted"))
    world.clock.advance(40 * DAY)
    world.with_code(device=browser)
    (stored,) = world.devices.records.values()
    assert (stored.id, stored.proved_at) == (device.id, world.clock.now())


@pytest.mark.parametrize("octets", [b"", b"\x04" + b"\x01" * 64, b"\x04" + b"\x00" * 63])
def test_something_that_is_not_a_key_is_not_trusted_and_stops_nobody(octets: bytes) -> None:
    world = World()
    txn, device = world.code.submit(started(world), world.sent_code(), CONTEXT, device_public_key=octets)
    assert device is None
    assert world.step(txn) is Step.COMPLETE


def test_a_correct_code_is_not_lost_when_the_tab_did_something_else_meanwhile() -> None:
    world = World()
    txn = started(world)
    world.device.skip(txn)
    assert world.step(world.code.submit(txn, world.sent_code(), CONTEXT)[0]) is Step.COMPLETE
