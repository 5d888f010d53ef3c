"""Codes over HTTP, on the assembled gateway: one is of the browser, the sign-in and the purpose that it was sent for."""

import pytest

from tests.requirements.assembled import Browser, Gateway, action_of, hidden_fields
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
