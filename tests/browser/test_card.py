"""Signing in by CPS card over the demo's reader and pin pad: linking, what a person does wrong, what a card cannot do, the ways
out. The bridge and the card's exchanges are real; the same over the system's own readers is in tests/card_bridge/browser."""

import json
from collections.abc import Callable
from threading import Event
from typing import Any

import pytest

from tests.browser.attacker_site import attacker_site
from tests.browser.card_reader import CODE, WRONG, CardDesk
from tests.browser.driver import Chromium
from tests.browser.visit import CLAIRE, JEAN, NADIA, Visit

Pictures = Callable[[Any, str], None]
TWO_MINUTES = 121
REFUSED = "Cette carte n'a pas permis de vous connecter"


@pytest.fixture
def desk(visit: Visit) -> CardDesk:
    """All cards are new and beside the reader."""
    desk = CardDesk(visit)
    desk.does(renew=True)
    return desk


def test_the_first_sign_in_by_card_links_the_account_and_the_next_goes_straight_in(
    desk: CardDesk, pictures: Pictures
) -> None:
    """Two cards of one person, and Pro Santé Connect, are one person: nothing is linked twice. And the next time needs no card
    at all, once a passkey was made where it is offered."""
    visit, browser = desk.visit, desk.visit.browser
    visit.begin()
    desk.step()
    pictures(browser, "card")
    desk.does(insert="nadia")
    desk.ask()
    assert desk.shows("ask_code")["origin"] == visit.demo.gateway
    pictures(browser, "card-window")
    desk.does(code=CODE)
    browser.wait_for("J'ai déjà un compte")
    assert "NADIA BENALI" in browser.text()
    pictures(browser, "card-link-choice")
    notices = visit.mails_so_far(NADIA)
    visit.link(NADIA)
    visit.choose("ESAT Les Oliviers")
    browser.wait_for("Structure active ESAT Les Oliviers")
    assert "carte CPS" in browser.text()
    held = visit.held()
    pictures(browser, "orientation-by-card")
    visit.demo.wait_for_mail(NADIA.email, "a été relié")
    mails = visit.mails_so_far(NADIA)
    assert mails == notices + 2, "a code and a notice"
    visit.sign_out("Orientation")

    for card in ("nadia", "last-try"):
        visit.begin()
        desk.step()
        desk.does(insert=card)
        desk.ask()
        if card == "last-try":
            assert desk.shows("confirm_last_try")["tries_left"] == 1
            desk.does(confirm=True)
        desk.type_code()
        visit.choose("ESAT Les Oliviers")
        browser.wait_for("Structure active ESAT Les Oliviers")
        assert visit.held() == held
        visit.sign_out("Orientation")

    visit.begin()
    browser.click("Pro Santé Connect")
    browser.wait_for("Choisissez votre moyen")
    browser.click("Carte CPS")
    browser.wait_for("Insérez la carte avant de commencer")
    browser.evaluate(f"document.querySelector('#carte').value = '{NADIA.rpps}'")
    browser.click("Se connecter avec la carte")
    visit.choose("ESAT LES OLIVIERS")
    browser.wait_for("Structure active ESAT Les Oliviers")
    assert "Nadia Benali" in browser.text()
    assert visit.demo.wait_for_mail(NADIA.email, "un autre de vos moyens de connexion est reconnu")
    assert visit.mails_so_far(NADIA) == mails + 1, "a notice and no code: the same account"
    visit.sign_out("Orientation")

    with browser.authenticator() as holder:
        visit.begin()
        desk.prove("nadia")
        visit.choose("ESAT Les Oliviers")
        browser.wait_for("La prochaine fois, sans carte")
        pictures(browser, "card-passkey-offer")
        browser.click("Créer ma clé d'accès")
        browser.wait_for("Structure active ESAT Les Oliviers")
        visit.sign_out("Orientation")
        holder(False)
        visit.begin()
        browser.click("Clé d'accès (passkey)")
        browser.wait_for("Il n'y a aucun code à recopier")
        holder(True)
        browser.click("Utiliser ma clé d'accès")
        visit.choose("ESAT Les Oliviers")
        browser.wait_for("Structure active ESAT Les Oliviers")


def test_what_a_person_does_wrong_is_told_and_can_be_tried_again(desk: CardDesk, pictures: Pictures) -> None:
    visit, browser = desk.visit, desk.visit.browser
    visit.begin()
    desk.step()

    desk.does(insert="nadia")
    desk.ask()
    desk.type_code(WRONG)
    assert desk.shows("ask_code", wrong_code=True)["tries_left"] == 2
    desk.does(cancel=True)
    desk.said("Le code porteur est incorrect")
    pictures(browser, "card-wrong-code")

    desk.ask()
    assert desk.shows("ask_code")["tries_left"] == 2
    desk.does(code=WRONG)
    assert desk.shows("confirm_last_try", wrong_code=True)["tries_left"] == 1
    desk.does(confirm=True)
    desk.type_code(WRONG)
    desk.said("Cette carte est bloquée")
    desk.does(insert="nadia")
    desk.ask()
    desk.said("Cette carte est bloquée")
    assert not desk.is_open
    pictures(browser, "card-blocked")

    desk.does(insert="hugo")
    desk.ask()
    desk.shows("ask_code")
    desk.does(cancel=True)
    desk.said("Vous avez annulé. Rien n'a été envoyé à la carte")
    desk.ask()
    desk.shows("ask_code")
    desk.does(remove=True)
    desk.said("La carte a été retirée")
    desk.ask()
    desk.shows("no_card")
    browser.click("Annuler")
    desk.said("Vous avez annulé")
    assert not desk.is_open

    desk.ask()
    desk.shows("no_card")
    desk.does(insert="hugo")
    desk.shows("ask_code")
    visit.demo.advance(TWO_MINUTES)
    desk.said("Le délai est passé")
    desk.ask()
    desk.type_code()
    browser.wait_for("J'ai déjà un compte")


@pytest.mark.spec("AC-080")
def test_a_card_that_cannot_serve_is_refused_and_the_other_means_stay_on_the_page(
    desk: CardDesk, pictures: Pictures
) -> None:
    """Outside, a revoked card and one of unknown origin look alike."""
    desk.visit.begin()
    desk.step()
    for card, words in (
        ("blocked", "Cette carte est bloquée"),
        ("expired", "elle est peut-être expirée"),
        ("signature", "n'a pas de certificat de connexion valable"),
    ):
        desk.does(insert=card)
        desk.ask()
        desk.said(words)
    pages = []
    for card, words in (("revoked", REFUSED), ("stranger", REFUSED), ("employee", "il faut une carte CPS")):
        desk.does(insert=card)
        desk.ask()
        desk.type_code()
        pages.append(desk.said(words))
        pictures(desk.visit.browser, f"card-{card}")
    assert pages[0] == pages[1]


def test_a_person_whom_nobody_knows_and_one_whose_account_is_archived_get_no_session(desk: CardDesk) -> None:
    visit, browser = desk.visit, desk.visit.browser
    visit.begin()
    desk.prove("hugo")
    browser.wait_for("J'ai déjà un compte")
    assert "HUGO LAMBERT" in browser.text()
    browser.click("Je n'ai pas de compte")
    browser.wait_for("Demander un compte")
    browser.click("Annuler et revenir à Orientation")
    browser.wait_for("access_denied")

    visit.begin()
    desk.prove("jean")
    browser.wait_for("J'ai déjà un compte")
    browser.click("J'ai déjà un compte")
    browser.wait_for("étape 2 sur 4")
    visit.type_password(JEAN, "Continuer")
    browser.wait_for("L'identifiant ou le mot de passe est incorrect")


@pytest.mark.spec("SES-11")
def test_an_invited_person_activates_their_account_by_card_and_leaves_nothing_on_a_shared_post(
    desk: CardDesk, pictures: Pictures
) -> None:
    """They never have a password; afterwards their card opens the session, and the next person on the post sees nobody."""
    visit, browser = desk.visit, desk.visit.browser
    mail = visit.welcome_again(CLAIRE)
    browser.open(mail["links"][0])
    browser.wait_for("Bienvenue")
    pictures(browser, "activation-choice-with-card")
    desk.prove("claire")
    browser.wait_for("Activer votre compte")
    assert "CLAIRE MOREL" in browser.text()
    assert CLAIRE.username in browser.text()
    browser.click("Activer mon compte")
    browser.wait_for("À gérer ici")
    assert "Claire Morel" in browser.text()
    browser.click("Se déconnecter")
    browser.wait_for("Votre session est fermée")

    visit.begin()
    assert "Dernier moyen utilisé ici" in browser.text()
    browser.forget_everything()
    browser.open(f"{visit.demo.gateway}/post?shared")
    browser.wait_for("Votre accès aux services de santé")
    visit.begin()
    desk.prove("claire")
    browser.wait_for("Structure active ESAT Les Oliviers")
    assert "Claire Morel" in browser.text()
    browser.open(visit.demo.gateway)
    browser.wait_for("Vous êtes Claire M.")
    browser.click("Ce n'est pas moi")
    browser.wait_for("Mot de passe")
    assert "Claire" not in browser.text()
    assert "Dernier moyen utilisé ici" not in browser.text()


CALL = """
const { handle, token } = document.querySelector("[data-card]").dataset;
const call = (what, body) => fetch(`/signin/${handle}/card/${what}`, {
  method: "POST", headers: { "Content-Type": "application/json", "X-Form-Token": token }, body: JSON.stringify(body),
}).then((answer) => answer.json());
"""
"""What a script of the card's page may do, such as its own or one that somebody slipped in."""


@pytest.mark.spec("BRG-03", "AC-067")
def test_a_live_nonce_that_another_site_relays_opens_no_window(desk: CardDesk) -> None:
    """Somebody begins a sign-in of their own and has a visitor's bridge asked for it."""
    visit, browser = desk.visit, desk.visit.browser
    before = desk.does(insert="nadia")
    visit.begin()
    desk.step()
    nonce = browser.evaluate(CALL + "return call('challenge', { purpose: 'login' }).then((told) => told.nonce)")
    assert len(nonce) == 43
    message = json.dumps({"protocol": "cps-bridge:1", "nonce": nonce, "purpose": "login", "lang": "fr"})
    with attacker_site() as site:
        browser.open(site)
        told = browser.evaluate(
            f"return fetch('{visit.demo.bridge}/v1/authenticate', {{method: 'POST', body: JSON.stringify({message}),"
            "headers: {'Content-Type': 'application/json', 'X-CPS-Bridge': '1'}})"
            ".then((answer) => answer.text(), () => 'nothing')"
        )
    assert told == "nothing"
    assert not desk.is_open
    assert desk.does(insert="nadia") == before, "no window came and went"


@pytest.mark.spec("BRG-07", "AC-069")
def test_a_card_s_answer_serves_once_and_in_its_own_sign_in_alone(desk: CardDesk) -> None:
    """A script of the card's page keeps the answer and gives it again, then again in a sign-in of somebody else's."""
    visit, browser = desk.visit, desk.visit.browser
    visit.begin()
    desk.step()
    desk.does(insert="hugo")
    browser.evaluate(
        CALL + "call('challenge', { purpose: 'login' }).then(({ nonce, purpose, transaction }) =>"
        f" fetch('{visit.demo.bridge}/v1/authenticate', {{ method: 'POST',"
        "  headers: { 'Content-Type': 'application/json', 'X-CPS-Bridge': '1' },"
        "  body: JSON.stringify({ protocol: 'cps-bridge:1', nonce, purpose, lang: 'fr' }) })"
        " .then((answer) => answer.json())"
        " .then((assertion) => { sessionStorage.answer = JSON.stringify({ transaction, assertion }); }))"
    )
    desk.type_code()
    while not (answer := browser.evaluate("return sessionStorage.answer || ''")):
        Event().wait(0.02)
    give = CALL + f"const answer = {answer};"
    assert "next" in browser.evaluate(give + "return call('verify', answer)")
    assert browser.evaluate(give + "return call('verify', answer)")["error"] != "card_refused", "that sign-in went on"

    browser.forget_everything()
    visit.begin()
    desk.step()
    replayed = browser.evaluate(
        give + "return call('challenge', { purpose: 'login' })"
        ".then(({ transaction }) => call('verify', { ...answer, transaction }))"
    )
    assert replayed["error"] == "card_refused"


@pytest.mark.spec("BRG-04")
@pytest.mark.browser
@pytest.mark.xdist_group("browser-chromium")
def test_safari_is_told_at_once_what_else_there_is(visits: Callable[[str], Visit]) -> None:
    """Only Safari's pages see Apple as their browser's vendor; Chromium's driver can say so before the page begins."""
    visit = visits("chromium")
    opened: Any = visit.browser
    with opened._context.browser.new_context(locale="fr-FR") as context:
        context.add_init_script("Object.defineProperty(navigator, 'vendor', { get: () => 'Apple Computer, Inc.' })")
        browser = Chromium(context)
        Visit(browser, visit.demo).begin()
        browser.click("Carte CPS")
        browser.wait_for("Safari ne peut pas lire la carte")
        assert "S'identifier avec Pro Santé Connect" in browser.text()
        assert "Une fenêtre s'ouvre" not in browser.text()
