"""What is counted before a text message leaves, on every engine."""

from collections.abc import Mapping

import pytest

from gateway.journal.effects import Effects
from gateway.signin.one_time_code.sms_meter import ConversionFloor, SmsRefusal, SmsWindow
from gateway.storage.ephemeral import EphemeralStore
from tests.contract.ephemeral.conftest import AtOnce
from tests.contract.ephemeral.ephemeral_samples import MILLISECOND, NOW, because_of, drained

HOUR = 3_600
FLOOR = ConversionFloor(sends=30, percent=20, window_seconds=HOUR, patience_seconds=300)
SCOPES = ("FR", "+3363998")


def window(name: str = "budget", limit: int = 1_000, ends_at: float = NOW + HOUR) -> SmsWindow:
    return SmsWindow(name, limit, ends_at)


def take(
    store: EphemeralStore,
    send: str,
    *windows: SmsWindow,
    now: float = NOW,
    counted: Mapping[str, Mapping[int, Effects]] | None = None,
    scopes: tuple[str, ...] = SCOPES,
) -> SmsRefusal | None:
    return store.sms_meter.take(
        send,
        scopes=scopes,
        windows=windows,
        floor=FLOOR,
        now=now,
        when_counted=counted or {},
        when_stopped={scope: because_of(f"stopped {scope}") for scope in scopes},
    )


@pytest.mark.spec("SMS-04")
def test_a_message_counts_in_every_window_or_in_none(store: EphemeralStore) -> None:
    day, phone = window(limit=3), window("phone", limit=2, ends_at=NOW + 60)
    assert [take(store, f"s{number}", day, phone) for number in range(2)] == [None, None]
    for number in range(5):
        assert take(store, f"refused-{number}", day, phone) == SmsRefusal("full", "phone")
    assert take(store, "s2", day, phone, now=NOW + 60 - MILLISECOND) == SmsRefusal("full", "phone")
    assert store.sms_meter.refusal(scopes=SCOPES, windows=[day, phone], now=NOW) == SmsRefusal("full", "phone")
    assert take(store, "s3", day, window("phone", limit=2, ends_at=NOW + 120), now=NOW + 60) is None
    assert take(store, "s4", day, now=NOW + 60) == SmsRefusal("full", "budget")
    assert store.sms_meter.refusal(scopes=SCOPES, windows=[day], now=NOW + HOUR) is None
    assert take(store, "s5", day, now=NOW + HOUR) is None


def test_a_message_of_no_scope_counts_in_its_windows_and_in_the_share_of_none(store: EphemeralStore) -> None:
    day, alerts = window(limit=40), {"budget": {31: because_of("at 31")}}
    assert [take(store, "", day, counted=alerts, scopes=()) for _ in range(31)] == [None] * 31
    assert drained(store.spool) == ["at 31"]
    assert take(store, "a code", day, now=NOW + 301) is None, "31 messages that nobody answers stop nothing"
    assert store.sms_meter.stopped() == []
    assert [take(store, "", day, scopes=()) for _ in range(9)] == [None] * 8 + [SmsRefusal("full", "budget")]


@pytest.mark.spec("SMS-04")
def test_parallel_messages_never_exceed_the_budget_and_each_alert_is_written_once(
    store: EphemeralStore, at_once: AtOnce
) -> None:
    alerts = {"budget": {count: because_of(f"at {count}") for count in (10, 16, 20)}}
    numbers = iter(range(1_000))
    verdicts = at_once(50, lambda: take(store, f"s{next(numbers)}", window(limit=20), counted=alerts))
    assert verdicts.count(None) == 20
    assert verdicts.count(SmsRefusal("full", "budget")) == 30
    assert sorted(drained(store.spool), key=str) == ["at 10", "at 16", "at 20"]


@pytest.mark.spec("SMS-05")
def test_a_scope_whose_codes_are_not_typed_stops_until_somebody_opens_it(store: EphemeralStore) -> None:
    for number in range(31):
        assert take(store, f"s{number}", now=NOW + number) is None
    store.sms_meter.verified("s0", SCOPES), store.sms_meter.verified("s1", SCOPES)
    store.sms_meter.verified("never sent", SCOPES)
    assert take(store, "early", now=NOW + 328.9) is None  # the thirtieth is judged once its code has had its time
    assert store.sms_meter.stopped() == []
    late = NOW + 331
    assert take(store, "late", now=late) == SmsRefusal("stopped", "FR")
    assert take(store, "late", now=late, scopes=("GP", "+3363998")) == SmsRefusal("stopped", "+3363998")
    assert drained(store.spool) == ["stopped FR", "stopped +3363998"]
    assert take(store, "other block", now=late, scopes=("FR", "+3361234")) == SmsRefusal("stopped", "FR")
    assert take(store, "elsewhere", now=late, scopes=("GP", "+59069000")) is None
    for later in (late + HOUR, late + 400 * 86_400):
        store.purge(later)
        assert take(store, "later", now=later) == SmsRefusal("stopped", "FR")
    assert store.sms_meter.refusal(scopes=SCOPES, windows=(), now=late) == SmsRefusal("stopped", "FR")
    assert store.sms_meter.stopped() == [("FR", late), ("+3363998", late)]
    assert store.sms_meter.reopen("FR", because_of("reopened"))
    assert not store.sms_meter.reopen("FR", because_of("reopened"))
    assert store.sms_meter.reopen("+3363998", because_of("reopened"))
    assert drained(store.spool) == ["reopened", "reopened"]
    assert take(store, "again", now=late) is None


@pytest.mark.spec("SMS-05")
@pytest.mark.parametrize(("verified", "stops"), [(5, True), (6, False)], ids=["under-a-fifth", "a-fifth"])
def test_the_floor_is_a_share_of_the_messages_of_the_last_hour(
    store: EphemeralStore, verified: int, stops: bool
) -> None:
    for number in range(10):  # too old to be judged
        assert take(store, f"old-{number}", now=NOW - HOUR - 300) is None
    for number in range(30):
        assert take(store, f"s{number}", now=NOW) is None
    for number in range(verified):
        store.sms_meter.verified(f"s{number}", SCOPES)
    assert (take(store, "next", now=NOW + 300) is not None) is stops
    assert take(store, "hour later", now=NOW + 300 + HOUR) == (SmsRefusal("stopped", "FR") if stops else None)


@pytest.mark.spec("SMS-05")
def test_of_parallel_messages_one_stops_the_scope_and_one_operator_opens_it(
    store: EphemeralStore, at_once: AtOnce
) -> None:
    for number in range(30):
        take(store, f"s{number}")
    refused = at_once(20, lambda: take(store, "next", now=NOW + 300, scopes=("FR",)))
    assert set(refused) == {SmsRefusal("stopped", "FR")}
    assert drained(store.spool) == ["stopped FR"]
    assert at_once(20, lambda: store.sms_meter.reopen("FR", because_of("reopened"))).count(True) == 1
    assert drained(store.spool) == ["reopened"]
