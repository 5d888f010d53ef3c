"""Links over HTTP, on the assembled gateway with the job that mails them: the first access and its welcome, a lost password and
everything that it ends, scanners, and a thief who changed the address."""

import base64
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyotp
import pytest

from gateway.accounts.account import Account
from gateway.accounts.authenticator import TotpAuthenticator
from gateway.accounts.create_account import NewAccount, create_account
from gateway.journal.effects import NO_EFFECTS
from gateway.keys.purposes import Purpose
from gateway.randomness import system_randomness
from tests.flows.outgoing_messages import Sending, sending
from tests.requirements.assembled import DAY, Answer, Browser, action_of, hidden_fields
from tests.requirements.team_world import FRESH, journal, new_password
from tests.requirements.test_account_rows import changed, give_contact_code, signed_in

IDENTIFIER = "canari.des-marais"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sending]:
    with sending(tmp_path, monkeypatch) as opened:
        yield opened


def invited(world: Sending) -> Account:
    database = world.gateway.stores.database
    new = NewAccount(username=IDENTIFIER, family_name="Aubert", given_name="Denis", email="denis@exemple.example")
    return create_account(
        new,
        accounts=database.accounts,
        links=database.links,
        link_key=database.purpose_keys.get(Purpose.LINK),
        link_ttl_seconds=DAY,
        operator="test",
        now=world.gateway.clock.now(),
        randomness=system_randomness,
    )


def whole(mail: dict[str, Any]) -> str:
    return f"{mail['subject']}\n{mail['text']}\n{mail['html']}"


def links_in(mail: dict[str, Any], purpose: str) -> list[str]:
    return re.findall(rf"https://portail\.example(/{purpose}/[A-Za-z0-9_-]{{43}})", mail["text"])


def ask_reset(world: Sending, typed: str = "camille") -> None:
    browser = Browser(world.gateway)
    world.gateway.clock.advance(60)
    browser.submit(browser.get("/forgotten"), "/forgotten", identifier=typed)
    world.send(1.0)


def reset_link(world: Sending) -> str:
    ask_reset(world)
    (link,) = links_in(world.strangers.mails[-1], "reset")
    return link


def landed(world: Sending, link: str) -> tuple[Browser, Answer]:
    browser = Browser(world.gateway)
    return browser, browser.onward(browser.get(link))


def reset(world: Sending) -> Browser:
    browser, _ = landed(world, reset_link(world))
    assert new_password(browser, path="/reset").location == "/reset?done"
    return browser


# ── the first access ──


@pytest.mark.spec("R001-03", "R001-04")
def test_the_link_comes_first_the_identifier_in_the_welcome_and_no_password_ever(world: Sending) -> None:
    denis = invited(world)
    world.send()
    (first,) = world.strangers.mails
    (link,) = links_in(first, "activation")
    assert IDENTIFIER not in whole(first), "beside the link's secret"
    assert denis.password_hash is None
    browser, page = landed(world, link)
    assert page.status == 200
    assert new_password(browser, path="/activation").location == "/activation?done"
    again, gone = landed(world, link)
    assert gone.status == 410
    world.send()
    (welcome,) = world.strangers.mails[1:]
    assert welcome["to"] == denis.email
    assert IDENTIFIER in welcome["text"] and IDENTIFIER in welcome["html"]
    assert not re.search(r"https?://", welcome["text"] + welcome["html"])
    for mail in world.strangers.mails:
        assert FRESH not in whole(mail)
    page = again.give_password(again.onward(again.get("/signin")), IDENTIFIER, FRESH)
    assert action_of(page, "code")


# ── a lost password ──


@pytest.mark.spec("RST-03", "AC-037")
def test_scanners_that_open_a_link_leave_it_to_its_reader(world: Sending) -> None:
    world.gateway.registered()
    link = reset_link(world)
    for _ in range(3):
        scanner, page = landed(world, link)
        assert page.status == 200
        scanner.ask("HEAD", link)
    reader, _ = landed(world, link)
    assert new_password(reader, path="/reset").location == "/reset?done"
    assert landed(world, link)[1].status == 410
    late = scanner.post("/reset", {**hidden_fields(page, "/reset"), "new_password": FRESH, "again": FRESH})
    assert late.status == 410


@pytest.mark.spec("RST-03", "AC-038")
def test_one_link_posted_four_times_at_once_changes_one_password(world: Sending) -> None:
    camille = world.gateway.registered()
    reader, page = landed(world, reset_link(world))
    fields = hidden_fields(page, "/reset")

    def post(number: int) -> int:
        one, password = Browser(world.gateway, cookies=dict(reader.cookies)), f"{FRESH} {number}"
        return one.post("/reset", {**fields, "new_password": password, "again": password}).status

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(post, range(4)))
    assert statuses == [303, 410, 410, 410]
    assert [line.target for line in journal(world.gateway, "account.password_set")] == [camille.id]


@pytest.mark.spec("RST-04", "AC-043")
def test_the_first_of_two_links_is_dead(world: Sending) -> None:
    world.gateway.registered()
    first, second = reset_link(world), reset_link(world)
    assert [landed(world, link)[1].status for link in (first, second)] == [410, 200]


@pytest.mark.spec("RST-07", "AC-041")
def test_after_a_reset_the_authenticator_is_still_asked(world: Sending) -> None:
    gateway = world.gateway
    camille, seed, now = gateway.registered(), b"s" * 20, gateway.clock.now()
    totp = gateway.stores.database.totp
    totp.enrol(TotpAuthenticator("totp", camille.id, "téléphone", seed, now), NO_EFFECTS)
    assert totp.confirm("totp", time_step=1, at=now, at_most=5, effects=NO_EFFECTS)
    browser = reset(world)
    assert browser.session is None
    page = browser.give_password(browser.onward(browser.get("/signin")), password=FRESH)
    action = action_of(page, "totp")
    for step in ("", "/structure", "/code", "/device"):
        assert browser.get(action.removesuffix("/totp") + step).location in {action, action.removesuffix("/totp")}
    shown = pyotp.TOTP(base64.b32encode(seed).decode()).at(int(gateway.clock.now()))
    wrong = browser.submit(page, action, code=f"{(int(shown) + 1) % 10**6:06d}")
    assert (wrong.status, browser.session) == (422, None)
    browser.onward(browser.submit(wrong, action, code=shown))
    assert browser.session is not None


@pytest.mark.spec("RST-08", "AC-042")
def test_a_reset_closes_what_was_open_in_two_applications_and_tells_them(world: Sending) -> None:
    gateway = world.gateway
    gateway.registered()
    tokens = gateway.tokens(gateway.browser.code())
    other = gateway.tokens(gateway.browser.code("suivi"), "suivi")
    link = reset_link(world)
    assert gateway.browser.session is not None, "asking ends nothing"
    browser, _ = landed(world, link)
    assert new_password(browser, path="/reset").location == "/reset?done"
    assert gateway.browser.session is None
    assert gateway.refreshed(tokens["refresh_token"]).status == 400
    for application in (tokens, other):
        assert gateway.userinfo(application["access_token"]).status == 401
    taken = gateway.stores.ephemeral.spool.take_outgoing(gateway.clock.now(), 50, 0.0)
    called = sorted(str(item.payload["client"]) for _, item, _ in taken if item.kind == "backchannel_logout")
    assert called == ["orientation", "suivi"]


@pytest.mark.spec("OTP-13", "AC-045")
def test_a_reset_an_hour_after_a_thief_changed_the_address_goes_to_the_holder(world: Sending) -> None:
    gateway, long_ago = world.gateway, world.gateway.clock.now() - 30 * DAY
    camille = gateway.registered(recovery_email="secours@exemple.example", recovery_email_verified_at=long_ago)
    thief = signed_in(gateway)
    page = changed(gateway, thief, "email", "voleur@exemple.example")
    give_contact_code(gateway, thief, page)
    world.send()
    warned = [mail for mail in world.strangers.mails if mail["to"] == camille.email]
    assert [link for mail in warned for link in links_in(mail, "undo_contact")]
    gateway.clock.advance(3600)
    for typed in ("camille", "voleur@exemple.example"):
        world.strangers.mails.clear()
        ask_reset(world, typed)
        assert [mail["to"] for mail in world.strangers.mails if links_in(mail, "reset")] == ["secours@exemple.example"]
        assert "voleur@exemple.example" not in [mail["to"] for mail in world.strangers.mails]
    gateway.clock.advance(DAY)
    world.strangers.mails.clear()
    ask_reset(world)
    assert "voleur@exemple.example" in [mail["to"] for mail in world.strangers.mails], "a day later it is the address"
