"""Codes over HTTP, on the assembled gateway: one is of the browser, the sign-in and the purpose that it was sent for, good for
five tries and for minutes, until another one is sent."""

import pytest

from gateway.accounts.account import CodeChannel
from gateway.web.translations import clock
from tests.requirements.assembled import Answer, Browser, Gateway, action_of, hidden_fields
from tests.requirements.test_account_rows import changed, give_contact_code, signed_in, words


@pytest.mark.spec("OTP-07", "R002-15", "AC-015")
def test_a_code_is_of_the_browser_that_asked_for_it(gateway: Gateway) -> None:
    gateway.registered()
    here, there = Browser(gateway), Browser(gateway)
    page = here.give_password(here.onward(here.get("/signin")))
    action, code = action_of(page, "code"), gateway.sent_code()
    own = there.give_password(there.onward(there.get("/signin")))
    assert gateway.sent_code() != code
    refused = there.submit(own, action_of(own, "code"), code=code)
    assert (refused.status, there.session) == (422, None)
    assert there.get(action).status == 410
    for fields in (hidden_fields(page, action), hidden_fields(own, action_of(own, "code"))):
        assert there.post(action, {**fields, "code": code}).status in {403, 410}
    assert there.session is None
    here.onward(here.submit(page, action, code=code))
    assert here.session is not None


@pytest.mark.spec("OTP-07", "AC-016")
def test_a_code_for_signing_in_proves_no_contact_and_a_contact_s_code_signs_nobody_in(gateway: Gateway) -> None:
    camille = gateway.registered()
    browser, elsewhere = signed_in(gateway), Browser(gateway)
    page = changed(gateway, browser, "email", "neuve@exemple.example")
    for_contact = gateway.sent_code()
    at_code = elsewhere.give_password(elsewhere.onward(elsewhere.get("/signin")))
    for_signin = gateway.sent_code()
    assert "Ce code est incorrect" in words(give_contact_code(gateway, browser, page, for_signin))
    stored = gateway.stores.database.accounts.get(camille.id)
    assert stored is not None and stored.email == camille.email
    refused = elsewhere.submit(at_code, action_of(at_code, "code"), code=for_contact)
    assert (refused.status, elsewhere.session) == (422, None)
    assert "Votre adresse e-mail est changée" in words(give_contact_code(gateway, browser, page, for_contact))


def at_code(gateway: Gateway) -> tuple[Answer, str]:
    page = gateway.browser.give_password(gateway.browser.onward(gateway.browser.get("/signin")))
    return page, gateway.sent_code()


def tried(gateway: Gateway, page: Answer, code: str) -> Answer:
    return gateway.browser.onward(gateway.browser.submit(page, action_of(page, "code"), code=code))


def sent_again(gateway: Gateway, page: Answer) -> tuple[Answer, str]:
    gateway.clock.advance(60)
    page = gateway.browser.onward(gateway.browser.submit(page, f"{action_of(page, 'code')}/resend"))
    return page, gateway.sent_code()


@pytest.mark.spec("OTP-04", "R002-15", "AC-018")
def test_after_five_wrong_codes_the_right_one_is_worth_nothing(gateway: Gateway) -> None:
    gateway.registered()
    page, code = at_code(gateway)
    for left in (4, 3, 2, 1):
        assert f"Essais restants : {left}." in words(tried(gateway, page, "00000000")).replace("\u00a0", " ")
    for last in ("00000000", code):
        answer = tried(gateway, page, last)
        assert (answer.status, gateway.browser.session) == (422, None)
        assert "Ce code ne peut plus servir" in words(answer)


@pytest.mark.spec("A11Y-06")
def test_the_page_says_until_when_the_code_is_good_and_another_one_is_a_button_away(gateway: Gateway) -> None:
    gateway.registered(code_channel=CodeChannel.SMS)
    opened = gateway.clock.now()
    page, _ = at_code(gateway)
    assert f"Il est valable jusqu'à {clock(opened + 300)}." in words(page)
    gateway.clock.advance(300)
    late = gateway.browser.get(action_of(page, "code"))
    assert "Il est valable jusqu'à" not in words(late)
    again, code = sent_again(gateway, late)
    assert f"Il est valable jusqu'à {clock(opened + 600)}." in words(again)  # with the sign-in itself
    tried(gateway, again, code)
    assert gateway.browser.session is not None


@pytest.mark.spec("OTP-05", "AC-019")
def test_a_new_code_gives_no_new_tries(gateway: Gateway) -> None:
    gateway.registered()
    page, _ = at_code(gateway)
    for _ in range(4):
        tried(gateway, page, "00000000")
    page, code = sent_again(gateway, page)
    for wrong_or_right in ("00000000", "00000000", code):
        answer = tried(gateway, page, wrong_or_right)
        assert (answer.status, gateway.browser.session) == (422, None)
        assert "Ce code ne peut plus servir" in words(answer)


@pytest.mark.spec("OTP-05", "AC-020")
def test_a_new_code_kills_the_one_before(gateway: Gateway) -> None:
    gateway.registered()
    page, first = at_code(gateway)
    page, second = sent_again(gateway, page)
    refused = tried(gateway, page, first)
    assert (refused.status, gateway.browser.session) == (422, None)
    tried(gateway, page, second)
    assert gateway.browser.session is not None


@pytest.mark.spec("OTP-02", "R002-15", "AC-021")
@pytest.mark.parametrize(("age", "accepted"), [(299, True), (301, False)], ids=["in time", "a second too late"])
def test_a_code_by_text_message_lives_five_minutes(gateway: Gateway, age: float, accepted: bool) -> None:
    gateway.registered(code_channel=CodeChannel.SMS)
    page, code = at_code(gateway)
    gateway.clock.advance(age)
    answer = tried(gateway, page, code)
    assert (gateway.browser.session is not None) is accepted
    assert ("Ce code ne peut plus servir" in words(answer)) is not accepted
