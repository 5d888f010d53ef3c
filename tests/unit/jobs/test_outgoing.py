"""What waits is sent once, tried again as its kind deserves, and given up visibly."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from gateway.jobs.outgoing import RETRY_DELAYS, OutgoingJob, Report, Sent
from gateway.journal.effects import Effects, Outgoing
from tests.fakes import SetClock


class Waiting:
    """A queue of items that are due at an instant."""

    def __init__(self, *items: Outgoing) -> None:
        self.items = {f"i{number}": (0.0, item, 0) for number, item in enumerate(items)}
        self.retried: list[float] = []
        self.effects: list[Effects] = []

    def take(self, now: float) -> Sequence[tuple[str, Outgoing, int]]:
        due = [(name, item, tries) for name, (at, item, tries) in self.items.items() if at <= now]
        for name, item, tries in due:
            self.items[name] = (now + 60, item, tries + 1)
        return due

    def done(self, item_id: str, effects: Effects) -> None:
        del self.items[item_id]
        self.effects.append(effects)

    def retry(self, item_id: str, at: float, effects: Effects) -> None:
        _, item, tries = self.items[item_id]
        self.items[item_id] = (at, item, tries)
        self.retried.append(at)


def code(channel: str) -> Outgoing:
    return Outgoing("one_time_code", {"challenge": "c", "account": "a", "channel": channel})


class Refusing:
    def __init__(self, error: Exception) -> None:
        self.error, self.times, self.troubled = error, 0, 0

    def __call__(self, payload: Mapping[str, Any], now: float, message_id: str) -> Sent:
        self.times += 1
        raise self.error

    def told(self, payload: Mapping[str, Any], now: float) -> None:
        self.troubled += 1


def run_dry(queue: Waiting, handler: Refusing, clock: SetClock) -> None:
    job = OutgoingJob(
        queues=[queue], handlers={"one_time_code": handler}, troubled={"one_time_code": handler.told}, clock=clock
    )
    while queue.items:
        job.run_once()
        clock.advance(0.5)


@pytest.mark.spec("OTP-17")
@pytest.mark.parametrize("error", [OSError(), TimeoutError(), ValueError("no address")], ids=["no", "late", "address"])
def test_a_text_message_is_tried_once_more_within_two_seconds_and_then_given_up(error: Exception) -> None:
    queue, handler, clock = Waiting(code("sms")), Refusing(error), SetClock(100.0)
    run_dry(queue, handler, clock)
    assert (handler.times, queue.retried, handler.troubled) == (2, [101.0], 1)
    (line,) = queue.effects[0].events
    assert (line.name, line.reason, dict(line.details)) == ("message.failed", "given_up", {"channel": "sms"})


@pytest.mark.spec("OTP-17")
def test_a_mail_is_tried_for_minutes_and_its_page_knows_after_the_second_no() -> None:
    queue, handler, clock = Waiting(code("email")), Refusing(OSError()), SetClock(100.0)
    job = OutgoingJob(
        queues=[queue], handlers={"one_time_code": handler}, troubled={"one_time_code": handler.told}, clock=clock
    )
    job.run_once()
    assert (queue.retried, handler.troubled) == ([101.0], 0)
    clock.advance(1)
    job.run_once()
    assert handler.troubled == 1
    run_dry(queue, handler, clock)
    assert handler.times == 1 + len(RETRY_DELAYS)


@pytest.mark.spec("OTP-18")
def test_the_provider_s_name_of_a_message_is_written_down_and_nothing_of_its_content() -> None:
    queue = Waiting(code("sms"), code("sms"))
    reports = iter([Report({"provider_id": "SM1", "sim": "absent"}), Report({"sim": "changed"}, reason="sim_changed")])
    OutgoingJob(queues=[queue], handlers={"one_time_code": lambda *_: next(reports)}, clock=SetClock()).run_once()
    sent, refused = (effects.events[0] for effects in queue.effects)
    assert (sent.name, dict(sent.details)) == (
        "message.sent",
        {"channel": "sms", "provider_id": "SM1", "sim": "absent"},
    )
    assert (refused.name, refused.reason) == ("message.failed", "sim_changed")


def test_a_provider_that_drags_does_not_hold_the_messages_of_another() -> None:
    queue, released, mailed = Waiting(code("sms"), code("email")), threading.Event(), threading.Event()

    def handler(payload: Mapping[str, Any], now: float, message_id: str) -> Sent:
        if payload["channel"] == "email":
            mailed.set()
        else:
            assert mailed.wait(20)
            released.set()
        return Sent.SENT

    OutgoingJob(queues=[queue], handlers={"one_time_code": handler}, clock=SetClock(), abreast=2).run_once()
    assert released.is_set()
    assert queue.items == {}
