"""The commands of a CPS3 authentication, compared with the list of the dossier, byte for byte (BR-02)."""

import hashlib

import pytest

from card_bridge.signed_value import value_to_sign
from sandbox.card.cps3 import VirtualCps3
from sandbox.card.faults import FaultPlan, Step
from sandbox.card.pkcs15_files import Layout
from tests.card_bridge.rig import NONCE, ORIGIN, PIN, Workstation, card

TRIES = ["00A4090C023F00", "00CB3FFF0A4D087006BF810102A080", "00C0000018"]
SERIAL = ["00A40904043F00D003", "00C0000027", "00B000000C"]


def digest_info() -> str:
    digest = hashlib.sha256(value_to_sign(origin=ORIGIN, nonce=NONCE, purpose="login")).hexdigest().upper()
    return "3031300D060960864801650304020105000420" + digest


SIGNING = [
    *SERIAL,
    *TRIES,
    "0020000104" + "2A" * 4,
    "00A4090C043F000001",
    "002241A406800102840182",
    "0088000033" + digest_info(),
    "00C00000E7",
    "00C0000019",
]


def fetched(inserted: VirtualCps3, at: int, path: str) -> list[str]:
    """A file's commands: SELECT, its control parameters as announced, then reads of at most E7 bytes, one after the other."""
    exchanges = inserted.record.exchanges[at:]
    length = exchanges[0].answer[-1]
    size = int.from_bytes(exchanges[1].answer[4:6], "big")
    reads = [f"00B0{offset:04X}{min(0xE7, size - offset):02X}" for offset in range(0, size, 0xE7)]
    return [f"00A40904{len(path) // 2:02X}{path}", f"00C00000{length:02X}", *reads]


def reading(inserted: VirtualCps3, certificate: str = "B001", files: str = "7001 7002 7004") -> list[str]:
    golden = ["00A4090C043F000001"]
    for path in ("3F00D003", "3F002F00"):
        golden += fetched(inserted, len(golden), path)
    golden += ["00A40904043F00D010", "00A4090C043F000001"]
    for name in ("5031", "5032", *files.split(), certificate):
        golden += fetched(inserted, len(golden), "3F000001" + name)
    return golden + TRIES


@pytest.mark.spec("BR-02")
def test_a_cps3_receives_exactly_the_commands_of_the_dossier(workstation: Workstation) -> None:
    inserted = workstation.insert(card())
    workstation.window.codes = [PIN]
    assert workstation.page.authenticate().status == 200
    assert inserted.record.commands() == reading(inserted) + SIGNING
    certificate = [command for command in reading(inserted) if command.startswith("00B0")][-5:]
    assert certificate[0].endswith("E7"), "a certificate takes several reads"


@pytest.mark.spec("BR-02")
def test_files_are_found_by_their_directory_wherever_they_are(workstation: Workstation) -> None:
    moved = Layout(pins=0x4401, keys=0x4402, certificates=0x4403, data=0x4404, first_certificate=0xC0F1)
    inserted = workstation.insert(card(layout=moved))
    workstation.window.codes = [PIN]
    assert workstation.page.authenticate().status == 200
    assert inserted.record.commands() == reading(inserted, "C0F1", "4401 4402 4403") + SIGNING


@pytest.mark.spec("BR-02")
def test_a_wrong_code_repeats_only_the_transaction(workstation: Workstation) -> None:
    inserted = workstation.insert(card())
    workstation.window.codes = ["0000", PIN]
    assert workstation.page.authenticate().status == 200
    refused = [*SERIAL, *TRIES, "0020000104" + "2A" * 4]
    assert inserted.record.commands() == reading(inserted) + refused + SIGNING


def test_a_refused_key_is_chosen_again_once(workstation: Workstation) -> None:
    plan = FaultPlan(answers={Step.KEY_CHOICE: b"\x69\x85"})
    inserted = workstation.insert(card(faults=plan))
    workstation.window.codes = [PIN]
    assert workstation.page.authenticate().error == "card_unsupported"
    assert inserted.record.count(0x22) == 2
    assert inserted.record.count(0x20) == 1
