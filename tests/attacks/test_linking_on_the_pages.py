"""Attacks on linking through the pages, as deployed: a planted transaction, a forged confirmation, guesses, a reset between.

The browser is a shared one wherever the attack needs it: attacker and victim then have the same cookies.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.accounts.account import Account, AccountStatus, CodeChannel
from gateway.accounts.one_time_link import LinkPurpose, new_link
from gateway.journal.effects import NO_EFFECTS
from gateway.keys.purposes import Purpose
from gateway.randomness import system_randomness
from tests.attacks.linking_gateway import OTHER_RPPS, RPPS, LinkingGateway, handle_of
from tests.requirements.assembled import Answer, Browser, hidden_fields

GONE = 410


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[LinkingGateway]:
    gateway = LinkingGateway(tmp_path)
    yield gateway
    gateway.close()


def chosen(gateway: LinkingGateway, browser: Browser, **identity: str | None) -> Answer:
    """An identity nobody has came, "I have an account": the password's page."""
    page = gateway.comes(browser, handle_of(browser.onward(browser.get("/signin"))), **identity)
    handle = handle_of(page)
    return browser.onward(browser.submit(page, f"/signin/{handle}/link", choice="existing"))


def at_the_confirmation(gateway: LinkingGateway, browser: Browser, **identity: str | None) -> Answer:
    page = browser.give_code(browser.give_password(chosen(gateway, browser, **identity)))
    assert "/confirm_link" in page.text, page.text[-2000:]
    return page


def confirmed(browser: Browser, page: Answer) -> Answer:
    return browser.onward(browser.submit(page, f"/signin/{handle_of(page)}/confirm_link"))


def a_link(gateway: LinkingGateway, account: Account, purpose: LinkPurpose) -> None:
    database = gateway.stores.database
    link = new_link(
        database.purpose_keys.get(Purpose.LINK),
        purpose,
        account_id=account.id,
        contact_version=account.contact_version,
        now=gateway.clock.now(),
        ttl_seconds=3600,
        randomness=system_randomness,
    )
    database.links.issue(link, NO_EFFECTS)


# The first: fixation


@pytest.mark.spec("LNK-02", "A1")
def test_whoever_began_with_an_identity_of_theirs_cannot_go_on_with_what_the_victim_proves(
    gateway: LinkingGateway,
) -> None:
    """The attacker plants their cookie and the address of their transaction; the victim, a homonym, signs in there."""
    camille, attacker = gateway.person(), gateway.browser
    page = chosen(gateway, attacker)
    victim = Browser(gateway, dict(attacker.cookies))
    known = handle_of(page)
    page = victim.give_password(page)
    after_password = handle_of(page)
    assert attacker.get(f"/signin/{known}").status == GONE
    page = victim.give_code(page)
    assert len({known, after_password, handle_of(page)}) == 3
    for handle in (known, after_password):
        assert attacker.get(f"/signin/{handle}").status == GONE
        assert attacker.get(f"/signin/{handle}/confirm_link").status == GONE
    assert gateway.links_of(camille) == []


@pytest.mark.spec("LNK-02", "A1")
def test_an_address_planted_before_the_identity_comes_is_worth_nothing_after(gateway: LinkingGateway) -> None:
    gateway.person()
    attacker = gateway.browser
    planted = handle_of(attacker.onward(attacker.get("/signin")))
    victim = Browser(gateway, dict(attacker.cookies))
    page = gateway.comes(victim, planted)
    assert handle_of(page) != planted
    assert attacker.get(f"/signin/{planted}").status == GONE


@pytest.mark.spec("LNK-02", "SES-02", "A1")
def test_the_commit_gives_a_new_session_and_the_confirmed_address_is_dead(gateway: LinkingGateway) -> None:
    gateway.person()
    browser = gateway.browser
    browser.onward(browser.sign_in())
    before = browser.session
    assert before is not None
    # A page of this gateway sends somebody signed in home; the demand of a newer proof opens the journey again.
    page = browser.onward(browser.authorize(prompt="login"))
    page = gateway.comes(browser, handle_of(page))
    page = browser.onward(browser.submit(page, f"/signin/{handle_of(page)}/link", choice="existing"))
    gateway.clock.advance(31)
    page = browser.give_code(browser.give_password(page))
    handle = handle_of(page)
    confirmed(browser, page)
    assert browser.session is not None
    assert (browser.session.handle, browser.session.sid) != (before.handle, before.sid)
    assert gateway.session(before.handle) is None
    assert browser.get(f"/signin/{handle}").status == GONE


@pytest.mark.spec("LNK-01", "A1", "A6")
def test_no_other_browser_goes_on_with_the_transaction(gateway: LinkingGateway) -> None:
    camille = gateway.person()
    page = at_the_confirmation(gateway, gateway.browser)
    handle = handle_of(page)
    stranger = Browser(gateway)
    stranger.get("/signin")
    assert stranger.get(f"/signin/{handle}/confirm_link").status == GONE
    form = hidden_fields(page, f"/signin/{handle}/confirm_link")
    assert stranger.post(f"/signin/{handle}/confirm_link", form).status in {403, GONE}
    assert gateway.links_of(camille) == []


# A2: the victim is made to link into the attacker's account


@pytest.mark.spec("LNK-03", "A2")
@pytest.mark.parametrize("forged", ["no token", "token of another form", "other site", "other site in fetch metadata"])
def test_a_hidden_form_posting_the_commit_is_refused(gateway: LinkingGateway, forged: str) -> None:
    camille, browser = gateway.person(), gateway.browser
    page = at_the_confirmation(gateway, browser)
    handle = handle_of(page)
    form = hidden_fields(page, f"/signin/{handle}/confirm_link")
    headers: dict[str, str] = {}
    if forged == "no token":
        form = {}
    elif forged == "token of another form":
        form = hidden_fields(page, f"/signin/{handle}/link/give-up")
    elif forged == "other site":
        headers = {"origin": "https://attaquant.example"}
    else:
        headers = {"sec_fetch_site": "cross-site"}
    assert browser.post(f"/signin/{handle}/confirm_link", form, **headers).status == 403
    assert browser.get(f"/signin/{handle}/confirm_link?confirm=yes").status == 200
    assert gateway.links_of(camille) == []
    confirmed(browser, page)
    assert len(gateway.links_of(camille)) == 1


@pytest.mark.spec("LNK-03", "A2")
def test_the_confirmation_names_the_holder_and_the_masked_account_and_the_cookie_stays_on_our_site(
    gateway: LinkingGateway,
) -> None:
    gateway.person(email="camille.exemple@exemple.example")
    page = at_the_confirmation(gateway, gateway.browser)
    assert "CAMILLE EXEMPLE" in page.text
    assert "c•••@e•••.example" in page.text
    assert "camille.exemple@exemple.example" not in page.text
    confirmed(gateway.browser, page)
    cookies = [line for answer in gateway.browser.trail for name, line in answer.headers if name == "set-cookie"]
    assert cookies
    assert [line for line in cookies if "SameSite=Lax" not in line] == []


@pytest.mark.spec("LNK-03", "A2")
def test_a_form_shown_for_one_account_does_not_confirm_another(gateway: LinkingGateway) -> None:
    """What the page named changed behind it: the form token no longer counts."""
    camille, browser = gateway.person(), gateway.browser
    page = at_the_confirmation(gateway, browser)
    handle = handle_of(page)
    database, now = gateway.stores.database, gateway.clock.now()
    txn = gateway.stores.ephemeral.transactions.find(handle, now)
    assert txn is not None
    form = hidden_fields(page, f"/signin/{handle}/confirm_link")
    stored = database.accounts.get(camille.id)
    assert stored is not None
    database.accounts.update(replace(stored, contact_version=stored.contact_version + 1), NO_EFFECTS)
    assert browser.post(f"/signin/{handle}/confirm_link", form).status == 403
    assert gateway.links_of(camille) == []


# A12, A13


@pytest.mark.spec("LNK-13", "A12")
def test_the_pages_before_the_credentials_do_not_depend_on_any_account(gateway: LinkingGateway) -> None:
    gateway.person(rpps=RPPS)
    gateway.person("dominique", rpps=OTHER_RPPS, status=AccountStatus.ARCHIVED)

    def shown(**identity: str | None) -> list[str]:
        browser = Browser(gateway)
        page = chosen(gateway, browser, **identity)
        pages = [answer.text for answer in (*browser.trail, page)]
        # Handles, form tokens, nonces and the number of an incident are drawn anew for each page.
        same = re.compile(r'[\w-]{43,44}|nonce="[^"]+"|\b[A-Z2-7]{4}-[A-Z2-7]{4}\b')
        return [same.sub("…", text) for text in pages]

    names = {"family_name": "INCONNUE", "given_name": "ZOÉ"}
    nobody = shown(rpps="99900000029", **names)
    assert len(nobody) > 4
    assert shown(rpps=RPPS, **names) == nobody
    assert shown(rpps=OTHER_RPPS, **names) == nobody


@pytest.mark.spec("LNK-12", "A13")
def test_fifty_guesses_through_linking_meet_the_throttle_of_the_sign_in_page(gateway: LinkingGateway) -> None:
    gateway.person()
    browser = gateway.browser
    page = chosen(gateway, browser)
    for _ in range(50):
        page = browser.give_password(page, password="mauvais mot de passe")
    admitted = [event for event in gateway.events("signin.password") if event.reason == "wrong_password"]
    assert 0 < len(admitted) < 8
    ordinary = Browser(gateway)
    refused = ordinary.give_password(ordinary.onward(ordinary.get("/signin")))
    assert refused.status == page.status == 422
    said = re.compile(r'role="alert".*?</', re.DOTALL)
    alerts = [said.search(answer.text) for answer in (page, refused)]
    assert alerts[0] is not None
    assert alerts[1] is not None
    assert alerts[0][0] == alerts[1][0]


# A10, A14


@pytest.mark.spec("LNK-01", "A10")
def test_an_identity_six_minutes_old_is_asked_again(gateway: LinkingGateway) -> None:
    camille, browser = gateway.person(), gateway.browser
    page = chosen(gateway, browser)
    gateway.clock.advance(360)
    page = browser.give_password(page)
    assert "/confirm_link" not in page.text
    assert gateway.links_of(camille) == []
    assert re.search(r"/signin/[\w-]{44}/psc", page.text), page.text[-1500:]


@pytest.mark.spec("LNK-08", "A14")
def test_a_password_reset_in_the_middle_voids_what_was_proved(gateway: LinkingGateway) -> None:
    camille, browser = gateway.person(), gateway.browser
    page = at_the_confirmation(gateway, browser)
    database = gateway.stores.database
    a_link(gateway, camille, LinkPurpose.RESET)
    reset = database.links.latest(camille.id, LinkPurpose.RESET)
    stored = database.accounts.get(camille.id)
    assert reset is not None
    assert stored is not None
    gateway.clock.advance(1)
    now = gateway.clock.now()
    changed = replace(stored, code_demanded_since=now)
    assert database.accounts.set_password(changed, reset, now, NO_EFFECTS)
    answer = confirmed(browser, page) if "/confirm_link" in page.text else page
    assert "/password" in answer.text or answer.status == 403
    assert gateway.links_of(camille) == []


@pytest.mark.spec("LNK-08", "A14", "SMS-10")
def test_no_code_by_sms_is_offered_or_sent_while_an_identity_waits(gateway: LinkingGateway) -> None:
    gateway.person(phone="+33639980001", phone_verified_at=gateway.clock.now(), code_channel=CodeChannel.SMS)
    browser = gateway.browser
    page = browser.give_password(chosen(gateway, browser))
    handle = handle_of(page)
    assert 'value="sms"' not in page.text
    resend = f"/signin/{handle}/code/resend"
    browser.post(resend, {**hidden_fields(page, resend), "channel": "sms"})
    items = gateway.stores.ephemeral.spool.take_outgoing(gateway.clock.now(), 50, 0.0)
    channels = {item.payload["channel"] for _, item, _ in items if item.kind == "one_time_code"}
    assert channels == {"email"}
