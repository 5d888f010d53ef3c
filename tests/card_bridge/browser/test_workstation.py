"""The whole way with its real parts: a browser, the daemon, the system's card service, the window typed on a keyboard, the
gateway behind. The demo's own reader, and everything that follows the card's step, are in tests/browser/test_card.py."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from threading import Event
from typing import Any

import pytest

from sandbox.card.cps3 import VirtualCps3
from sandbox.card.faults import FaultPlan, Happening, Removed, Step, Swapped
from sandbox.card.igc_sante import LookAlikeIgc
from tests.browser.driver import Browser
from tests.browser.visit import KARIM, NADIA, Person, Visit
from tests.card_bridge.browser.workplace import REVOKED, Daemon
from tests.card_bridge.real_readers import settled_readers
from tests.card_bridge.rig import PIN, card, certificate, igc
from tests.card_bridge.window.desktop import Desktop, field_of, texts_of
from tests.running_demo import RunningDemo
from tests.virtual_readers import READERS, VirtualPcscd

TWO_MINUTES = 121
WRONG = "0000"
REFUSED = "Cette carte n'a pas permis de vous connecter"
HOLDERS = {"chromium": (NADIA, "2900473128"), "firefox": (KARIM, "2900473136")}
"""Each browser has a person of its own: what one links does not wait for the other."""


@dataclass
class Post:
    visit: Visit
    desktop: Desktop
    daemon: Daemon
    pc_sc: VirtualPcscd
    person: Person
    number: str

    def card(self, *certificates: Any, **facts: Any) -> VirtualCps3:
        """Of this post's person."""
        return card(*(certificates or [self.certificate()]), card_number=self.number, **facts)

    def certificate(self, number: str | None = None, **facts: Any) -> Any:
        given, family = self.person.name.upper().split()
        names = {"rpps": self.person.rpps, "family_name": family, "given_name": given}
        return certificate(number or self.number, **(names | facts))

    def step(self) -> None:
        """As far as the card's page."""
        self.visit.begin()
        self.visit.browser.click("Carte CPS")
        self.visit.browser.wait_for("Une fenêtre s'ouvre en dehors du navigateur")

    def ask(self) -> None:
        again = "Réessayer avec la carte"
        self.visit.browser.click(again if again in self.visit.browser.text() else "Se connecter par carte CPS")

    def types(self, code: str = PIN) -> None:
        self.desktop.until_it_asks_the_code()
        self.desktop.type(code)
        self.desktop.key("Return")

    def told(self, words: str) -> str:
        """The whole page, once it tells a failure: this one; the other means are on it."""
        assert words in self._outcome()
        page = self.visit.browser.text()
        assert "S'identifier avec Pro Santé Connect" in page
        return page

    def until_the_card_step_is_over(self) -> None:
        """Linking, a structure or the application: what comes next depends on what this person did before."""
        assert self._outcome() == "over"

    def _outcome(self) -> str:
        look = (
            "const card = location.pathname.endsWith('/card'), told = document.querySelector('[data-failure]');"
            "return card ? (told && !told.hidden ? told.innerText : '') : 'over'"
        )
        for _ in range(400):
            with contextlib.suppress(Exception):  # of a page that is just being left
                if outcome := self.visit.browser.evaluate(look):
                    return str(outcome)
            Event().wait(0.05)
        raise AssertionError(self.visit.browser.text())

    def changes_card(self, other: VirtualCps3) -> None:
        """A card that left in the very instant of its reset can leave a ghost in the service, which then sees no other card
        (pcscd 1.9 over vpcd): it is restarted, under the same daemon."""
        self.pc_sc.remove()
        readers = settled_readers(self.pc_sc)
        self.pc_sc.insert(other)
        end = time.monotonic() + 2.0
        while not readers.state(READERS[0]).present:
            if time.monotonic() > end:
                self.pc_sc.stop()
                self.pc_sc.start()
            readers.wait(0.5)

    def signs_in(self) -> None:
        self.ask()
        self.types()


@pytest.fixture
def post(
    one_of_each: Callable[[str], Browser],
    browser_name: str,
    place: RunningDemo,
    daemon: Daemon,
    desktop: Desktop,
    pc_sc: VirtualPcscd,
) -> Post:
    return Post(Visit(one_of_each(browser_name), place), desktop, daemon, pc_sc, *HOLDERS[browser_name])


@pytest.mark.spec("BRG-04", "BRG-11", "BR-04", "AC-084")
def test_without_the_program_help_is_there_and_with_it_the_card_opens_the_session(post: Post) -> None:
    """A wrong code on the way: told with the count, and typed again."""
    visit, browser = post.visit, post.visit.browser
    post.step()
    post.ask()
    post.told("Le programme qui lit les cartes ne répond pas sur cet ordinateur")
    assert "Vérifiez que le programme" in browser.text()

    post.daemon.start()
    inserted = post.card()
    post.pc_sc.insert(inserted)
    post.ask()
    post.desktop.until_it_asks_the_code()
    shown = texts_of(post.desktop.shown())
    assert visit.demo.gateway in shown
    assert post.person.name.split()[1].upper() in shown
    assert "Il vous reste 3 tentatives" in shown
    post.types(WRONG)
    assert "Il vous reste 2 tentatives" in texts_of(post.desktop.until_it_says("Code faux"))
    post.types()
    visit.link(post.person)
    if post.person is NADIA:
        visit.choose("ESAT Les Oliviers")
    browser.wait_for(post.person.name)
    assert browser.url().startswith(visit.demo.orientation)
    assert inserted.tries_left == 3
    assert not inserted.pin_verified
    assert PIN not in post.daemon.log.read_text("utf-8")


@pytest.mark.spec("BR-04", "BRG-13", "AC-077")
def test_the_last_try_is_confirmed_in_the_window_and_a_wrong_one_blocks_the_card(post: Post) -> None:
    post.daemon.start()
    inserted = post.card(tries=1)
    post.pc_sc.insert(inserted)
    post.step()
    post.ask()
    assert field_of(post.desktop.until_it_says("Il vous reste 1 tentative")) is None
    post.desktop.press("Annuler")
    post.told("Vous avez annulé. Rien n'a été envoyé à la carte")
    assert inserted.tries_left == 1
    post.ask()
    post.desktop.until_it_says("Il vous reste 1 tentative")
    post.desktop.press("Utiliser la dernière tentative")
    post.types(WRONG)
    post.told("Cette carte est bloquée")
    post.desktop.until_it_says("Carte bloquée")
    post.desktop.press("Fermer")
    post.ask()
    post.told("Cette carte est bloquée")
    assert field_of(post.desktop.until_it_says("Carte bloquée")) is None


@pytest.mark.spec("BR-15", "BRG-15", "VC-17", "VC-19", "AC-074")
def test_a_card_that_leaves_or_is_swapped_signs_nobody_in_at_any_step(post: Post) -> None:
    """By itself: no new try, no code sent to the card that came instead."""
    other = post.card(post.certificate("2900473151"))
    happenings: list[tuple[Step, Happening]] = [
        *((step, Removed()) for step in (Step.TRIES, Step.VERIFY, Step.KEY_CHOICE, Step.FIRST_CHUNK)),
        (Step.VERIFY, Swapped(other)),
    ]
    post.daemon.start()
    post.step()
    for number, (step, happening) in enumerate(happenings):
        if number == 3:
            post.daemon.restart()
        post.changes_card(post.card(faults=FaultPlan(after={step: happening})))
        post.ask()
        if step is not Step.TRIES:
            post.types()
        post.told("La carte a été retirée")
    assert other.record.count(0x20) == 0
    assert not post.visit.browser.url().startswith(post.visit.demo.orientation)


@pytest.mark.spec("BR-06", "BR-15", "SV-02")
def test_giving_up_in_the_window_or_on_the_page_and_coming_too_late_signs_nobody_in(post: Post) -> None:
    """The bridge does not know how long the gateway waits for a card: an answer that comes later is refused there."""
    post.daemon.start()
    post.pc_sc.insert(post.card())
    post.step()
    post.ask()
    post.desktop.until_it_asks_the_code()
    post.visit.browser.click("Annuler")
    post.told("Vous avez annulé")
    post.desktop.until_nothing_is_shown()
    post.ask()
    post.desktop.until_it_asks_the_code()
    post.changes_card(post.card())
    post.told("La carte a été retirée")
    post.ask()
    post.desktop.until_it_asks_the_code()
    post.visit.demo.advance(TWO_MINUTES)
    post.types()
    post.told(REFUSED)


@pytest.mark.spec("BR-03", "SV-04", "SV-08", "SV-09", "BRG-09", "AC-080")
def test_a_card_that_cannot_serve_is_refused_where_that_is_known(post: Post) -> None:
    """By the bridge without a code: two candidates, expired. By the gateway: revoked, of unknown origin, of another type."""
    ago, number = timedelta(days=2), "2900473169"
    expired = post.certificate(number, not_before=igc().now - 200 * ago, not_after=igc().now - ago)
    stranger = LookAlikeIgc(keys="inconnue").professional(post.person.rpps, card_number=number)
    post.daemon.start()
    post.step()
    for unusable in ([post.certificate(), post.certificate("2900473177")], [expired]):
        post.changes_card(post.card(*unusable))
        post.ask()
        post.told("n'a pas de certificat de connexion valable")
    refusals: list[tuple[Any, str]] = [
        (post.certificate(number, serial=REVOKED), REFUSED),
        (stranger, REFUSED),
        (post.certificate(number, card_type=2), "il faut une carte CPS"),
    ]
    post.daemon.restart()
    pages = []
    for presented, words in refusals:
        post.changes_card(post.card(presented))
        post.signs_in()
        pages.append(post.told(words))
    assert pages[0] == pages[1]


@pytest.mark.spec("BR-14")
def test_after_ten_restarts_of_the_card_service_the_same_daemon_signs_the_person_in(post: Post) -> None:
    """From the page as well as between two pages: the window says that the service is stopped, and goes on."""
    post.daemon.start()
    post.pc_sc.insert(post.card())
    for _ in range(9):
        post.pc_sc.stop()
        post.pc_sc.start()
    post.step()
    post.pc_sc.stop()
    post.ask()
    post.desktop.until_it_says("Le service des cartes à puce est arrêté")
    post.pc_sc.start()
    post.types()
    post.until_the_card_step_is_over()
