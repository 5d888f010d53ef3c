"""Two people use one browser, one after the other: the second never becomes the first."""

from pathlib import Path

import pytest

from gateway.journal.effects import NO_EFFECTS
from tests.requirements.assembled import Browser, Gateway, action_of


@pytest.fixture
def gateway(tmp_path: Path):
    gateway = Gateway(tmp_path)
    yield gateway
    gateway.close()


def left_at_the_choice_of_a_structure(gateway: Gateway):
    """A tab where Camille has proved everything and only has to choose; and another one where she signed in."""
    camille, browser = gateway.person(), gateway.browser
    first, second = gateway.structure(1), gateway.structure(2)
    gateway.habilitation(camille, first)
    gateway.habilitation(camille, second)
    tab = browser.sign_in(browser.authorize())
    assert first.id in tab.text
    home = browser.onward(browser.sign_in())
    assert browser.session is not None
    return browser, tab, home, first


def choice(browser: Browser, tab, structure):
    return browser.onward(browser.submit(tab, action_of(tab, "structure"), structure=structure.id))


@pytest.mark.spec("SES-05")
def test_after_signing_out_a_forgotten_tab_leads_to_no_session(gateway):
    browser, tab, home, structure = left_at_the_choice_of_a_structure(gateway)
    browser.submit(home, "/signout")
    answer = choice(browser, tab, structure)
    assert browser.session is None
    assert answer.status in {403, 410}


@pytest.mark.spec("SES-05")
def test_after_an_applications_logout_a_forgotten_tab_leads_to_no_session(gateway):
    browser, tab, _, structure = left_at_the_choice_of_a_structure(gateway)
    confirmation = browser.get("/logout")
    browser.submit(confirmation, "/logout")
    assert browser.session is None
    assert choice(browser, tab, structure).status in {403, 410}
    assert browser.session is None


def test_logout_of_an_expired_session_leaves_no_half_finished_sign_in(gateway):
    """The person is told that they are signed out; what they began in another tab is over too."""
    browser, tab, _, structure = left_at_the_choice_of_a_structure(gateway)
    gateway.stores.ephemeral.sessions.end(browser.cookies["__Host-session"], gateway.clock.now(), NO_EFFECTS)
    assert browser.get("/logout").status == 200
    assert choice(browser, tab, structure).status in {403, 410}
    assert browser.session is None
