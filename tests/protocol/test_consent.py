"""Consent: asked where the request or the client's file wants it, kept for the session (OID-17)."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.randomness import system_randomness
from gateway.signin.gone import TransactionMoved
from gateway.signin.journey import Step
from gateway.storage.ephemeral import open_ephemeral
from tests.protocol.provider import answer_of, error_of
from tests.protocol.test_native_applications import DESKTOP, ON_A_PORT
from tests.protocol.test_with_the_real_journey import BOTH, Whole
from tests.unit.signin.world import CONTEXT


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Whole]:
    store = open_ephemeral(f"sqlite:///{tmp_path / 'ephemeral.db'}", system_randomness)
    yield Whole(store)
    store.close()


def wants_consent(whole: Whole) -> None:
    clients = whole.provider.clients.clients
    clients["orientation"] = replace(clients["orientation"], consent=True)


def agree(whole: Whole) -> None:
    """At the address that /authorize gave."""
    cookie = whole.provider.browser.get_cookie("__Host-browser")
    txn = whole.journey.find(whole.address.removeprefix("/signin/"), browser_cookie=cookie.value)
    assert whole.journey.next_step(txn, device_id=None) is Step.CONSENT
    whole.journey.agree(txn, CONTEXT)


def signed_in(whole: Whole) -> None:
    whole.ask()
    assert "code" in answer_of(whole.walk(*BOTH))


@pytest.mark.spec("OID-17")
def test_applications_are_approved_beforehand_so_nobody_is_asked_without_reason(whole):
    signed_in(whole)
    assert "code" in answer_of(whole.ask())


@pytest.mark.spec("OID-17")
def test_a_client_whose_file_wants_it_gets_nothing_before_the_person_agreed_and_is_not_asked_again(whole):
    wants_consent(whole)
    whole.ask()
    whole.walk(*BOTH)
    assert whole.step is Step.CONSENT
    agree(whole)
    assert "code" in answer_of(whole.walk())
    assert "code" in answer_of(whole.ask())
    assert "code" in answer_of(whole.ask(prompt="none"))
    events = [event for _, event in whole.store.spool.take_events(100)]
    given = next(event for event in events if event.name == "consent.given")
    assert (given.client, given.actor) == ("orientation", whole.world.claire.id)
    assert given.details["scope"] == "openid profile rpps ror"


@pytest.mark.spec("OID-17")
def test_more_than_what_was_agreed_is_asked_again_and_prompt_none_says_so(whole):
    wants_consent(whole)
    whole.ask(scope="openid")
    whole.walk(*BOTH)
    agree(whole)
    assert "code" in answer_of(whole.walk())
    assert error_of(whole.ask(prompt="none", scope="openid email")) == "consent_required"
    assert (
        error_of(whole.ask(prompt="none", scope="openid", claims='{"userinfo":{"email":null}}')) == "consent_required"
    )
    whole.ask(scope="openid email")
    agree(whole)
    assert "code" in answer_of(whole.walk())
    assert "code" in answer_of(whole.ask(prompt="none", scope="openid email"))
    assert "code" in answer_of(whole.ask(prompt="none", scope="openid"))


@pytest.mark.spec("OID-17")
def test_what_one_application_may_learn_says_nothing_of_another(whole):
    wants_consent(whole)
    whole.ask(scope="openid")
    whole.walk(*BOTH)
    agree(whole)
    whole.walk()
    clients = whole.provider.clients.clients
    clients["autre"] = replace(clients["autre"], consent=True)
    other = {"client_id": "autre", "redirect_uri": "https://autre.example/callback", "scope": "openid"}
    assert error_of(whole.ask(prompt="none", **other)) == "consent_required"


@pytest.mark.spec("OID-17", "OID-14")
def test_prompt_consent_asks_each_time(whole):
    signed_in(whole)
    for _ in range(2):
        whole.ask(prompt="consent")
        assert whole.address.startswith("/signin/")
        agree(whole)
        assert "code" in answer_of(whole.walk())


@pytest.mark.spec("OID-17", "RFC 8252 §8.6")
def test_an_application_that_is_answered_on_a_port_is_agreed_to_each_time(whole):
    whole.provider.clients.clients["bureau"] = DESKTOP
    asks = {"client_id": "bureau", "redirect_uri": ON_A_PORT[0], "scope": "openid"}
    signed_in(whole)
    for _ in range(2):
        assert error_of(whole.ask(**asks, prompt="none")) == "consent_required"
        whole.ask(**asks)
        assert whole.address.startswith("/signin/")
        agree(whole)
        assert "code" in answer_of(whole.walk())


@pytest.mark.spec("OID-17", "SES-05")
def test_what_was_agreed_goes_with_the_session(whole):
    wants_consent(whole)
    whole.ask()
    whole.walk(*BOTH)
    agree(whole)
    whole.walk()
    whole.gate.end(whole.session().handle, CONTEXT, "signout")
    whole.ask()
    whole.walk(*BOTH)
    assert whole.step is Step.CONSENT


@pytest.mark.spec("OID-17")
def test_a_step_up_keeps_what_the_person_agreed_and_another_person_does_not_inherit_it(whole):
    wants_consent(whole)
    whole.ask()
    whole.walk(*BOTH)
    agree(whole)
    whole.walk()
    agreed = whole.session().agreed
    whole.clock.advance(60)
    whole.ask(max_age="30")
    assert "code" in answer_of(whole.walk(*BOTH))
    assert whole.session().agreed == agreed
    whole.ask(prompt="select_account")
    whole.walk(*BOTH)
    assert whole.step is Step.CONSENT


@pytest.mark.spec("OID-17")
@pytest.mark.parametrize("changes", [{}, {"prompt": "consent"}])
def test_a_journey_that_ended_without_the_question_is_refused_by_the_provider_too(whole, monkeypatch, changes):
    """Two judges: were the journey to forget the question, the answer would still be no code."""
    if not changes:
        wants_consent(whole)
    whole.ask(**changes)
    monkeypatch.setattr(
        whole.journey, "next_step", lambda txn, device_id: Step.COMPLETE if txn.refusal is None else Step.REFUSED
    )
    assert error_of(whole.walk(*BOTH)) == "consent_required"


def test_nobody_agrees_out_of_turn(whole):
    wants_consent(whole)
    whole.ask()
    cookie = whole.provider.browser.get_cookie("__Host-browser")
    txn = whole.journey.find(whole.address.removeprefix("/signin/"), browser_cookie=cookie.value)
    with pytest.raises(TransactionMoved):
        whole.journey.agree(txn, CONTEXT)


def test_refusing_tells_the_application(whole):
    wants_consent(whole)
    whole.ask()
    whole.walk(*BOTH)
    cookie = whole.provider.browser.get_cookie("__Host-browser")
    handle = whole.address.removeprefix("/signin/")
    txn = whole.journey.find(handle, browser_cookie=cookie.value)
    whole.journey.refuse(txn, "access_denied", CONTEXT)
    told = answer_of(whole.provider.browser.get(f"/authorize/resume/{handle}"))
    assert told["error"] == "access_denied"
    assert "code" not in told
