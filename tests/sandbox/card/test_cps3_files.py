"""What a CPS3 lets read, in the words and refusals of the card dossier (§1.2–1.5, checklist VC-02 to VC-10)."""

import pytest

from sandbox.card.cps3 import VirtualCps3
from sandbox.card.families import CPS3_CONTACT, CPS3_LATER_VERSION, FOREIGN
from sandbox.card.faults import FaultPlan
from sandbox.card.igc_sante import LookAlikeIgc
from sandbox.card.pkcs15_files import Layout, luhn_digit
from sandbox.card.virtual_card import ForeignCard
from tests.sandbox.card.terminal import APPLICATION, AUTHENTICATION_KEY, MASTER_FILE, RIGHT_CODE, Terminal


@pytest.mark.spec("VC-04")
def test_answers_to_reset_are_those_of_the_dossier(card: VirtualCps3, igc: LookAlikeIgc) -> None:
    assert card.atr == CPS3_CONTACT == bytes.fromhex("3BAC00402A00122500 6480000310009000")
    later = VirtualCps3([igc.professional()], atr=CPS3_LATER_VERSION)
    differs = [place for place, (mine, usual) in enumerate(zip(later.atr, CPS3_CONTACT, strict=True)) if mine != usual]
    assert differs and set(differs) <= {11, 12, 13}
    assert Terminal(later.transmit).send(APPLICATION) == "9000"
    foreign = ForeignCard()
    assert foreign.atr == FOREIGN
    assert Terminal(foreign.transmit).send(APPLICATION) == "6E00"


@pytest.mark.spec("VC-02")
def test_two_cards_share_nothing(igc: LookAlikeIgc) -> None:
    one = VirtualCps3([igc.professional()], pin="1234")
    other = VirtualCps3(
        [igc.professional("99900000011", card_number="2900473136")], card_number="2900473136", pin="9876", tries=2
    )
    assert Terminal(one.transmit).send(RIGHT_CODE) == "9000"
    assert Terminal(other.transmit).send(RIGHT_CODE) == "63C1"
    assert (one.tries_left, other.tries_left) == (3, 1)
    assert (one.pin_verified, other.pin_verified) == (True, False)
    assert (one.record.count(0x20), other.record.count(0x20)) == (1, 1)
    assert Terminal(one.transmit).read("3F0000015032") != Terminal(other.transmit).read("3F0000015032")
    assert Terminal(one.transmit).read("3F000001B001") != Terminal(other.transmit).read("3F000001B001")


@pytest.mark.spec("VC-03")
@pytest.mark.parametrize("loss", ["power_on", "reset", "power_off"])
def test_a_reset_forgets_all_but_the_tries(card: VirtualCps3, terminal: Terminal, loss: str) -> None:
    card.tries_left = 2
    for command in (APPLICATION, AUTHENTICATION_KEY, MASTER_FILE, RIGHT_CODE):
        assert terminal.send(command) == "9000"
    card.tries_left = 1
    assert terminal.send("00A40904 04 3F00D003") == "6127"
    getattr(card, loss)()
    assert terminal.send("00C0000027") == "6985"
    assert terminal.send("00B0000001") == "6986"
    assert not card.pin_verified
    assert terminal.send("0020000100") == "63C1"
    assert terminal.send(RIGHT_CODE) == "9000"
    assert terminal.send("00880000 01 00") == "6985"


@pytest.mark.spec("VC-05")
def test_the_serial_number_ends_with_its_luhn_digit(terminal: Terminal) -> None:
    content = terminal.read("3F00D003").hex().upper()
    assert content[:14] == "5A0A8025000001"[:14]
    digits, check, filler = content[4:22], content[22], content[23]
    assert (digits, filler) == ("802500000100473128", "F")
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits + check))]
    assert sum(value // 10 + value % 10 for value in doubled) % 10 == 0
    assert luhn_digit("802500000199213845") == 0, "the real example of the dossier"


@pytest.mark.spec("VC-06")
def test_directories_have_the_bytes_that_the_reference_library_accepts(terminal: Terminal) -> None:
    contact = "E828BD080F8025000001FF0010"
    assert terminal.read("3F002F00").hex().upper() == f"611F4F0D{contact}50084153495020435053" + "51043F000001"
    assert terminal.read("3F0000015031").hex().upper().startswith("A80A300804063F0000017001A00A300804063F0000017002")
    label = b"CPS3v3-2900473128".hex().upper()
    assert terminal.read("3F0000015032").hex().upper() == (
        "3026020100" + "0C0A415349502D53414E5445" + f"8011{label}" + "03020640"
    )
    assert terminal.read("3F0000017001").hex().upper() == (
        "303330120C0C436F646520506F7274657572030206C03003040101"
        "A118301603020388" "0A0101" "020104020104020104" "800101" "0401FF"
    )  # fmt: skip
    keys = terminal.read("3F0000017002").hex().upper()
    assert keys.startswith(
        f"304130150C0C{b'CPS_PRIV_AUT'.hex().upper()}030206C0040101"
        f"301C040E{contact}02" "03020560" "030204B0" "02020082" "A10A3008" "30020400" "02020800"
    )  # fmt: skip
    certificates = terminal.read("3F0000017004")
    label_tlv = b"\x0c\x21Certificat d'Authentification CPS"
    assert certificates.startswith(bytes.fromhex("30493027") + label_tlv + bytes.fromhex("03020640"))
    assert terminal.read("3F002F01")[:1] == b"\x80"


@pytest.mark.spec("VC-06")
def test_a_certificate_takes_several_reads(card: VirtualCps3, terminal: Terminal) -> None:
    content = terminal.read("3F000001B001")
    assert content == card.holder_certificate.der
    assert 1_100 <= len(content) <= 2_200
    assert card.record.count(0xB0) >= 5


@pytest.mark.spec("VC-06")
def test_reads_beyond_the_end_and_too_long_reads_are_told_apart(terminal: Terminal) -> None:
    terminal.ask("00A40904 04 3F00D003")
    assert terminal.send("00B0000C01") == "6B00"
    assert terminal.send("00B00B0001") == "6B00"
    assert terminal.send("00B0000AE7") == "6C02"
    assert terminal.send("00B0000A02")[-4:] == "9000"
    assert terminal.send("00B09C0000") == "6C0C", "by short identifier"
    assert terminal.send("00B0850000") == "6A82"


def test_file_numbers_may_move_and_the_directory_tells_where(igc: LookAlikeIgc) -> None:
    moved = VirtualCps3([igc.professional()], layout=Layout(keys=0x7102, certificates=0x7104, first_certificate=0xB777))
    terminal = Terminal(moved.transmit)
    assert bytes.fromhex("3F0000017102") in terminal.read("3F0000015031")
    assert bytes.fromhex("3F000001B777") in terminal.read("3F0000017104")
    assert terminal.read("3F000001B777") == moved.holder_certificate.der
    assert terminal.send("00A4090C 06 3F000001B001") == "6A82"


@pytest.mark.spec("VC-09")
def test_an_answer_with_data_waits_for_its_get_response(terminal: Terminal) -> None:
    assert terminal.send("00A40904 04 3F00D003") == "6127"
    assert terminal.send("00C0000028") == "6C27"
    assert terminal.send("00C0000000") == "6C27"
    assert terminal.send("00C0000005")[10:] == "6122"
    assert terminal.send("00C0000022")[-4:] == "9000"
    assert terminal.send("00C0000001") == "6985", "nothing is left"
    assert terminal.send("00A40904 04 3F00D003 00") == "6700", "no Le behind data in T=0"
    terminal.send("00A40904 04 3F00D003")
    terminal.send(MASTER_FILE)
    assert terminal.send("00C0000027") == "6985", "any other command drops what waited"


@pytest.mark.spec("VC-09")
def test_long_answers_come_in_chained_parts(igc: LookAlikeIgc) -> None:
    large = VirtualCps3([igc.professional(rsa_bits=3072)])
    terminal = Terminal(large.transmit)
    for command in (RIGHT_CODE, APPLICATION, AUTHENTICATION_KEY):
        terminal.send(command)
    digest_info = "3031300D060960864801650304020105000420" + "11" * 32
    assert terminal.send(f"0088000033{digest_info}") == "6100"
    first = terminal.send("00C00000E7")
    assert (len(first), first[-4:]) == (2 * 0xE7 + 4, "6199")
    assert terminal.send("00C0000099")[-4:] == "9000"


@pytest.mark.spec("VC-10")
def test_select_answers_as_the_real_trace_and_refuses_the_rest(terminal: Terminal) -> None:
    terminal.send("00A40904 04 3F00D003")
    assert terminal.send("00C0000027") == (
        "62258002000C82010183" "02D0038801E0" "A1128C077BFFFFFFFFFF00" "9C077BFFFFFFFFFF00" "8A0105" "9000"
    )  # fmt: skip
    assert terminal.send("00A40900 04 3F00D003") == "6A86"
    assert terminal.send("00A4080C 02 D003") == "6A86"
    assert terminal.send("00A4090C 04 3F00D0FF") == "6A82"
    assert terminal.send("00A4090C 02 D003") == "6A82", "the path begins at the master file"
    assert terminal.send("00A4040C 08 8025000001FF0100") == "9000"
    assert terminal.send("00A4040C 08 8025000001FF0002") == "6A82"
    assert terminal.send("01A4090C 04 3F000001") == "6E00"
    assert terminal.send("00440000") == "6D00"
    assert terminal.send("00A409") == "6700"


@pytest.mark.spec("VC-10")
def test_a_card_tells_whether_it_was_ever_updated(igc: LookAlikeIgc) -> None:
    certificate = igc.professional()
    never, once, corrupt = (
        Terminal(VirtualCps3([certificate], updated=updated).transmit) for updated in ("never", "once", "corrupt")
    )
    assert never.send("00A40904 04 3F00D010") == "6A82"
    assert once.read("3F00D010").hex().upper() == "EC12" + "810720260105093000" + "820720260105093000"
    assert corrupt.read("3F00D010").hex().upper() == "EC7F"


def test_professional_situations_are_for_who_gave_the_code(terminal: Terminal) -> None:
    assert terminal.send("00A4090C 06 3F000001D120") == "9000"
    assert terminal.send("00B0000010") == "6982"
    assert terminal.send(MASTER_FILE) == terminal.send(RIGHT_CODE) == "9000"
    assert len(terminal.read("3F000001D120")) == 16


def test_a_plan_may_replace_any_file(igc: LookAlikeIgc) -> None:
    nested = b"\x30\x80" * 40
    card = VirtualCps3([igc.professional()], faults=FaultPlan(files={bytes.fromhex("3F0000015031"): nested}))
    assert Terminal(card.transmit).read("3F0000015031") == nested
