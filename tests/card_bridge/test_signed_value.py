"""The value that the card signs, byte for byte; the gateway reads the same file (BR-09, BR-10, BRG-06, BRG-07)."""

import hashlib
import json
from pathlib import Path

import pytest

from card_bridge.ports import WindowState
from card_bridge.signed_value import digest_info, value_to_sign
from tests.card_bridge.rig import NONCE, PIN, Workstation, card, message
from tests.card_bridge.test_authentication import verify

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "cps_bridge_auth_v1.json").read_text("utf-8"))


@pytest.mark.spec("BR-09", "BRG-06")
@pytest.mark.parametrize("vector", VECTORS)
def test_vectors_are_reproduced(vector: dict[str, str]) -> None:
    value = value_to_sign(origin=vector["origin"], nonce=vector["nonce"], purpose=vector["purpose"])
    assert value.hex() == vector["tbs_hex"]
    assert hashlib.sha256(value).hexdigest() == vector["sha256_hex"]
    assert digest_info(value).hex() == "3031300d060960864801650304020105000420" + vector["sha256_hex"]


@pytest.mark.spec("BR-09")
def test_the_vector_of_the_dossier_is_in_the_file() -> None:
    assert VECTORS[0]["origin"] == "https://auth.example.fr"
    assert VECTORS[0]["sha256_hex"] == "b4f3223e364f6b9a6a33bf6b794a8c9fc6c2b169afcd6d8746b657458e8af92f"
    assert len(bytes.fromhex(VECTORS[0]["tbs_hex"])) == 115


@pytest.mark.spec("BRG-06")
@pytest.mark.parametrize("origin", ["https://auth.example.fr", "https://auth.example.fr:8443"])
def test_two_allowed_origins_get_two_signatures(origin: str) -> None:
    workstation = Workstation(allowed_origins=["https://auth.example.fr", "https://auth.example.fr:8443"])
    workstation.insert(card())
    workstation.window.codes = [PIN]
    workstation.page.origin = origin
    verify(workstation.page.authenticate(), origin=origin)
    assert workstation.window.opened[0].origin == origin
    workstation.stop()


@pytest.mark.spec("BR-10", "BRG-05")
@pytest.mark.parametrize("field", ["origin", "hash", "algorithm", "pin", "code", "digest", "apdu", "host", ""])
def test_a_field_beyond_the_schema_is_refused(workstation: Workstation, field: str) -> None:
    workstation.insert(card())
    reply = workstation.page.authenticate(**{field: "https://auth.example.fr"})
    assert (reply.status, reply.json) == (400, {"error": "invalid_request", "retriable": False})
    assert workstation.window.opened == []


@pytest.mark.spec("BRG-07", "BRG-17")
@pytest.mark.parametrize(
    "facts",
    [
        {"nonce": "dGhpcy1pcy1zaG9ydA"},
        {"nonce": NONCE[:42]},
        {"nonce": NONCE[:42] + "R"},
        {"nonce": NONCE + "="},
        {"nonce": NONCE[:42] + "é"},
        {"nonce": NONCE + "\n"},
        {"nonce": "A" * 129},
        {"nonce": 43},
        {"nonce": None},
        {"protocol": "cps-bridge:2"},
        {"protocol": None},
        {"purpose": "sign"},
        {"purpose": "LOGIN"},
        {"purpose": None},
        {"lang": "de"},
        {"lang": 1},
    ],
)
def test_a_message_outside_the_schema_opens_no_window(workstation: Workstation, facts: dict[str, object]) -> None:
    workstation.insert(card())
    assert workstation.page.authenticate(**facts).error == "invalid_request"
    assert workstation.window.opened == []


def test_the_language_may_be_left_out_and_is_french(workstation: Workstation) -> None:
    workstation.insert(card())
    workstation.window.codes = [PIN, PIN]
    assert workstation.page.authenticate(lang=None).status == workstation.page.authenticate(lang="en").status == 200
    assert [demand.lang for demand in workstation.window.opened] == ["fr", "en"]


@pytest.mark.parametrize(
    "body",
    [
        message().replace(b"}", b',"purpose":"login"}'),
        message().replace(b'"login"', b'["login"]'),
        message().replace(b'"login"', b'{"a":"login"}'),
        message() + b"{}",
        b"[" + message() + b"]",
        message().replace(b'"fr"', b"NaN"),
        message().decode().encode("utf-16"),
        b"\xef\xbb\xbf" + message(),
        b"null",
        b'"cps-bridge:1"',
        b"{",
        b"{}",
    ],
)
def test_a_field_twice_or_nested_or_badly_written_opens_no_window(workstation: Workstation, body: bytes) -> None:
    assert workstation.page.send("POST", "/v1/authenticate", body).error == "invalid_request"
    assert workstation.window.opened == []
    assert WindowState.ASK_CODE not in workstation.window.states
