"""A CPS3 signs with its authentication key, after the code, what the host prepared (card dossier §1.5, VC-13, VC-14)."""

import subprocess
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sandbox.card.cps3 import VirtualCps3
from sandbox.card.igc_sante import LookAlikeIgc
from sandbox.card.pkcs15_files import KeySlot, key_slots
from tests.sandbox.card.terminal import (
    APPLICATION,
    AUTHENTICATION_KEY,
    MASTER_FILE,
    RIGHT_CODE,
    SHA256_PREFIX,
    TRIES,
    Terminal,
    internal_authenticate,
)

TEXT = b"what is signed"
HASH = "ab" * 32


def _public_key(card: VirtualCps3) -> RSAPublicKey:
    key = card.holder_certificate.certificate.public_key()
    assert isinstance(key, RSAPublicKey)
    return key


@pytest.mark.spec("VC-13")
def test_the_signature_is_the_one_of_the_certificate(card: VirtualCps3, terminal: Terminal) -> None:
    signature = terminal.sign(TEXT)
    _public_key(card).verify(signature, TEXT, PKCS1v15(), hashes.SHA256())
    with pytest.raises(InvalidSignature):
        _public_key(card).verify(signature, TEXT + b".", PKCS1v15(), hashes.SHA256())


@pytest.mark.spec("VC-13")
def test_openssl_verifies_the_signature(card: VirtualCps3, terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "signature").write_bytes(terminal.sign(TEXT))
    (tmp_path / "text").write_bytes(TEXT)
    (tmp_path / "key").write_bytes(_public_key(card).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    checked = subprocess.run(
        ["openssl", "dgst", "-sha256", "-verify", "key", "-signature", "signature", "text"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.stdout == "Verified OK\n"


@pytest.mark.spec("VC-13")
def test_nothing_is_signed_without_the_code(terminal: Terminal) -> None:
    terminal.send(APPLICATION)
    terminal.send(AUTHENTICATION_KEY)
    assert terminal.send(internal_authenticate(TEXT)) == "6982"


@pytest.mark.spec("VC-13")
def test_the_code_survives_the_selection_of_the_application_and_no_reset(card: VirtualCps3, terminal: Terminal) -> None:
    terminal.sign(TEXT)
    assert terminal.send(internal_authenticate(TEXT)) == "6100"
    card.reset()
    terminal.send(APPLICATION)
    terminal.send(AUTHENTICATION_KEY)
    assert terminal.send(internal_authenticate(TEXT)) == "6982"


@pytest.mark.spec("VC-13")
def test_nothing_is_signed_without_the_right_choice_of_key(terminal: Terminal) -> None:
    for command in (MASTER_FILE, RIGHT_CODE, APPLICATION):
        terminal.send(command)
    assert terminal.send(internal_authenticate(TEXT)) == "6985"
    assert terminal.send("002241A4 06 80 01 12 84 01 82") == "9000"
    assert terminal.send(internal_authenticate(TEXT)) == "6985", "another algorithm"
    assert terminal.send("002241A4 06 80 01 02 84 01 77") == "6A88"
    assert terminal.send(internal_authenticate(TEXT)) == "6985", "an unknown key"
    assert terminal.send("002241A4 03 80 01 02") == "6A80"


@pytest.mark.spec("VC-13")
@pytest.mark.parametrize(
    "data",
    [
        HASH,
        SHA256_PREFIX + HASH + "00",
        SHA256_PREFIX + HASH[2:],
        SHA256_PREFIX.replace("0500", "0400") + HASH,
        "30" * 103,
        "0001" + "FF" * 100 + "00",
    ],
    ids=["bare hash", "trailing byte", "short hash", "other prefix", "more than 40 percent", "padded block"],
)
def test_only_a_digest_info_is_signed(terminal: Terminal, data: str) -> None:
    terminal.sign(TEXT)
    assert terminal.send(f"00880000 {len(data) // 2:02X} {data}") == "6A80"


@pytest.mark.spec("VC-14")
@pytest.mark.parametrize(
    "command",
    [
        "002241A4 06 80 01 02 84 01 81",
        "002241B6 06 80 01 42 84 01 81",
        "002A9E9A 20 " + HASH,
        "002241AA 03 80 01 40",
        "002241B8 06 80 01 1A 84 01 82",
        "002A8086 02 8100",
    ],
)
def test_touching_the_signature_key_is_refused_and_held_against_who_did(
    card: VirtualCps3, terminal: Terminal, command: str
) -> None:
    for first in (MASTER_FILE, RIGHT_CODE, APPLICATION):
        terminal.send(first)
    assert terminal.send(command) == "6985"
    assert card.misuse == [bytes.fromhex(command).hex().upper()]
    assert terminal.send(internal_authenticate(TEXT)) == "6985"


@pytest.mark.spec("VC-14")
def test_an_honest_signature_is_held_against_nobody(card: VirtualCps3, terminal: Terminal) -> None:
    terminal.sign(TEXT)
    assert card.misuse == []


def test_two_authentication_certificates_have_keys_of_their_own(igc: LookAlikeIgc) -> None:
    twice = VirtualCps3([igc.professional(), igc.professional("99900000011", card_number="2900473136")])
    assert [slot.reference for slot in twice.slots] == [0x82, 0x84]
    terminal = Terminal(twice.transmit)
    for command in (MASTER_FILE, RIGHT_CODE, APPLICATION, "002241A4 06 80 01 02 84 01 84"):
        assert terminal.send(command) == "9000"
    signature = terminal.ask(internal_authenticate(TEXT))
    second = twice.slots[1].certificate.certificate.public_key()
    assert isinstance(second, RSAPublicKey)
    second.verify(signature, TEXT, PKCS1v15(), hashes.SHA256())


def test_a_slot_may_lie_about_its_labels_and_its_key(igc: LookAlikeIgc) -> None:
    usual = KeySlot.of(igc.professional())
    odd = KeySlot(usual.certificate, 0x82, usual.identifier, "CPS_PRIV_AUT", "Autre", usual.key_usage, False, b"\x09")
    card = VirtualCps3([odd])
    assert key_slots([odd]) == [odd]
    terminal = Terminal(card.transmit)
    assert bytes.fromhex("020182") in terminal.read("3F0000017002")
    assert b"\x0c\x05Autre" in terminal.read("3F0000017004")


def test_the_whole_exchange_of_the_dossier_runs_in_its_order(terminal: Terminal) -> None:
    exchange = [
        ("00A40904 04 3F00D003", "6127"),
        ("00C0000027", None),
        ("00B00000 0C", None),
        ("00A40904 04 3F002F00", "6124"),
        ("00C0000024", None),
        ("00B00000 21", None),
        ("00A40904 04 3F00D010", "6A82"),
        (APPLICATION, "9000"),
        ("00A40904 06 3F0000015031", "6124"),
        ("00C0000024", None),
        ("00B00000 30", None),
        (MASTER_FILE, "9000"),
        (TRIES, "6118"),
        ("00C0000018", "7016BF810112A0109A01039B0103A1088C06F3000013FF009000"),
        (RIGHT_CODE, "9000"),
        (APPLICATION, "9000"),
        (AUTHENTICATION_KEY, "9000"),
        (internal_authenticate(TEXT), "6100"),
    ]
    for command, expected in exchange:
        answer = terminal.send(command)
        assert answer == expected or (expected is None and answer.endswith("9000")), command
    assert len(terminal.send("00C00000E7")) == 2 * 0xE7 + 4
