"""Activation by e-CPS attacked: without the link, with another's link, with another's answer (DECISIONS 7, LNK-06).

The link that landed in the browser and the identity that is proved in it must both be there, in one browser, to the end; a
person still reads what would be linked to what, and nothing of a sign-in spends an activation link.
"""

from collections.abc import Iterator

import pytest

from gateway.accounts.account import Account, AccountStatus
from gateway.accounts.one_time_link import LinkPurpose, link_token, new_link
from gateway.journal.effects import NO_EFFECTS
from gateway.keys.purposes import Purpose
from gateway.randomness import system_randomness
from tests.flows.psc_gateway import PscGateway, Simulator
from tests.requirements.assembled import ISSUER, Answer, Browser, action_of


@pytest.fixture
def gateway(psc_simulator: Simulator, tmp_path) -> Iterator[PscGateway]:
    gateway = PscGateway(tmp_path, psc_simulator)
    yield gateway
    gateway.close()


def invited(gateway: PscGateway, persona: str = "claire") -> Account:
    return gateway.holder_of(persona, status=AccountStatus.INVITED, email_verified_at=None, password_hash=None)


def mailed(gateway: PscGateway, account: Account, purpose: LinkPurpose = LinkPurpose.ACTIVATION) -> str:
    """The path of a link that was mailed."""
    key, now = gateway.stores.database.purpose_keys.get(Purpose.LINK), gateway.clock.now()
    link = new_link(
        key,
        purpose,
        account_id=account.id,
        contact_version=account.contact_version,
        now=now,
        ttl_seconds=3600,
        randomness=system_randomness,
    )
    gateway.stores.database.links.issue(link, NO_EFFECTS)
    return f"/{purpose}/{link_token(key, purpose, link.id)}"


def landed(gateway: PscGateway, path: str, browser: Browser | None = None) -> Browser:
    browser = browser or gateway.browser
    assert browser.onward(browser.get(path)).status == 200
    return browser


def answer_of(gateway: PscGateway, persona: str, browser: Browser | None = None) -> str:
    """The callback of an activation begun in this browser."""
    address = (browser or gateway.browser).get("/activation/psc").location
    assert address.startswith(gateway.environment.authorization_endpoint)
    return gateway.answer_of_psc(address, persona)


def opened(browser: Browser, target: str) -> Answer:
    return browser.onward(browser.get(target))


def is_invited(gateway: PscGateway, account: Account) -> bool:
    found = gateway.stores.database.accounts.get(account.id)
    assert found is not None
    return found.status is AccountStatus.INVITED and not gateway.stores.database.identities.of(account.id)


def test_link_and_identity_together_activate_once(gateway: PscGateway) -> None:
    account, path = invited(gateway), None
    path = mailed(gateway, account)
    browser = landed(gateway, path)
    page = opened(browser, answer_of(gateway, "claire"))
    assert is_invited(gateway, account), "nothing is done before the person confirms"
    browser.onward(browser.submit(page, action_of(page, "confirm_link")))
    assert browser.session is not None
    assert browser.session.account_id == account.id
    again = gateway.another_browser()
    assert opened(again, path).status == 410
    browser.submit(opened(browser, "/"), "/signout")
    gateway.psc.be_honest()
    assert opened(browser, gateway.callback("claire")).status == 303, "from now on she goes straight in"


def test_an_answer_without_the_link_activates_nobody(gateway: PscGateway) -> None:
    account = invited(gateway)
    browser = landed(gateway, mailed(gateway, account))
    callback = answer_of(gateway, "claire")
    del browser.cookies["__Host-link"]
    assert opened(browser, callback).status == 410
    assert browser.session is None
    assert is_invited(gateway, account)


def test_the_answer_of_another_browser_does_not_join_my_link(gateway: PscGateway) -> None:
    """The attacker answers as himself, and has the invited person's browser open the answer."""
    account = invited(gateway)
    victim = landed(gateway, mailed(gateway, account))
    attacker = landed(gateway, mailed(gateway, account), gateway.another_browser())
    callback = answer_of(gateway, "hugo", attacker)
    victim.get("/activation/psc")
    assert opened(victim, callback).status == 410
    assert victim.session is None
    assert is_invited(gateway, account)


def test_a_link_that_lands_between_question_and_answer_is_named_before_anything_is_done(gateway: PscGateway) -> None:
    """Her e-CPS must not activate another's account: the page names it, and the names differ."""
    mine, other = invited(gateway), invited(gateway, "hugo")
    browser = landed(gateway, mailed(gateway, mine))
    callback = answer_of(gateway, "claire")
    landed(gateway, mailed(gateway, other), browser)
    page = opened(browser, callback)
    assert other.username in page.text
    refused = browser.onward(browser.submit(page, action_of(page, "confirm_link")))
    assert refused.status == 422
    assert browser.session is None
    assert is_invited(gateway, mine)
    assert is_invited(gateway, other)


def test_a_form_made_for_one_link_does_not_confirm_another(gateway: PscGateway) -> None:
    mine = invited(gateway)
    browser = landed(gateway, mailed(gateway, mine))
    page = opened(browser, answer_of(gateway, "claire"))
    other = invited(gateway, "hugo")
    landed(gateway, mailed(gateway, other), browser)
    browser.onward(browser.submit(page, action_of(page, "confirm_link")))
    assert is_invited(gateway, other), "what was confirmed is what was shown"
    assert not is_invited(gateway, mine)


@pytest.mark.parametrize("purpose", [None, LinkPurpose.RESET, LinkPurpose.NOT_ME])
def test_without_an_activation_link_nobody_is_asked(gateway: PscGateway, purpose: LinkPurpose | None) -> None:
    account = gateway.person("camille")
    if purpose is not None:
        gateway.browser.get(mailed(gateway, account, purpose))
    answer = gateway.browser.get("/activation/psc")
    assert answer.location == "/activation"
    assert gateway.browser.onward(answer).status == 410


@pytest.mark.parametrize("token", ["A" * 43, "x" * 20, "e30.e30"])
def test_an_invented_link_opens_nothing(gateway: PscGateway, token: str) -> None:
    gateway.browser.cookies["__Host-link"] = f"activation.{token}"
    answer = gateway.browser.get("/activation/psc")
    if answer.location != "/activation":
        gateway.browser.get(gateway.answer_of_psc(answer.location, "claire"))
    assert gateway.browser.session is None
    assert opened(gateway.browser, "/activation").status == 410


def test_a_link_that_expires_during_the_sign_in_opens_nothing(gateway: PscGateway) -> None:
    account = invited(gateway)
    browser = landed(gateway, mailed(gateway, account))
    gateway.advance(3570)
    callback = answer_of(gateway, "claire")
    gateway.advance(30)
    assert opened(browser, callback).status == 410
    assert is_invited(gateway, account)


def test_an_ordinary_sign_in_never_spends_the_link(gateway: PscGateway) -> None:
    account = invited(gateway)
    path = mailed(gateway, account)
    browser = landed(gateway, path)
    page = opened(browser, gateway.callback("claire"))
    assert "/link" in page.text
    assert browser.session is None
    assert is_invited(gateway, account)
    landed(gateway, path)


def test_the_identity_of_another_account_activates_nothing(gateway: PscGateway) -> None:
    """Hugo has an account that is linked; with a stolen link he would get a second one."""
    gateway.linked("hugo")
    account = invited(gateway)
    browser = landed(gateway, mailed(gateway, account))
    page = opened(browser, answer_of(gateway, "hugo"))
    assert browser.session is None
    assert browser.onward(browser.submit(page, action_of(page, "confirm_link"))).status == 422
    assert browser.session is None
    assert is_invited(gateway, account)


def test_the_confirmation_needs_its_own_form(gateway: PscGateway) -> None:
    account = invited(gateway)
    browser = landed(gateway, mailed(gateway, account))
    action = action_of(opened(browser, answer_of(gateway, "claire")), "confirm_link")
    assert browser.post(action, {"form_token": "A" * 43}).status == 403
    assert browser.post(action, {}, origin="https://evil.example").status == 403
    assert browser.post(action, {}, origin=ISSUER).status == 403
    assert is_invited(gateway, account)
