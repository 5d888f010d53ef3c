"""A provider goes away, or the budget is spent, in the middle of a sign-in: another factor is offered and none is skipped."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from gateway.accounts.account import CodeChannel
from tests.flows.outgoing_messages import Sending, sending
from tests.requirements.assembled import Answer, Browser, action_of, hidden_fields

SLOW = "Le message tarde à partir"
OTHER = {"sms": "email", "email": "sms"}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sending]:
    with sending(tmp_path, monkeypatch) as opened:
        yield opened


def at_code(world: Sending, channel: str, username: str = "camille") -> Answer:
    browser = Browser(world.gateway) if username != "camille" else world.gateway.browser
    page = browser.give_password(browser.onward(browser.get("/signin")), username)
    assert page.status == 200
    return page


def offered(page: Answer) -> set[str]:
    return set(re.findall(r'name="channel" value="(\w+)"', page.text))


@pytest.mark.spec("OTP-17", "AC-028")
@pytest.mark.parametrize("channel", ["sms", "email"])
def test_a_provider_that_does_not_answer_leads_to_another_factor_and_to_no_session(
    world: Sending, channel: str
) -> None:
    world.gateway.registered(code_channel=CodeChannel(channel))
    world.strangers.down = {channel}
    browser = world.gateway.browser
    page = at_code(world, channel)
    code = action_of(page, "code")
    assert SLOW not in unescape(page.text)
    world.send()
    assert SLOW not in unescape(browser.get(code).text)  # one refusal is not an outage yet
    world.send(1.0)
    page = browser.get(code)
    assert page.status == 200
    assert SLOW in unescape(page.text)
    assert OTHER[channel] in offered(page)
    journey = code.removesuffix("/code")
    assert browser.get(journey).location == code  # nothing is skipped
    assert browser.session is None

    resend = f"{code}/resend"
    page = browser.onward(browser.post(resend, {**hidden_fields(page, resend), "channel": OTHER[channel]}))
    world.send()
    said = world.strangers.texts[-1][1] if channel == "email" else world.strangers.mails[-1]["text"]
    found = re.search(r"\b(\d{6}|\d{8})\b", said)
    assert found is not None
    browser.onward(browser.submit(page, code, code=found[1]))
    assert browser.session is not None


@pytest.mark.spec("OTP-17")
def test_a_text_message_is_not_tried_a_third_time(world: Sending) -> None:
    world.gateway.registered(code_channel=CodeChannel.SMS)
    world.strangers.down = {"sms"}
    at_code(world, "sms")
    world.send()
    world.send(1.0)
    world.strangers.down = set()
    world.send(600.0)
    assert world.strangers.texts == []
    (failed,) = world.gateway.events("message.failed")
    assert (failed.reason, dict(failed.details)) == ("given_up", {"channel": "sms"})


@pytest.mark.spec("SMS-04", "AC-026")
def test_once_the_budget_is_spent_a_mail_leaves_instead_and_no_text_message_is_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sms = {"url": "https://sms.portail.example/send", "budget": {"daily": 1}}
    with sending(tmp_path, monkeypatch, sms=sms) as world:
        world.gateway.registered(code_channel=CodeChannel.SMS)
        world.gateway.registered("denis", rpps="99900000011", phone="+33639980002", code_channel=CodeChannel.SMS)
        at_code(world, "sms")
        world.send()
        assert len(world.strangers.texts) == 1
        assert "100 %" in world.strangers.mails[-1]["subject"]
        page = at_code(world, "email", "denis")
        world.send()
        assert "par e-mail" in unescape(page.text)
        assert offered(page) == set()
        assert len(world.strangers.texts) == 1
        assert world.strangers.mails[-1]["to"] == "denis@exemple.example"


@pytest.mark.spec("SMS-04", "OTP-17")
def test_where_only_a_text_message_would_do_and_none_can_leave_the_page_says_so_and_nobody_enters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sms = {"url": "https://sms.portail.example/send", "budget": {"daily": 1}}
    with sending(tmp_path, monkeypatch, sms=sms) as world:
        world.gateway.registered(code_channel=CodeChannel.SMS)
        browser = world.gateway.browser
        at_code(world, "sms")
        page = browser.give_password(browser.onward(browser.authorize("exigeant")))
        assert (page.status, browser.session) == (200, None)
        page = browser.get(action_of(page, "code"))
        assert SLOW in unescape(page.text)
        world.send()
        assert len(world.strangers.texts) == 1
        answer = browser.submit(page, action_of(page, "code"), code="000000")
        assert (answer.status, browser.session) == (422, None)


@pytest.mark.spec("MAIL-03", "AC-039")
def test_a_hostile_host_header_changes_no_address_in_a_mail(world: Sending) -> None:
    world.gateway.registered()
    for name in ("host", "x-forwarded-host", "x-forwarded-proto", "forwarded", "x-original-host"):
        browser = Browser(world.gateway)
        page = browser.get("/forgotten")
        fields = hidden_fields(page, "/forgotten") | {"identifier": "camille"}
        browser.post("/forgotten", fields, **{name.replace("-", "_"): "evil.example"})
        world.send(4000.0)
    assert world.strangers.mails
    for mail in world.strangers.mails:
        assert "evil" not in mail["text"] + mail["html"] + mail["subject"]
        assert re.findall(r"https?://[^/\s\"<]+", mail["text"] + mail["html"])
        assert set(re.findall(r"https?://[^/\s\"<]+", mail["text"] + mail["html"])) == {"https://portail.example"}
