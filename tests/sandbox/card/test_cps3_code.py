"""The code porteur of a CPS3: three tries, counted by the card, told without spending one (checklist VC-08, VC-11, VC-12)."""

import pytest

from sandbox.card.cps3 import VirtualCps3
from sandbox.card.igc_sante import LookAlikeIgc
from tests.sandbox.card.terminal import (
    APPLICATION,
    EMPTY_VERIFY,
    MASTER_FILE,
    RIGHT_CODE,
    TRIES,
    WRONG_CODE,
    Terminal,
)


@pytest.mark.spec("VC-11")
def test_the_tries_left_are_told_from_the_master_file_and_none_is_spent(card: VirtualCps3, terminal: Terminal) -> None:
    assert terminal.send(MASTER_FILE) == "9000"
    for _ in range(5):
        assert terminal.ask(TRIES).hex().upper() == "7016BF810112A0109A01039B0103A1088C06F3000013FF00"
    terminal.send(WRONG_CODE)
    assert terminal.ask(TRIES).hex().upper() == "7016BF810112A0109A01039B0102A1088C06F3000013FF00"
    assert terminal.send(EMPTY_VERIFY) == "63C2"
    assert card.tries_left == 2
    terminal.send(APPLICATION)
    assert terminal.send(TRIES) == "6A88"


@pytest.mark.spec("VC-11")
def test_the_policy_of_the_code_is_not_told(terminal: Terminal) -> None:
    assert terminal.send("00CB3FFF 0B 4D09 7007 BF8101 03 7F4180") == "6A88"


def test_a_limit_of_uses_is_told_and_blocks(igc: LookAlikeIgc) -> None:
    worn = Terminal(VirtualCps3([igc.professional()], uses_left=0).transmit)
    assert b"\x9d\x01\x00" in worn.ask(TRIES)
    assert worn.send(RIGHT_CODE) == "6983"


@pytest.mark.spec("VC-12")
def test_the_right_code_restores_the_three_tries(card: VirtualCps3, terminal: Terminal) -> None:
    assert [terminal.send(WRONG_CODE), terminal.send(WRONG_CODE)] == ["63C2", "63C1"]
    assert terminal.send(RIGHT_CODE) == "9000"
    assert card.tries_left == 3
    assert terminal.send(EMPTY_VERIFY) == "9000", "verified"
    assert terminal.send(WRONG_CODE) == "63C2"
    assert terminal.send(EMPTY_VERIFY) == "63C2", "a wrong code withdraws what a right one gave"


@pytest.mark.spec("VC-12")
@pytest.mark.parametrize("last", ["63C0", "6983"])
def test_three_wrong_codes_block_the_card_for_good(igc: LookAlikeIgc, last: str) -> None:
    card = VirtualCps3([igc.professional()], last_wrong_code=last)  # type: ignore[arg-type]
    terminal = Terminal(card.transmit)
    assert [terminal.send(WRONG_CODE) for _ in range(3)] == ["63C2", "63C1", last]
    assert terminal.send(RIGHT_CODE) == terminal.send(EMPTY_VERIFY) == "6983"
    card.reset()
    assert terminal.send(RIGHT_CODE) == "6983"
    assert b"\x9b\x01\x00" in terminal.ask(TRIES)


@pytest.mark.spec("VC-12")
@pytest.mark.parametrize("code", ["313233", "3132333435", "31323334FFFFFFFF"])
def test_a_code_of_another_length_costs_no_try(card: VirtualCps3, terminal: Terminal, code: str) -> None:
    assert terminal.send(f"00200001 {len(code) // 2:02X} {code}") == "6700"
    assert card.tries_left == 3


@pytest.mark.spec("VC-12")
def test_only_reference_one_in_the_master_file_is_a_code(terminal: Terminal) -> None:
    assert terminal.send("00200002 04 31323334") == "6A88"
    assert terminal.send("00200101 04 31323334") == "6A86"
    terminal.send(APPLICATION)
    assert terminal.send(RIGHT_CODE) == "6A88"


@pytest.mark.spec("VC-08")
def test_the_code_is_nowhere_in_the_record(card: VirtualCps3, terminal: Terminal, igc: LookAlikeIgc) -> None:
    terminal.sign(b"anything")
    terminal.send(MASTER_FILE)
    terminal.send("00200001 04 39383736")
    terminal.send("00200001 03 313233")
    said = f"{card.record!r} {card!r} {card.record.commands()} {card.misuse}"
    for code in ("1234", "31323334", "9876", "39383736", "313233", "123'"):
        assert code not in said.upper()
    assert "00200001042A2A2A2A" in card.record.commands()
    assert len(card.record.exchanges) == card.record.count(0x20) + len(
        [command for command in card.record.commands() if not command.startswith("0020")]
    )
