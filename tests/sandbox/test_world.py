"""What the outside world keeps and shows: mails by a real SMTP conversation, text messages, the shared clock, faults."""

import mmap
import smtplib
import struct
import threading
from email.message import EmailMessage

import pytest
import requests

from sandbox.world.message_text import codes, links


def send(world, *, to="camille@example.test", subject="Votre code", text="Votre code : 12345678", html=None):
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Passerelle <ne-pas-repondre@example.test>", to, subject
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
    host, port = world.smtp_address.split(":")
    with smtplib.SMTP(host, int(port), timeout=10) as conversation:
        conversation.send_message(mail)


def mails(world, **query):
    return requests.get(f"{world.world_url}/api/mails", params=query, timeout=10).json()["mails"]


def text(world, body, token="Bearer anything"):
    headers = {"Authorization": token} if token else {}
    return requests.post(f"{world.world_url}/sms", json=body, headers=headers, timeout=10)


def move_clock(world, body):
    return requests.post(f"{world.world_url}/api/clock", json=body, timeout=10)


def test_a_mail_sent_by_smtp_is_kept_with_its_text_its_links_and_its_codes(world):
    send(
        world,
        subject="Votre code à usage unique",
        text="Bonjour,\nCode : 1234 5678 non, 12345678.\nhttp://localhost:8080/reset/ab.\n",
    )
    (mail,) = mails(world, to="Camille@example.test")
    assert mail["subject"] == "Votre code à usage unique"
    assert mail["to"] == ["camille@example.test"]
    assert mail["codes"] == ["12345678"]
    assert mail["links"] == ["http://localhost:8080/reset/ab"]
    assert mails(world, to="sacha@example.test") == []


def test_the_text_part_is_shown_and_never_the_html_one(world):
    send(world, text="Partie en texte", html="<p>Partie <script>alert(1)</script></p>")
    page = requests.get(world.world_url, timeout=10).text
    assert "Partie en texte" in page
    assert "alert(1)" not in page


def test_a_mail_cannot_write_html_into_the_page_nor_make_a_script_link(world):
    send(world, subject="<b>gras</b>", text='<img src=x> javascript:alert(1) https://example.test/"onclick=x')
    page = requests.get(world.world_url, timeout=10).text
    assert "<b>gras" not in page
    assert "<img src=x" not in page
    assert 'href="javascript' not in page
    assert 'href="https://example.test/"' in page


def test_the_newest_mail_is_open_and_an_older_one_has_its_own_address(world):
    send(world, subject="Premier", text="texte du premier")
    send(world, subject="Second", text="texte du second")
    assert "texte du second" in requests.get(world.world_url, timeout=10).text
    first = mails(world)[0]["id"]
    assert "texte du premier" in requests.get(f"{world.world_url}/mails/{first}", timeout=10).text


def test_the_mailbox_keeps_the_last_five_hundred_mails(world):
    for number in range(501):
        world.mailbox.deliver(b"Subject: %d\r\n\r\n" % number, ("a@example.test",), world.clock.now())
    assert [mails(world)[0]["subject"], len(mails(world))] == ["1", 500]


def test_a_mail_that_cannot_be_decoded_is_still_kept(world):
    content = b"Subject: x\r\nContent-Type: text/plain; charset=inconnu\r\n\r\ncaf\xe9\r\n"
    world.mailbox.deliver(content, ("a@example.test",), world.clock.now())
    assert "caf" in mails(world)[0]["text"]


def test_mails_can_be_forgotten(world):
    send(world)
    assert requests.delete(f"{world.world_url}/api/mails", timeout=10).status_code == 204
    assert mails(world) == []


def test_a_refusing_mail_server_answers_with_a_temporary_error_until_it_is_repaired(world):
    requests.post(f"{world.world_url}/api/faults", json={"smtp": "refuse"}, timeout=10)
    with pytest.raises(smtplib.SMTPSenderRefused) as refused:
        send(world)
    assert refused.value.smtp_code == 451
    requests.post(f"{world.world_url}/api/faults", json={"smtp": None}, timeout=10)
    send(world)
    assert len(mails(world)) == 1


def test_a_slow_mail_server_holds_its_answer_until_it_is_repaired(world):
    world.faults.switch({"smtp": "slow"})
    sending = threading.Thread(target=send, args=(world,))
    sending.start()
    sending.join(timeout=0.3)
    assert sending.is_alive()
    assert mails(world) == []
    world.faults.switch({"smtp": None})
    sending.join(timeout=10)
    assert len(mails(world)) == 1


def test_an_unknown_fault_is_refused(world):
    for wanted in ({"smtp": "explode"}, {"disk": "full"}, ["smtp"], None):
        assert requests.post(f"{world.world_url}/api/faults", json=wanted, timeout=10).status_code == 400


def test_a_text_message_is_accepted_and_found_by_its_number(world):
    answer = text(world, {"to": "+33699900001", "text": "Passerelle : 123456 est votre code."})
    assert answer.status_code == 202
    found = requests.get(f"{world.world_url}/api/sms?to=+33699900001", timeout=10).json()["sms"]
    assert [(sms["id"], sms["codes"]) for sms in found] == [(answer.json()["id"], ["123456"])]
    assert "Passerelle : " in requests.get(world.world_url, timeout=10).text


@pytest.mark.parametrize(
    "body", [{"to": "0699900001", "text": "x"}, {"to": "+33699900001", "text": ""}, {}, ["x"], None]
)
def test_an_undeliverable_text_message_is_refused(world, body):
    assert text(world, body).status_code == 400


def test_the_sms_provider_wants_a_bearer_token_and_can_be_out_of_order(world):
    message = {"to": "+33699900001", "text": "x"}
    assert text(world, message, token=None).status_code == 401
    world.faults.switch({"sms": "error"})
    assert text(world, message).status_code == 503
    assert world.phone.messages() == []


def test_the_clock_moves_in_place_for_a_process_that_has_the_file_mapped(world, options):
    with options.clock_offset_file.open("rb") as file, mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ) as mapped:
        assert move_clock(world, {"advance_seconds": 1800}).json()["offset_seconds"] == 1800
        assert struct.unpack("<q", mapped[:]) == (1_800_000_000,)
        move_clock(world, {"advance_seconds": -0.5})
        assert struct.unpack("<q", mapped[:]) == (1_799_500_000,)
        move_clock(world, {"reset": True})
        assert struct.unpack("<q", mapped[:]) == (0,)


@pytest.mark.parametrize(
    "body", [{}, {"advance_seconds": "1"}, {"advance_seconds": 1e300}, {"advance_seconds": 1e12}, None]
)
def test_an_impossible_move_of_the_clock_is_refused_and_changes_nothing(world, body):
    assert move_clock(world, body).status_code in (400, 409)
    assert not world.clock.offset()


def test_the_page_moves_the_clock_with_a_plain_form_and_shows_it(world):
    page = requests.post(f"{world.world_url}/clock", data={"step": "31d"}, timeout=10)
    assert "en avance de 31 jours" in page.text
    requests.post(f"{world.world_url}/clock", data={"step": "reset"}, timeout=10)
    assert not world.clock.offset()


def test_the_page_lists_the_people_with_their_passwords(world):
    page = requests.get(world.world_url, timeout=10).text
    for shown in ("Camille Fictive", "99900000003", "tilleul bleu 7", "Gère les notifications", "Sacha Exemple"):
        assert shown in page


def test_the_script_gets_fragments_only_when_something_changed(world):
    first = requests.get(f"{world.world_url}/fragments", timeout=10).json()
    unchanged = requests.get(f"{world.world_url}/fragments", params={"since": first["version"]}, timeout=10)
    assert unchanged.status_code == 204
    send(world, subject="Nouveau")
    changed = requests.get(f"{world.world_url}/fragments", params={"since": first["version"]}, timeout=10).json()
    assert changed["newest_subject"] == "Nouveau"
    assert "Nouveau" in changed["mailbox"]


def test_a_form_posted_by_another_site_and_a_rebound_name_are_refused(world):
    elsewhere = {"Origin": "http://127.0.0.9"}
    assert requests.post(f"{world.world_url}/clear", headers=elsewhere, timeout=10).status_code == 403
    assert requests.get(world.world_url, headers={"Host": "monde.example"}, timeout=10).status_code == 421


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Votre code : 123456.", ["123456"]),
        ("123 456 est votre code", ["123456"]),
        ("Code 12345678, valable 10 minutes", ["12345678"]),
        ("RPPS 99900000003, tél. +33699900001, FINESS 990000010", []),
        ("Appelez le 01 23 45 67 89 le 2026-11-02", []),
        ("http://localhost:8080/activation/123456", []),
        ("incident 4f123456-1234", []),
    ],
)
def test_only_a_code_standing_alone_is_offered_for_copy(message, expected):
    assert codes(message) == expected


def test_a_link_does_not_swallow_the_punctuation_after_it():
    assert links("Voir (http://localhost:8080/a?b=c).") == ["http://localhost:8080/a?b=c"]
