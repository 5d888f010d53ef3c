"""The window a person sees and hears, over the whole real workstation: typed on a keyboard, read by a screen reader."""

import base64
from concurrent.futures import Future

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from card_bridge.signed_value import value_to_sign
from tests.card_bridge.rig import NONCE, ORIGIN, PIN, Reply, card, certificate, message
from tests.card_bridge.window.conftest import RunningDaemon
from tests.card_bridge.window.desktop import Desktop, field_of, texts_of
from tests.virtual_readers import READERS, VirtualPcscd

SOON = 20.0
WRONG = "0000"


def answer(reply: "Future[Reply]") -> Reply:
    return reply.result(timeout=SOON)


def is_signed(reply: Reply) -> bool:
    certificate = x509.load_der_x509_certificate(base64.b64decode(reply.json["certificate"]))
    signature = base64.urlsafe_b64decode(reply.json["signature"] + "==")
    key = certificate.public_key()
    assert isinstance(key, RSAPublicKey)
    key.verify(
        signature, value_to_sign(origin=ORIGIN, nonce=NONCE, purpose="login"), padding.PKCS1v15(), hashes.SHA256()
    )
    return reply.status == 200


def until_the_service_sees_it_empty() -> None:
    from card_bridge.pcsc import PcscReaders

    readers = PcscReaders()
    while readers.state(READERS[0]).present:
        readers.wait(0.5)


@pytest.mark.spec("BRG-11", "BR-04")
def test_a_login_typed_on_the_keyboard(pc_sc: VirtualPcscd, daemon: RunningDaemon, desktop: Desktop) -> None:
    pc_sc.insert(card())
    reply = daemon.page.begins_to_authenticate()
    field = desktop.until_it_asks_the_code()
    shown = desktop.shown()
    dialog = next(one for one in shown if one.role == "dialog")
    assert dialog.name == f"Connexion par carte CPS – {ORIGIN}"
    for words in (
        ORIGIN,
        "Pour ouvrir votre session",
        "Carte prête",
        READERS[0],
        "Camille FICTIVE",
        "CPS3v3-2900473128",
    ):
        assert words in texts_of(shown), words
    assert field.name == "Code porteur (4 chiffres)"
    assert field.description == "Il vous reste 3 tentatives"
    assert "Il vous reste 3 tentatives" in texts_of(shown)
    desktop.until_it_announces("Il vous reste 3 tentatives")
    desktop.type(PIN)
    desktop.key("Return")
    assert is_signed(answer(reply))
    desktop.until_nothing_is_shown()


@pytest.mark.spec("BRG-10")
def test_the_code_is_never_readable_and_nothing_keeps_it(
    pc_sc: VirtualPcscd, daemon: RunningDaemon, desktop: Desktop
) -> None:
    pc_sc.insert(card())
    reply = daemon.page.begins_to_authenticate()
    desktop.until_it_asks_the_code()
    desktop.type(PIN)
    shown = desktop.until(lambda shown: len(field_of(shown).text) == len(PIN))
    assert PIN not in repr(shown)
    desktop.key("Return")
    answer(reply)
    assert PIN not in repr(desktop.announced)
    assert PIN not in daemon.log.read_text("utf-8")
    assert PIN not in repr(answer(reply))


@pytest.mark.spec("BR-05")
def test_only_four_digits_fit_and_fewer_cannot_be_sent(
    pc_sc: VirtualPcscd, daemon: RunningDaemon, desktop: Desktop
) -> None:
    inserted = card()
    pc_sc.insert(inserted)
    reply = daemon.page.begins_to_authenticate()
    desktop.until_it_asks_the_code()
    desktop.type("4a9-7")
    desktop.key("Return")
    shown = desktop.until(lambda shown: len(field_of(shown).text) == 3)
    assert not next(one for one in shown if one.name == "Valider").enabled
    assert inserted.record.count(0x20) == 0
    desktop.type("3999")
    desktop.until(lambda shown: len(field_of(shown).text) == 4)
    desktop.key("Return")
    assert is_signed(answer(reply))
    assert inserted.record.count(0x20) == 1


@pytest.mark.spec("BR-04", "BR-05")
def test_a_wrong_code_is_told_with_the_new_count_and_not_sent_again(
    pc_sc: VirtualPcscd, daemon: RunningDaemon, desktop: Desktop
) -> None:
    inserted = card()
    pc_sc.insert(inserted)
    reply = daemon.page.begins_to_authenticate()
    desktop.until_it_asks_the_code()
    desktop.type(WRONG)
    desktop.key("Return")
    shown = desktop.until_it_says("Code faux")
    assert "Il vous reste 2 tentatives" in texts_of(shown)
    assert field_of(shown).text == ""
    desktop.until_it_announces("Code faux. Vérifiez-le avant de le taper de nouveau. Carte prête")
    desktop.until_it_announces("Il vous reste 2 tentatives")
    assert inserted.tries_left == 2
    desktop.until_it_asks_the_code()
    desktop.type(PIN)
    desktop.key("Return")
    assert is_signed(answer(reply))


@pytest.mark.spec("BR-04", "BRG-13", "AC-077")
def test_the_last_try_must_be_confirmed_and_refusing_it_is_the_easy_way(
    pc_sc: VirtualPcscd, daemon: RunningDaemon, desktop: Desktop
) -> None:
    pc_sc.insert(card(tries=1))
    reply = daemon.page.begins_to_authenticate()
    shown = desktop.until_it_says("Il vous reste 1 tentative")
    assert field_of(shown) is None
    shown = desktop.until(lambda shown: [one for one in shown if one.focused])
    assert [one.name for one in shown if one.focused and one.focusable] == ["Annuler"]
    desktop.press("Utiliser la dernière tentative")
    assert desktop.until_it_asks_the_code().description == "Il vous reste 1 tentative"
    desktop.type(PIN)
    desktop.key("Return")
    assert is_signed(answer(reply))


@pytest.mark.spec("BR-04")
def test_a_blocked_card_shows_no_field_and_the_window_stays_until_it_is_read(
    pc_sc: VirtualPcscd, daemon: RunningDaemon, desktop: Desktop
) -> None:
    inserted = card(tries=0)
    pc_sc.insert(inserted)
    assert answer(daemon.page.begins_to_authenticate()).error == "pin_blocked"
    shown = desktop.until_it_says("Carte bloquée")
    assert field_of(shown) is None
    assert [one.name for one in shown if one.role == "push button"] == ["Fermer"]
    desktop.until_it_announces("Carte bloquée")
    desktop.press("Fermer")
    desktop.until_nothing_is_shown()
    assert inserted.record.count(0x20) == 0


@pytest.mark.spec("BR-06")
@pytest.mark.parametrize("how", ["Escape", "Annuler"])
def test_cancelling_sends_nothing_to_the_card_and_the_next_requests_work(
    pc_sc: VirtualPcscd, daemon: RunningDaemon, desktop: Desktop, how: str
) -> None:
    inserted = card()
    pc_sc.insert(inserted)
    reply = daemon.page.begins_to_authenticate()
    desktop.until_it_asks_the_code()
    desktop.type(PIN)
    if how == "Escape":
        desktop.key("Escape")
    else:
        desktop.press("Annuler")
    assert answer(reply).error == "user_cancelled"
    desktop.until_nothing_is_shown()
    assert inserted.record.count(0x20) == 0
    for _ in range(2):
        reply = daemon.page.begins_to_authenticate()
        assert desktop.until_it_asks_the_code().text == ""
        desktop.type(PIN)
        desktop.key("Return")
        assert is_signed(answer(reply))
        desktop.until_nothing_is_shown()


@pytest.mark.spec("BR-06")
def test_a_page_that_gives_up_takes_its_window_away(
    pc_sc: VirtualPcscd, daemon: RunningDaemon, desktop: Desktop
) -> None:
    pc_sc.insert(card())
    with daemon.page.connect() as caller:
        caller.sendall(daemon.page.request("POST", "/v1/authenticate", message()))
        desktop.until_it_asks_the_code()
    desktop.until_nothing_is_shown()


@pytest.mark.spec("BRG-15", "BR-15")
def test_the_window_follows_the_card_in_and_out(pc_sc: VirtualPcscd, daemon: RunningDaemon, desktop: Desktop) -> None:
    reply = daemon.page.begins_to_authenticate()
    desktop.until_it_says("Insérez votre carte CPS")
    pc_sc.insert(card())
    desktop.until_it_asks_the_code()
    pc_sc.remove()
    assert answer(reply).error == "card_removed"
    shown = desktop.until_it_says("La carte a été retirée")
    assert field_of(shown) is None
    desktop.until_it_announces("La carte a été retirée")


def test_a_new_request_replaces_the_last_words_of_the_one_before(
    pc_sc: VirtualPcscd, daemon: RunningDaemon, desktop: Desktop
) -> None:
    pc_sc.insert(card(tries=0))
    answer(daemon.page.begins_to_authenticate())
    desktop.until_it_says("Carte bloquée")
    pc_sc.remove()
    until_the_service_sees_it_empty()
    pc_sc.insert(card())
    reply = daemon.page.begins_to_authenticate()
    desktop.until_it_asks_the_code()
    assert len([one for one in desktop.shown() if one.role == "dialog"]) == 1
    desktop.type(PIN)
    desktop.key("Return")
    assert is_signed(answer(reply))


def test_it_speaks_english_to_a_page_in_english(pc_sc: VirtualPcscd, daemon: RunningDaemon, desktop: Desktop) -> None:
    pc_sc.insert(card(tries=2))
    with daemon.page.connect() as caller:
        caller.sendall(daemon.page.request("POST", "/v1/authenticate", message(lang="en")))
        assert desktop.until_it_asks_the_code().description == "You have 2 tries left"
        assert "To open your session" in texts_of(desktop.shown())


@pytest.mark.spec("BR-03")
def test_a_card_that_only_signs_documents_is_told_and_asks_nothing(
    pc_sc: VirtualPcscd, daemon: RunningDaemon, desktop: Desktop
) -> None:
    pc_sc.insert(card(certificate(usage="signature")))
    assert answer(daemon.page.begins_to_authenticate()).error == "certificate_unsupported"
    assert field_of(desktop.until_it_says("Cette carte ne permet pas de se connecter")) is None


def test_everything_that_can_be_reached_has_a_name(
    pc_sc: VirtualPcscd, daemon: RunningDaemon, desktop: Desktop
) -> None:
    pc_sc.insert(card())
    reply = daemon.page.begins_to_authenticate()
    desktop.until_it_asks_the_code()
    assert [one for one in desktop.shown() if one.focusable and not one.name] == []
    reached = []
    for _ in range(2):
        desktop.key("Tab")
        was = reached[-1] if reached else "Code porteur (4 chiffres)"
        shown = desktop.until(lambda shown: [one for one in shown if one.focused and one.name != was])  # noqa: B023
        reached += [one.name for one in shown if one.focused]
    assert set(reached) >= {"Annuler"}
    desktop.key("Escape")
    answer(reply)


@pytest.mark.spec("BR-08")
def test_another_program_that_keeps_the_card_is_told_then_waited_for(
    pc_sc: VirtualPcscd, daemon: RunningDaemon, desktop: Desktop
) -> None:
    from smartcard import scard

    pc_sc.insert(card())
    desktop.until(lambda _: daemon.page.status().json["reader"])
    _, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    code, other = 1, None
    while code:
        code, other, _ = scard.SCardConnect(context, READERS[0], scard.SCARD_SHARE_EXCLUSIVE, scard.SCARD_PROTOCOL_T0)
    reply = daemon.page.begins_to_authenticate()
    desktop.until_it_says("Un autre logiciel utilise la carte")
    scard.SCardDisconnect(other, scard.SCARD_LEAVE_CARD)
    scard.SCardReleaseContext(context)
    desktop.until_it_asks_the_code()
    desktop.type(PIN)
    desktop.key("Return")
    assert is_signed(answer(reply))


@pytest.mark.spec("BR-14")
def test_ten_restarts_of_the_service_later_the_card_still_opens_a_session(
    pc_sc: VirtualPcscd, daemon: RunningDaemon, desktop: Desktop
) -> None:
    pc_sc.insert(card())
    for _ in range(10):
        pc_sc.stop()
        desktop.until(lambda _: not daemon.page.status().json["reader"])
        pc_sc.start()
        desktop.until(lambda _: daemon.page.status().json["reader"])
    reply = daemon.page.begins_to_authenticate()
    desktop.until_it_asks_the_code()
    desktop.type(PIN)
    desktop.key("Return")
    assert is_signed(answer(reply))


@pytest.mark.spec("BR-14")
def test_a_service_that_restarts_under_the_window_is_told_and_the_window_goes_on(
    pc_sc: VirtualPcscd, daemon: RunningDaemon, desktop: Desktop
) -> None:
    pc_sc.stop()
    desktop.until(lambda _: not daemon.page.status().json["reader"])
    reply = daemon.page.begins_to_authenticate()
    desktop.until_it_says("Le service des cartes à puce est arrêté")
    pc_sc.start()
    pc_sc.insert(card())
    desktop.until_it_asks_the_code()
    desktop.type(PIN)
    desktop.key("Return")
    assert is_signed(answer(reply))


@pytest.mark.spec("BR-07", "AC-073")
def test_after_the_login_another_program_finds_the_code_forgotten(
    pc_sc: VirtualPcscd, daemon: RunningDaemon, desktop: Desktop
) -> None:
    inserted = card()
    pc_sc.insert(inserted)
    reply = daemon.page.begins_to_authenticate()
    desktop.until_it_asks_the_code()
    desktop.type(PIN)
    desktop.key("Return")
    assert is_signed(answer(reply))
    assert not inserted.pin_verified
