"""The whole way, from the page's message to the signature that OpenSSL accepts."""

import base64

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from card_bridge.ports import View, WindowState
from card_bridge.signed_value import value_to_sign
from tests.card_bridge.rig import NONCE, ORIGIN, PIN, Workstation, card


def verify(reply, *, origin: str = ORIGIN, nonce: str = NONCE, purpose: str = "login") -> None:
    assertion = reply.json
    certificate = x509.load_der_x509_certificate(base64.b64decode(assertion["certificate"], validate=True))
    key = certificate.public_key()
    assert isinstance(key, RSAPublicKey)
    signature = base64.urlsafe_b64decode(assertion["signature"] + "==")
    key.verify(signature, value_to_sign(origin=origin, nonce=nonce, purpose=purpose), PKCS1v15(), SHA256())


@pytest.mark.spec("BRG-06")
def test_the_card_signs_for_the_origin_of_the_header(workstation: Workstation) -> None:
    inserted = workstation.insert(card())
    workstation.window.codes = [PIN]
    reply = workstation.page.authenticate()
    assert reply.status == 200, reply.body
    verify(reply)
    assert inserted.misuse == []


def test_the_answer_has_the_fields_of_the_protocol_and_no_other(workstation: Workstation) -> None:
    workstation.insert(card())
    workstation.window.codes = [PIN]
    assertion = workstation.page.authenticate().json
    assert set(assertion) == {"format", "certificate", "algorithm", "signature", "card", "bridge_version"}
    assert assertion["format"] == "cps-bridge:1"
    assert assertion["algorithm"] == "RS256"
    assert assertion["card"] == {"family": "cps3", "interface": "contact"}


@pytest.mark.spec("BRG-11")
def test_the_window_shows_origin_purpose_holder_card_and_tries_before_the_code(workstation: Workstation) -> None:
    workstation.insert(card(tries=2))
    workstation.window.codes = [PIN]
    assert workstation.page.authenticate().status == 200
    (demand,) = workstation.window.opened
    assert (demand.origin, demand.purpose, demand.lang) == (ORIGIN, "login", "fr")
    asked = workstation.window.wait_for(WindowState.ASK_CODE)
    assert asked == View(WindowState.ASK_CODE, "Lecteur A", "CPS3v3-2900473128", "Camille FICTIVE", tries_left=2)


@pytest.mark.spec("BRG-11")
def test_every_authentication_asks_the_code_again(workstation: Workstation) -> None:
    workstation.insert(card())
    for times in (1, 2, 3):
        page = workstation.page.begins_to_authenticate()
        workstation.window.wait_for(WindowState.ASK_CODE, times)
        workstation.window.person.code(PIN)
        assert page.result(10).status == 200


def test_threads_end_with_their_dialogs_and_with_the_bridge(workstation: Workstation) -> None:
    workstation.insert(card())
    workstation.window.codes = [PIN]
    workstation.page.authenticate()
    workstation.stop()
    assert workstation.threads() == []
