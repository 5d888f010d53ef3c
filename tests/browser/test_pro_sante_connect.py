"""Signing in by e-CPS: its refusals, its situations, the two applications, two people, a level that only it reaches. Each
test has people of its own; linking itself is test_linking's matter."""

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.browser.visit import ELODIE, HUGO, KARIM, NADIA, PAUL, Person, Visit

Pictures = Callable[[Any, str], None]
TWO_MINUTES, HALF_AN_HOUR = 121, 1801


def test_the_situation_settles_the_active_structure_and_never_adds_a_right(visit: Visit, pictures: Pictures) -> None:
    """The rights are those of a password in the same structure; a cabinet that no role knows settles nothing."""
    browser = visit.browser
    visit.sign_in_by_password(NADIA)
    visit.choose("Foyer de vie La Garrigue")
    browser.wait_for("Structure active Foyer de vie La Garrigue")
    in_garrigue = visit.held()
    browser.click("Changer de structure")
    browser.wait_for("Structure active ESAT Les Oliviers")
    in_oliviers = visit.held()
    assert in_garrigue == {"tdb.nominatif"}
    assert len(in_oliviers) == 8
    visit.sign_out("Orientation")

    visit.sign_in_and_link(NADIA)
    visit.choose("FOYER DE VIE LA GARRIGUE")
    browser.wait_for("Structure active Foyer de vie La Garrigue")
    assert visit.held() == in_garrigue
    visit.sign_out("Orientation")

    visit.begin()
    visit.prove(NADIA.rpps)
    visit.choose("ESAT LES OLIVIERS")
    browser.wait_for("Structure active ESAT Les Oliviers")
    assert visit.held() == in_oliviers
    visit.sign_out("Orientation")

    visit.begin()
    visit.prove(NADIA.rpps)
    visit.choose("CABINET MME BENALI")
    browser.wait_for("Pour quelle structure")
    pictures(browser, "structure-after-situation")
    visit.choose("Foyer de vie La Garrigue")
    browser.wait_for("Structure active Foyer de vie La Garrigue")
    assert visit.held() == in_garrigue


def test_a_refusal_a_delay_and_a_cancel_are_told_and_leave_every_way_open(visit: Visit, pictures: Pictures) -> None:
    """Hugo has no account: in the end he is told how to ask for one."""
    browser, demo = visit.browser, visit.demo
    visit.begin()
    browser.click("Pro Santé Connect")
    visit.ask_phone(HUGO)
    demo.answer_phone(HUGO, approve=False)
    browser.wait_for("Vous avez refusé la connexion, ou le délai est passé")
    assert "Numéro d'incident" not in browser.text()
    pictures(browser, "psc-declined")
    browser.click("English")
    browser.wait_for("You declined the sign-in, or it took too long")
    browser.click("Français")
    browser.wait_for("Vous avez refusé")

    browser.click("Réessayer avec Pro Santé Connect")
    visit.ask_phone(HUGO)
    demo.advance(TWO_MINUTES)
    browser.wait_for("La demande n’a pas été validée à temps")
    browser.click("Annuler et revenir")
    browser.wait_for("Vous avez refusé la connexion, ou le délai est passé")
    browser.click("Choisir un autre moyen")
    browser.wait_for("pour accéder à Orientation")
    assert browser.has_field("Mot de passe")

    browser.click("Pro Santé Connect")
    browser.wait_for("Choisissez votre moyen")
    demo.advance(HALF_AN_HOUR)
    browser.click("Annuler et revenir")
    browser.wait_for("n’existe plus")
    visit.begin()
    visit.prove(HUGO)
    browser.wait_for("J'ai déjà un compte")
    assert "HUGO LAMBERT" in browser.text()
    browser.click("Je n'ai pas de compte")
    browser.wait_for("Demander un compte")
    browser.click("Annuler et revenir à Orientation")
    browser.wait_for("access_denied")


def test_an_answer_that_lies_gives_no_session_and_a_number_to_tell(visit: Visit, pictures: Pictures) -> None:
    browser = visit.browser
    visit.begin()
    with visit.demo.lying("nonce_wrong"):
        visit.prove(HUGO)
        browser.wait_for("n'a pas pu aboutir")
    assert "Numéro d'incident" in browser.text()
    assert "nonce" not in browser.text()
    pictures(browser, "psc-refused")
    visit.prove(HUGO, "Réessayer avec Pro Santé Connect")
    browser.wait_for("J'ai déjà un compte")


@pytest.mark.spec("SES-07")
def test_one_e_cps_opens_both_applications_and_one_sign_out_closes_all_three(visit: Visit, pictures: Pictures) -> None:
    """The third is Pro Santé Connect's own session: the phone is asked again, and whoever answers is the one who is signed
    in, in both applications."""
    browser = visit.browser
    visit.sign_in_and_link(KARIM)
    browser.wait_for("Structure active Foyer de vie La Garrigue")
    visit.sign_out("Orientation")
    visit.sign_in_and_link(PAUL)
    browser.wait_for("Structure active Foyer de vie La Garrigue")
    visit.open("Suivi")
    browser.click("Se connecter")
    visit.choose("Coordination Val de Lune")
    browser.wait_for("Ce que je peux faire ici")
    assert visit.held() == {"suivi.dossier.lire", "suivi.dossier.ecrire"}
    browser.open(visit.demo.gateway)
    browser.wait_for("À gérer ici")
    pictures(browser, "home-by-psc")
    visit.open("Suivi")
    browser.click("Changer de structure")
    browser.wait_for("Vous agissez pour Maison partagée des Cigales")

    visit.sign_out("Suivi")
    browser.click("Retourner à Suivi")
    browser.wait_for("Vous êtes déconnecté de Suivi et de la passerelle")
    assert browser.url().startswith(visit.demo.suivi)
    visit.until_ended_elsewhere("Orientation")

    visit.begin()
    visit.prove(KARIM.rpps)
    browser.wait_for("Karim Haddad")
    visit.open("Suivi")
    browser.click("Se connecter")
    browser.wait_for("Karim Haddad")
    assert "Paul" not in browser.text()


def test_the_second_person_on_one_browser_is_never_the_first(visit: Visit) -> None:
    """The first left without signing out. What Hugo has half begun to link stays his alone."""
    browser, demo = visit.browser, visit.demo
    visit.sign_in_by_password(KARIM)
    browser.wait_for("Karim Haddad")
    visit.open("Suivi")
    browser.click("Se connecter")
    browser.wait_for("Karim Haddad")
    demo.advance(HALF_AN_HOUR)

    browser.open(f"{demo.gateway}/signin")
    visit.prove(HUGO)
    browser.wait_for("J'ai déjà un compte")
    assert "HUGO LAMBERT" in browser.text()
    browser.click("J'ai déjà un compte")
    browser.wait_for("étape 2 sur 4")
    half_done = browser.url()
    browser.open(f"{demo.gateway}/signin")
    known = visit.codes_so_far(KARIM)
    visit.type_password(KARIM)
    visit.type_mailed_code(KARIM, known)
    browser.wait_for("À gérer ici")
    assert "Karim Haddad" in browser.text(), "a sign-in of its own: nobody's identity came along"
    browser.click("Se déconnecter")
    browser.wait_for("Votre session est fermée")
    browser.open(half_done)
    browser.wait_for("Cette connexion n'est plus en cours")


def test_a_level_that_a_password_cannot_reach_is_reached_by_pro_sante_connect(visit: Visit, pictures: Pictures) -> None:
    browser, demo = visit.browser, visit.demo
    visit.sign_in_by_password(ELODIE)
    browser.wait_for("Élodie Marchand")
    browser.open(demanding_psc(demo.gateway, demo.orientation))
    browser.wait_for("Votre mot de passe ne suffit pas pour cette application")
    assert not browser.has_field("Mot de passe")
    pictures(browser, "means")
    visit.prove(ELODIE.rpps)
    visit.link(ELODIE)
    browser.wait_for("unknown_state")
    assert browser.url().startswith(f"{demo.orientation}/callback?"), "Orientation did not ask; the answer is for it"
    assert "code=" in browser.url()


def demanding_psc(gateway: str, orientation: str) -> str:
    """An authorization request of Orientation's, with Pro Santé Connect as a condition."""
    acr = {"essential": True, "values": ["urn:passerelle:acr:psc"]}
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"v" * 43).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": "orientation",
        "redirect_uri": f"{orientation}/callback",
        "scope": "openid",
        "state": "s" * 32,
        "nonce": "n" * 32,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "claims": json.dumps({"id_token": {"acr": acr}}),
    }
    return f"{gateway}/authorize?{urlencode(asked)}"


@pytest.mark.browser
@pytest.mark.xdist_group("browser-chromium")
def test_the_first_sign_in_by_e_cps_needs_no_javascript(visits: Callable[[str], Visit]) -> None:
    """In Chromium alone: the driver of Firefox reads pages through scripts."""
    with_javascript = visits("chromium")
    ines = Person("Ines Riviere", "i.riviere", "sentier-lumineux-7781", "99900000086")
    with with_javascript.browser.without_javascript() as browser:
        visit = Visit(browser, with_javascript.demo)
        visit.invite(ines)
        browser.fill("Nouveau mot de passe", ines.password)
        browser.fill("Le même", ines.password)
        browser.click("Activer mon compte")
        browser.wait_for("Votre compte est actif")
        visit.begin()
        browser.click("Pro Santé Connect")
        visit.ask_phone(ines.rpps)
        visit.demo.answer_phone(ines.rpps)
        browser.click("Continuer après validation")
        visit.link(ines)
        visit.choose("PHARMACIE DU MISTRAL")
        browser.wait_for(ines.name)
        assert browser.url().startswith(visit.demo.orientation)
        visit.sign_out("Orientation")
