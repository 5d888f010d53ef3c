"""The first sign-in by e-CPS, which links an account, and what can go otherwise on the way. Each test has people of its own."""

from collections.abc import Callable
from typing import Any

from tests.browser.visit import CLAIRE, ELODIE, HUGO, JEAN, KARIM, NADIA, PAUL, Visit

Pictures = Callable[[Any, str], None]
FIVE_MINUTES = 300
OLIVIERS = {
    "etab.update", "unite.update", "habilitation.update", "tdb.nominatif", "notif.declare", "notif.repondre",
    "evaluation.read", "stats.read",
}  # fmt: skip
REFUSED = "L'identifiant ou le mot de passe est incorrect"


def test_the_first_sign_in_by_e_cps_links_the_account_and_the_next_goes_straight_in(
    visit: Visit, pictures: Pictures
) -> None:
    browser, demo = visit.browser, visit.demo
    visit.begin()
    pictures(browser, "signin-means")
    browser.click("Pro Santé Connect")
    visit.ask_phone(NADIA.rpps)
    demo.answer_phone(NADIA.rpps)
    browser.wait_for("J'ai déjà un compte")
    assert browser.url().startswith(f"{demo.gateway}/signin/")
    assert "NADIA BENALI" in browser.text()
    pictures(browser, "link-choice")

    browser.click("Je n'ai pas de compte")
    browser.wait_for("Demander un compte")
    pictures(browser, "link-no-account")
    browser.click("Revenir au choix")
    browser.wait_for("J'ai déjà un compte")
    browser.click("J'ai déjà un compte")
    browser.wait_for("étape 2 sur 4")
    assert "S'identifier avec" not in browser.text(), "the account is proved by its own means"
    pictures(browser, "link-password")
    known = visit.codes_so_far(NADIA)
    visit.type_password(NADIA, "Continuer")
    browser.wait_for("étape 3 sur 4")
    assert "Faire confiance" not in browser.text()
    pictures(browser, "link-code")
    visit.type_mailed_code(NADIA, known)

    browser.wait_for("Relier cette identité à ce compte")
    assert "NADIA BENALI" in browser.text()
    assert NADIA.username in browser.text()
    assert NADIA.email not in browser.text(), "the address is masked"
    pictures(browser, "link-confirm")
    notices = visit.mails_so_far(NADIA)
    browser.click("Relier")
    browser.wait_for("À quel titre")
    pictures(browser, "situation")
    visit.choose("ESAT LES OLIVIERS")
    browser.wait_for("Structure active ESAT Les Oliviers")
    assert browser.url().startswith(demo.orientation)
    assert visit.held() == OLIVIERS
    assert "Pro Santé Connect" in browser.text()
    pictures(browser, "orientation-by-psc")
    notice = demo.wait_for_mail(NADIA.email, "a été relié")
    assert visit.mails_so_far(NADIA) == notices + 1
    assert notice["links"][0].startswith(f"{demo.gateway}/not_me/")

    visit.sign_out("Orientation")
    visit.begin()
    assert "Dernier moyen utilisé ici" in browser.text()
    visit.prove(NADIA.rpps)
    visit.choose("ESAT LES OLIVIERS")
    browser.wait_for("Structure active ESAT Les Oliviers")
    assert visit.held() == OLIVIERS
    assert visit.mails_so_far(NADIA) == notices + 1, "neither a code nor a notice"


def test_whoever_did_not_link_says_so_from_the_mail_and_the_identity_opens_nothing_any_more(
    visit: Visit, pictures: Pictures
) -> None:
    """Paul's codes come by SMS; linking asks one by e-mail."""
    browser, demo = visit.browser, visit.demo
    texts = len(demo.texts("+33639980001"))
    visit.sign_in_and_link(PAUL)
    browser.wait_for("Structure active Foyer de vie La Garrigue")
    assert len(demo.texts("+33639980001")) == texts

    browser.open(demo.wait_for_mail(PAUL.email, "a été relié")["links"][0])
    browser.wait_for("Ce n'était pas vous")
    assert browser.url() == f"{demo.gateway}/not_me", "the token leaves the address bar"
    pictures(browser, "not-me")
    browser.click("Ce n'était pas moi, bloquer")
    browser.wait_for("C'est noté")
    pictures(browser, "not-me-done")
    browser.click("English")
    browser.wait_for("This identity no longer opens your account")
    browser.click("Français")
    browser.wait_for("C'est noté")
    browser.open(demo.wait_for_mail(PAUL.email, "a été relié")["links"][0])
    browser.wait_for("Ce lien n'est plus valable")

    visit.until_ended_elsewhere("Orientation")
    visit.begin()
    browser.click("Pro Santé Connect")
    browser.wait_for("Cette identité ne permet pas de se connecter ici")
    assert "Numéro d'incident" not in browser.text()
    pictures(browser, "identity-refused")
    browser.click("Choisir un autre moyen")
    browser.wait_for("Mot de passe")
    visit.type_password(PAUL)
    browser.wait_for("par SMS")


def test_wrong_credentials_link_nothing_and_are_refused_as_at_any_sign_in(visit: Visit, pictures: Pictures) -> None:
    """A wrong password, an unknown name and an archived account look alike; Jean's own e-CPS does not revive his. With
    somebody else's account it is not linked either: the account's holder goes on without, and is told by mail. The next
    person whom Pro Santé Connect takes for Jean can say so."""
    browser, demo = visit.browser, visit.demo
    visit.begin()
    visit.type_password(KARIM, password="pas-le-bon-mot-de-passe")
    browser.wait_for(REFUSED)
    visit.prove(JEAN.rpps)
    browser.wait_for("J'ai déjà un compte")
    browser.click("J'ai déjà un compte")
    browser.wait_for("étape 2 sur 4")
    pages = []
    for username, password in (
        ("k.haddad", "pas-le-bon-mot-de-passe"),
        ("personne.du.tout", "peu-importe-lequel-2"),
        (JEAN.username, JEAN.password),
    ):
        browser.fill("Identifiant", username)
        browser.fill("Mot de passe", password)
        browser.click("Continuer")
        browser.wait_for(REFUSED)
        pictures(browser, "link-password-refused")
        pages.append(browser.text())
        browser.open(browser.url())  # anew, so that the next refusal is not taken for this one
    assert len(set(pages)) == 1

    known = visit.codes_so_far(KARIM)
    visit.type_password(KARIM, "Continuer")
    visit.type_mailed_code(KARIM, known)
    browser.wait_for("Relier cette identité à ce compte")
    assert "JEAN PETIT" in browser.text()
    assert KARIM.username in browser.text()
    browser.click("Relier")
    browser.wait_for("Compte non relié")
    pictures(browser, "link-refused")
    assert demo.wait_for_mail(KARIM.email, "n’a pas été relié")
    browser.click("Continuer")
    browser.wait_for("Karim Haddad")
    assert "mot de passe et code" in browser.text()
    visit.sign_out("Orientation")

    visit.begin()
    browser.click("Pro Santé Connect")
    browser.wait_for("JEAN PETIT")
    browser.click("Changer d'identité")
    visit.ask_phone(HUGO)
    demo.answer_phone(HUGO)
    browser.wait_for("HUGO LAMBERT")
    assert "J'ai déjà un compte" in browser.text()


def test_a_forgotten_password_is_a_way_on_for_whoever_was_linking(visit: Visit, pictures: Pictures) -> None:
    browser, demo = visit.browser, visit.demo
    visit.begin()
    visit.prove(ELODIE.rpps)
    browser.wait_for("J'ai déjà un compte")
    browser.click("J'ai déjà un compte")
    browser.wait_for("étape 2 sur 4")
    browser.click("Mot de passe oublié")
    browser.wait_for("Recevoir l'e-mail")
    browser.fill("Identifiant", ELODIE.username)
    browser.click("Recevoir l'e-mail")
    browser.wait_for("Consultez votre messagerie")
    browser.open(demo.wait_for_mail(ELODIE.email, "nouveau mot de passe")["links"][0])
    browser.wait_for("Changer mon mot de passe")
    browser.fill("Nouveau mot de passe", "chemin-de-halage-9035")
    browser.fill("Le même", "chemin-de-halage-9035")
    browser.click("Changer mon mot de passe")
    browser.wait_for("Votre mot de passe est changé")
    pictures(browser, "reset-done-while-linking")

    browser.click("Reprendre ma connexion")
    browser.wait_for("étape 2 sur 4")
    known = visit.codes_so_far(ELODIE)
    visit.type_password(ELODIE, "Continuer", password="chemin-de-halage-9035")
    visit.type_mailed_code(ELODIE, known)
    browser.wait_for("Relier cette identité à ce compte")
    browser.click("Relier")
    browser.wait_for("Élodie Marchand")
    assert browser.url().startswith(demo.orientation)


def test_an_identity_proved_five_minutes_ago_is_confirmed_again_and_the_linking_goes_on(
    visit: Visit, pictures: Pictures
) -> None:
    """What was proved since then, here the password and the code, is not asked twice."""
    browser, demo = visit.browser, visit.demo
    visit.begin()
    visit.prove(KARIM.rpps)
    browser.wait_for("J'ai déjà un compte")
    browser.click("J'ai déjà un compte")
    browser.wait_for("étape 2 sur 4")
    demo.advance(FIVE_MINUTES // 2)
    known = visit.codes_so_far(KARIM)
    visit.type_password(KARIM, "Continuer")
    visit.type_mailed_code(KARIM, known)
    browser.wait_for("Relier cette identité à ce compte")
    demo.advance(FIVE_MINUTES // 2)
    browser.click("Relier")
    browser.wait_for("Confirmez votre identité")
    pictures(browser, "identity-again")
    visit.prove(KARIM.rpps, "Confirmer avec Pro Santé Connect")
    browser.wait_for("Relier cette identité à ce compte")
    browser.click("Relier")
    browser.wait_for("Karim Haddad")
    assert browser.url().startswith(demo.orientation)


def test_an_invited_person_activates_their_account_by_e_cps_and_never_has_a_password(
    visit: Visit, pictures: Pictures
) -> None:
    """Somebody else's e-CPS does not activate it, and is not taken for hers again. Once the account is archived, hers leads
    back to the application without a session. (Claire is nobody else's here: tests run in any order.)"""
    browser, demo = visit.browser, visit.demo
    mail = visit.welcome_again(CLAIRE)
    browser.open(mail["links"][0])
    browser.wait_for("S'identifier avec Pro Santé Connect")
    assert browser.has_field("Nouveau mot de passe"), "the other way stays open"
    pictures(browser, "activation-choice")
    visit.prove(HUGO)
    browser.wait_for("HUGO LAMBERT")
    browser.click("Activer mon compte")
    browser.wait_for("Compte non relié")
    pictures(browser, "activation-refused")
    browser.click("Continuer")
    browser.wait_for("Bienvenue")
    visit.prove(CLAIRE.rpps)
    browser.wait_for("Activer votre compte")
    assert "CLAIRE MOREL" in browser.text()
    assert CLAIRE.username in browser.text()
    pictures(browser, "activation-confirm")
    browser.click("Activer mon compte")
    browser.wait_for("À gérer ici")
    assert "Claire Morel" in browser.text()
    pictures(browser, "activated-by-psc")
    browser.open(demo.orientation)
    browser.click("Se connecter")
    browser.wait_for("Structure active ESAT Les Oliviers")
    assert visit.held() == {"tdb.nominatif"}
    browser.open(mail["links"][0])
    browser.wait_for("Ce lien n'est plus valable")

    visit.sign_out("Orientation")
    visit.begin()
    visit.prove(CLAIRE.rpps)
    browser.wait_for("Structure active ESAT Les Oliviers")

    demo.passerelle("accounts", "archive", CLAIRE.username, "--reason", "left", "--yes")
    visit.until_ended_elsewhere("Orientation")
    visit.begin()
    browser.click("Pro Santé Connect")
    browser.wait_for("access_denied")
