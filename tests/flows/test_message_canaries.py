"""Codes, passwords and links go to their receiver and nowhere else: not into a log, the journal, a store or an error."""

import logging
import re
from pathlib import Path

import pytest

from gateway.accounts.account import CodeChannel
from tests.flows.outgoing_messages import Sending, sending
from tests.requirements.assembled import PASSWORD, Browser, action_of, hidden_fields

NEW_PASSWORD = "la huppe dort sous le toit 17"


def kept(folder: Path) -> bytes:
    """Every byte of the stores, without the key that opens what is sealed."""
    return b"".join(file.read_bytes() for file in folder.rglob("*.db*"))


def code_in(text: str) -> str:
    found = re.search(r"\b(\d{8}|\d{6})\b", text)
    assert found is not None, text
    return found[1]


def secrets_of(world: Sending, *, failing: bool) -> list[str]:
    """Walks through a code by mail, one by SMS and a reset; gives what only their receivers may know."""
    found, browser = [PASSWORD, NEW_PASSWORD], world.gateway.browser
    for channel in ("email", "sms"):
        world.strangers.down = {"email", "sms"} if failing else set()
        browser = Browser(world.gateway)
        page = browser.give_password(browser.onward(browser.get("/signin")))
        if channel == "sms":
            resend = action_of(page, "code") + "/resend"
            page = browser.onward(browser.post(resend, {**hidden_fields(page, resend), "channel": "sms"}))
        world.send()
        world.send(1.0)
        world.strangers.down = set()
        world.send(2.0)
        if channel == "email" or not failing:
            said = world.strangers.mails[-1]["text"] if channel == "email" else world.strangers.texts[-1][1]
            found.append(code_in(said))
            browser.onward(browser.submit(page, action_of(page, "code"), code="00000001"))
            browser.onward(browser.submit(page, action_of(page, "code"), code=found[-1]))
            assert browser.session is not None
    world.strangers.down = {"email"} if failing else set()
    page = browser.get("/forgotten")
    browser.post("/forgotten", hidden_fields(page, "/forgotten") | {"identifier": "camille"})
    world.send()
    world.strangers.down = set()
    world.send(1.0)
    link = re.search(r"https://portail\.example(/reset/(\S+))", world.strangers.mails[-1]["text"])
    assert link is not None
    found.append(link[2])
    visitor = Browser(world.gateway)
    page = visitor.onward(visitor.get(link[1]))
    fields = {"password": NEW_PASSWORD}
    action = re.search(r'<form[^>]* method="post" action="([^"]+)"', page.text)
    assert action is not None, page.text[:800]
    visitor.onward(visitor.submit(page, action[1], **fields))
    world.send(1.0)
    return found


@pytest.mark.spec("OTP-08", "PWD-12")
@pytest.mark.parametrize("failing", [False, True], ids=["providers-answer", "providers-fail"])
def test_what_only_its_receiver_may_know_is_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, failing: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    with sending(tmp_path, monkeypatch) as world:
        world.gateway.registered(code_channel=CodeChannel.EMAIL)
        secrets = secrets_of(world, failing=failing)
        assert len(secrets) == (4 if failing else 5)
        stores, journal = kept(tmp_path), repr(world.gateway.events())
        for pages in [answer.text for answer in world.gateway.browser.trail]:
            journal += pages
    assert "message.sent" in journal
    for secret in secrets:
        assert secret not in caplog.text
        assert secret not in journal
        if len(secret) > 6:  # six digits are found in any heap of octets
            assert secret.encode() not in stores
            assert secret.encode("utf-16-le") not in stores
