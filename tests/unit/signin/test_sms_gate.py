"""Whether a text message may leave: countries, numbers, blocks, the day's budget, and what is told to whom."""

import datetime
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.clock import PARIS
from gateway.journal.effects import NO_EFFECTS
from gateway.keys.purposes import Purpose, PurposeKey
from gateway.randomness import handle, system_randomness
from gateway.signin.one_time_code.sms_gate import SmsGate, SmsPolicy
from gateway.signin.one_time_code.sms_meter import ConversionFloor
from gateway.signin.policy import DAY, HOUR, Window
from gateway.signin.ports import CodeChallenge
from gateway.storage.ephemeral import EphemeralStore, open_ephemeral

NOON = datetime.datetime(2027, 1, 15, 12, tzinfo=PARIS).timestamp()
MIDNIGHT = NOON + 12 * HOUR
PHONE = "+33612345678"
KEY = PurposeKey(Purpose.THROTTLE, bytes(32))


@pytest.fixture
def store(tmp_path: Path) -> EphemeralStore:
    return open_ephemeral(f"sqlite:///{tmp_path}/ephemeral.db", system_randomness)


def gate(store: EphemeralStore, **policy: object) -> SmsGate:
    return SmsGate(store.sms_meter, KEY, replace(SmsPolicy(budget_daily=1_000), **policy))


def challenge(number: int = 1) -> CodeChallenge:
    return CodeChallenge(
        handle(system_randomness, 3), "account", "txn", "signin", "sms", 1, None, b"", number, NOON, NOON, 5
    )


def written(store: EphemeralStore) -> list[tuple[str, dict[str, object]]]:
    lines = store.spool.take_events(1_000)
    store.spool.drop_events([spool_id for spool_id, _ in lines])
    return [(event.name, dict(event.details)) for _, event in lines]


def alerts(store: EphemeralStore, now: float) -> list[dict[str, object]]:
    taken = store.spool.take_outgoing(now, 1_000, 60)
    for item_id, _, _ in taken:
        store.spool.done(item_id, NO_EFFECTS)
    return [dict(item.payload) for _, item, _ in taken if item.kind == "operator_alert"]


WINDOWS = {
    "phone-hour": ({"per_phone": (Window(5, HOUR),)}, PHONE, 5, HOUR),
    "phone-day": ({"per_phone": (Window(5, DAY),)}, PHONE, 5, DAY),
    "prefix-hour": ({"per_prefix": (Window(4, HOUR),)}, "+33612345679", 4, HOUR),
    "country-hour": ({"per_country": (Window(3, HOUR),)}, "+33756789012", 3, HOUR),
}


@pytest.mark.spec("SMS-04")
@pytest.mark.parametrize("name", WINDOWS)
def test_a_number_its_block_and_its_country_have_limits_that_end(store: EphemeralStore, name: str) -> None:
    policy, other, limit, seconds = WINDOWS[name]
    guard = gate(store, **policy)
    assert [guard.admit(challenge(), PHONE, NOON) for _ in range(limit)] == [None] * limit
    assert guard.admit(challenge(), other, NOON + seconds - 0.001) == "send_limit"
    assert guard.is_open(PHONE, NOON)  # the past of one number is told to nobody (OTP-11)
    assert guard.admit(challenge(), other, NOON + seconds) is None


def test_the_limits_of_one_number_are_not_those_of_its_neighbour(store: EphemeralStore) -> None:
    guard = gate(store, per_phone=(Window(1, HOUR),))
    assert guard.admit(challenge(), PHONE, NOON) is None
    assert guard.admit(challenge(), PHONE, NOON) == "send_limit"
    assert guard.admit(challenge(), "+33612345679", NOON) is None


@pytest.mark.spec("SMS-04")
def test_the_days_budget_turns_text_messages_off_until_midnight_and_tells_the_operator_on_the_way(
    store: EphemeralStore,
) -> None:
    free = (Window(10_000, DAY),)
    guard = gate(store, budget_daily=20, per_phone=free, per_prefix=free)
    for number in range(1, 21):
        assert guard.is_open(PHONE, NOON)
        assert guard.admit(challenge(), PHONE, NOON) is None
        told = {10: [50], 16: [80], 20: [100]}.get(number, [])
        assert [details["percent"] for name, details in written(store) if name == "sms.budget"] == told
    assert [alert["percent"] for alert in alerts(store, NOON)] == [50, 80, 100]
    assert guard.admit(challenge(), "+590690001234", MIDNIGHT - 0.001) == "sms_budget"
    assert not guard.is_open("+590690001234", MIDNIGHT - 0.001)
    assert guard.is_open(PHONE, MIDNIGHT)
    assert guard.admit(challenge(), PHONE, MIDNIGHT) is None
    assert alerts(store, MIDNIGHT) == []


def test_of_a_budget_too_small_for_shares_the_end_is_told(store: EphemeralStore) -> None:
    assert gate(store, budget_daily=1).admit(challenge(), PHONE, NOON) is None
    assert [alert["percent"] for alert in alerts(store, NOON)] == [100]


@pytest.mark.spec("SMS-03")
@pytest.mark.parametrize("phone", ["+4915112345678", "+8816123456789", "+8835100012345678", "nonsense"])
def test_a_number_of_a_country_that_is_not_served_receives_nothing_and_counts_nowhere(
    store: EphemeralStore, phone: str
) -> None:
    guard = gate(store, budget_daily=1)
    assert not guard.is_open(phone, NOON)
    assert guard.admit(challenge(), phone, NOON) == "sms_country"
    assert guard.admit(challenge(), PHONE, NOON) is None


@pytest.mark.spec("SMS-05", "AC-025")
def test_a_block_whose_codes_nobody_types_is_stopped_and_the_operator_told(store: EphemeralStore) -> None:
    """31 messages to one block, 2 of them verified."""
    free = (Window(10_000, DAY),)
    floor = ConversionFloor(sends=30, percent=20, window_seconds=HOUR, patience_seconds=300)
    guard = gate(store, per_phone=free, per_prefix=free, floor=floor)
    sent = [challenge() for _ in range(31)]
    assert [guard.admit(one, f"+336123456{number:02d}", NOON) for number, one in enumerate(sent)] == [None] * 31
    for number in (0, 1):
        guard.verified(sent[number], f"+336123456{number:02d}")
    late = NOON + 300
    assert guard.admit(challenge(), PHONE, late) == "sms_stopped"
    assert not guard.is_open(PHONE, late + 30 * DAY)
    assert [scope for scope, _ in store.sms_meter.stopped()] == ["FR"]
    assert written(store) == [("sms.stopped", {"scope_stopped": "FR"})]
    assert alerts(store, late) == [{"what": "sms_stopped", "scope": "FR"}]
    assert guard.admit(challenge(), "+590690001234", late) is None


@pytest.mark.spec("SMS-04")
def test_a_message_without_a_code_counts_like_any_other_and_is_not_held_against_its_block(
    store: EphemeralStore,
) -> None:
    free = (Window(10_000, DAY),)
    floor = ConversionFloor(sends=30, percent=20, window_seconds=HOUR, patience_seconds=300)
    guard = gate(store, budget_daily=40, per_phone=(Window(35, DAY),), per_prefix=free, floor=floor)
    assert [guard.admit_notice(PHONE, NOON) for _ in range(36)] == [None] * 35 + ["send_limit"]
    late = NOON + 301
    assert guard.admit(challenge(), "+33612345679", late) is None, "31 messages that nobody answers stop nothing"
    assert [guard.admit_notice("+33612345679", late) for _ in range(5)] == [None] * 4 + ["sms_budget"]
    assert [alert["percent"] for alert in alerts(store, late)] == [50, 80, 100]
    assert guard.admit_notice("+4915112345678", late) == "sms_country"


@pytest.mark.spec("SMS-05")
def test_where_messages_are_stopped_none_without_a_code_leaves_either(store: EphemeralStore) -> None:
    floor = ConversionFloor(sends=1, percent=20, window_seconds=HOUR, patience_seconds=0)
    guard = gate(store, floor=floor)
    assert guard.admit(challenge(), PHONE, NOON) is None
    assert guard.admit(challenge(), PHONE, NOON + 1) == "sms_stopped"
    assert guard.admit_notice(PHONE, NOON + 1) == "sms_stopped"


def test_nothing_that_is_counted_names_a_number_or_a_challenge(tmp_path: Path) -> None:
    store, one = open_ephemeral(f"sqlite:///{tmp_path}/kept.db", system_randomness), challenge()
    assert gate(store).admit(one, PHONE, NOON) is None
    store.close()
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"+33612345:" in kept or b"+3361234" in kept
    for secret in (PHONE, PHONE[1:], PHONE[-4:], one.id):
        assert secret.encode() not in kept.replace(b"12345678-", b""), secret
