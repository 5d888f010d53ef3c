"""What a person is told of their account on the assembled gateway: a sign-in from an unknown device, the weakness of text
messages where a number is given; and what they can tell: a message that came unasked."""

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.accounts.account import Account
from gateway.cli.messages import sample
from gateway.journal.effects import NO_EFFECTS
from gateway.journal.events import Event
from gateway.messages.texts import LANGUAGES, Texts
from gateway.signin.evidence import Evidence, Means
from tests.flows.outgoing_messages import sending
from tests.requirements.assembled import ISSUER, Browser, Gateway
from tests.requirements.test_account_rows import proved, words

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
KNOWN = "__Host-known"


def leaving(gateway: Gateway, kind: str) -> list[dict[str, str | int]]:
    """What waits in the spool to be told."""
    taken = gateway.stores.ephemeral.spool.take_outgoing(gateway.clock.now(), 50, 0.0)
    return [dict(item.payload) for _, item, _ in taken if item.kind == kind]


def told(gateway: Gateway) -> int:
    return sum(notice["what"] == "new_device" for notice in leaving(gateway, "notice"))


def opened_in(gateway: Gateway, browser: Browser, username: str = "camille") -> Browser:
    """A sign-in of its own, an hour after the last one: as many codes as it takes."""
    gateway.clock.advance(3601)
    browser.cookies.pop("__Host-session", None)
    browser.sign_in(username=username)
    assert browser.session is not None
    return browser


# ── SES-13 ──


@pytest.mark.spec("SES-13")
def test_a_browser_where_the_account_was_never_opened_is_told_once(gateway: Gateway) -> None:
    camille = gateway.registered()
    usual = opened_in(gateway, Browser(gateway))
    opened_in(gateway, usual)
    assert told(gateway) == 0, "the first sign-in of all follows an activation, which was told"
    other = Browser(gateway)
    page = other.onward(other.get("/signin"))
    page = other.give_password(page)
    fields = {"user_agent": FIREFOX}
    address = page.text.partition('action="')[2].partition('"')[0]
    code = other.submit(page, address, code=gateway.sent_code())
    assert told(gateway) == 0, "nothing is told before the session is there"
    other.get(code.location, **fields)
    assert other.session is not None
    (notice,) = leaving(gateway, "notice")
    assert notice == {"account": camille.id, "what": "new_device", "device": "Firefox · Windows"}
    opened_in(gateway, usual)
    opened_in(gateway, other)
    gateway.clock.advance(61)
    other.sign_in(other.authorize(prompt="login"))
    assert told(gateway) == 1, "both are known, and proving oneself again in a session is no sign-in"


@pytest.mark.spec("SES-13")
@pytest.mark.parametrize(
    "cookies",
    [
        {KNOWN: "A" * 22},
        {KNOWN: "|".join(["B" * 22] * 60)},
        {KNOWN: "of paul"},
        {"__Host-post": "choice"},
        {"__Host-post": "policy"},
    ],
    ids=["forged", "too many", "another person's", "post said to be shared", "post marked by its start page"],
)
def test_whoever_has_the_password_and_the_mailbox_cannot_keep_the_notice_from_leaving(
    gateway: Gateway, cookies: dict[str, str]
) -> None:
    gateway.registered()
    gateway.person("paul")
    opened_in(gateway, Browser(gateway))
    of_paul = opened_in(gateway, Browser(gateway), "paul").cookies[KNOWN]
    thief = Browser(
        gateway, cookies={name: of_paul if value == "of paul" else value for name, value in cookies.items()}
    )
    opened_in(gateway, thief)
    assert told(gateway) == 1


@pytest.mark.spec("SES-13")
def test_after_a_reset_or_another_address_no_browser_is_known(gateway: Gateway) -> None:
    camille = gateway.registered()
    thief = opened_in(gateway, Browser(gateway))
    changed = replace(camille, code_demanded_since=gateway.clock.now(), last_signin_at=gateway.clock.now())
    assert gateway.stores.database.accounts.update(changed, NO_EFFECTS) is not False
    opened_in(gateway, thief)
    assert told(gateway) == 1


@pytest.mark.spec("SES-13")
def test_a_network_declared_as_shared_is_not_told_and_another_address_is(tmp_path: Path) -> None:
    ward = "networks:\n  - {name: Un service fictif, cidrs: [198.51.100.0/24], shared: true}\n"
    gateway = Gateway(tmp_path, networks=ward)
    gateway.registered()
    opened_in(gateway, Browser(gateway))
    opened_in(gateway, Browser(gateway, peer="198.51.100.9"))
    assert told(gateway) == 0
    opened_in(gateway, Browser(gateway, peer="203.0.113.9"))
    assert told(gateway) == 1
    gateway.close()


@pytest.mark.spec("SES-13")
def test_people_on_one_browser_are_each_known_and_three_notices_a_day_are_the_most(gateway: Gateway) -> None:
    gateway.registered()
    gateway.person("paul")
    opened_in(gateway, Browser(gateway))
    opened_in(gateway, Browser(gateway), "paul")
    shared = opened_in(gateway, opened_in(gateway, Browser(gateway)), "paul")
    assert told(gateway) == 2
    opened_in(gateway, opened_in(gateway, shared), "paul")
    assert told(gateway) == 2
    for _ in range(4):
        opened_in(gateway, Browser(gateway))
    assert told(gateway) == 4, "of Camille three, of Paul one"
    gateway.clock.advance(86_400)
    opened_in(gateway, Browser(gateway))
    assert told(gateway) == 5


# ── SMS-09 ──


@pytest.mark.spec("SMS-09")
def test_where_a_number_is_given_text_messages_are_said_to_be_the_weakest(gateway: Gateway) -> None:
    gateway.registered(phone=None, phone_verified_at=None)
    browser = opened_in(gateway, Browser(gateway))
    page = proved(gateway, browser, "/compte/contacts/telephone")
    assert "Le SMS est le moyen le moins sûr" in words(page)
    assert 'href="/compte/authentificateurs"' in page.text
    assert "/compte/passkeys" not in page.text, "not switched on here"
    other = proved(gateway, browser, "/compte/contacts/secours")
    assert "Le SMS" not in words(other)
    gateway.restart(means=("password", "passkey"))
    page = proved(gateway, browser, "/compte/contacts/telephone")
    assert 'href="/compte/passkeys"' in page.text


# ── OTP-13 ──


def begin_to_change(gateway: Gateway, browser: Browser, number: str) -> None:
    page = proved(gateway, browser, "/compte/contacts/telephone")
    asked = browser.onward(browser.submit(page, "/compte/contacts/telephone", value=number))
    assert asked.status == 200, words(asked)


def written(gateway: Gateway, account: Account, name: str) -> list[Event]:
    """In the durable journal."""
    lines = gateway.stores.database.own_journal.about(account.id, since=0.0, limit=100)
    return [line for line in lines if line.name == name]


@pytest.mark.spec("OTP-13")
def test_a_verified_number_that_is_left_is_told_by_a_text_message_without_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sending(tmp_path, monkeypatch) as world:
        gateway, texts = world.gateway, world.strangers.texts
        camille = gateway.registered()
        browser = opened_in(gateway, Browser(gateway))
        begin_to_change(gateway, browser, "06 12 34 56 78")
        world.send()
        said = dict(texts)
        assert set(said) == {camille.phone, "+33612345678"}
        assert "ce numéro n'est plus celui de votre compte" in said[str(camille.phone)]
        assert "portail.example" not in said[str(camille.phone)]
        sent = [line.details for line in written(gateway, camille, "message.sent") if line.method == "number_left"]
        assert sent == [{"channel": "sms", "provider_id": "SM17"}]
        texts.clear()
        begin_to_change(gateway, browser, "06 12 34 56 79")
        world.send()
        assert [to for to, _ in texts] == ["+33612345679"], "a number that was never verified is nobody's"


@pytest.mark.spec("OTP-13")
def test_a_verified_number_that_is_removed_is_told_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with sending(tmp_path, monkeypatch) as world:
        camille = world.gateway.registered()
        browser = opened_in(world.gateway, Browser(world.gateway))
        page = proved(world.gateway, browser, "/compte/contacts/telephone")
        assert browser.submit(page, "/compte/contacts/telephone/retrait").location.endswith("said=removed")
        world.send()
        assert [to for to, _ in world.strangers.texts] == [camille.phone]


@pytest.mark.spec("SMS-04")
def test_without_a_message_left_in_the_budget_the_former_number_is_told_by_mail_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sms = {"url": "https://sms.portail.example/send", "budget": {"daily": 1}}
    with sending(tmp_path, monkeypatch, sms=sms) as world:
        gateway = world.gateway
        camille = gateway.registered()
        browser = Browser(gateway)
        browser.sign_in(channel="sms")
        assert browser.session is not None
        begin_to_change(gateway, browser, "06 12 34 56 78")
        world.send()
        assert world.strangers.texts == []
        assert any("le téléphone de votre compte a changé" in mail["subject"] for mail in world.strangers.mails)
        refused = [line.reason for line in written(gateway, camille, "message.failed")]
        assert refused == ["sms_budget"]


# ── OTP-16 ──


@pytest.mark.spec("OTP-16")
def test_a_message_that_came_unasked_is_reported_from_the_account_and_the_operator_is_told_once_a_day(
    gateway: Gateway,
) -> None:
    camille = gateway.registered()
    browser = opened_in(gateway, Browser(gateway))
    gateway.clock.advance(400)
    page = browser.get("/compte/signalement")
    assert page.status == 200, "nobody who is alarmed is asked for one more code"
    assert browser.submit(page, "/compte/signalement", kind="whatever").status == 422
    done = browser.onward(browser.submit(page, "/compte/signalement", kind="code"))
    assert "changez-le maintenant" in words(done) and 'href="/compte/mot-de-passe"' in done.text
    browser.submit(page, "/compte/signalement", kind="link")
    lines = gateway.events("message.reported")
    assert [(line.target, line.details["purpose"]) for line in lines] == [(camille.id, "code"), (camille.id, "link")]
    (alert,) = leaving(gateway, "operator_alert")
    assert alert == {"what": "message_reported", "reported": "code"}
    for _ in range(20):
        browser.submit(page, "/compte/signalement", kind="notice")
    assert len(gateway.events("message.reported")) == 10, "whoever repeats it tells nothing new"


@pytest.mark.spec("OTP-16")
def test_no_message_invites_to_report_by_a_link() -> None:
    texts = Texts(service={"fr": "Portail", "en": "Portal"}, origin=ISSUER, contact="appui@example")
    for kind in texts.kinds():
        for language in LANGUAGES:
            made = sample(texts, kind, language, ISSUER)
            assert "/signalement" not in (made if isinstance(made, str) else made.text + made.html), kind


def test_a_session_by_a_trusted_device_is_no_news(gateway: Gateway) -> None:
    """Its key proves more than a mark, and outlives it where a browser keeps few cookies."""
    camille, now = gateway.registered(last_signin_at=0.0), gateway.clock.now()
    browser = Browser(gateway)
    page = browser.onward(browser.get("/signin"))
    handle = page.text.partition('action="/signin/')[2].partition("/")[0]
    transactions = gateway.stores.ephemeral.transactions
    txn = transactions.find(handle, now)
    assert txn is not None
    proofs = (Evidence(Means.PASSWORD, now), Evidence(Means.TRUSTED_DEVICE, now))
    assert transactions.save(replace(txn, account_id=camille.id, evidence=proofs), now, NO_EFFECTS)
    browser.onward(browser.get(f"/signin/{handle}"))
    assert browser.session is not None
    assert told(gateway) == 0
