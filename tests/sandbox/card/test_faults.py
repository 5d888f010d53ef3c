"""What may go wrong with a card happens where the plan says, and a reader in memory tells it as PC/SC does (VC-17 to VC-20)."""

import pytest

from sandbox.card.cps3 import VirtualCps3
from sandbox.card.faults import FaultPlan, Removed, ResetByAnother, Step, Swapped
from sandbox.card.igc_sante import LookAlikeIgc
from sandbox.card.reader import (
    NO_SMARTCARD,
    REMOVED_CARD,
    RESET_CARD,
    UNRESPONSIVE_CARD,
    VirtualReader,
    VirtualReaderFault,
)
from tests.sandbox.card.terminal import (
    APPLICATION,
    AUTHENTICATION_KEY,
    MASTER_FILE,
    RIGHT_CODE,
    TRIES,
    Terminal,
    internal_authenticate,
)

SIGNING = [
    MASTER_FILE,
    TRIES,
    "00C0000018",
    RIGHT_CODE,
    APPLICATION,
    AUTHENTICATION_KEY,
    internal_authenticate(b"text"),
    "00C00000E7",
    "00C0000019",
]


def _card(igc: LookAlikeIgc, faults: FaultPlan) -> VirtualCps3:
    return VirtualCps3([igc.professional()], faults=faults)


def _inserted(card: VirtualCps3) -> VirtualReader:
    reader = VirtualReader()
    reader.insert(card)
    return reader


def _answered(reader: VirtualReader) -> tuple[int, int]:
    """How many commands of a signature were answered, and with what PC/SC code it ended."""
    terminal = Terminal(reader.connect().transmit)
    for number, command in enumerate(SIGNING):
        try:
            terminal.send(command)
        except VirtualReaderFault as fault:
            return number, fault.pcsc_code
    return len(SIGNING), 0


@pytest.mark.spec("VC-17")
@pytest.mark.parametrize(
    ("step", "answered"),
    [
        (Step.CONNECT, 0),
        (Step.SELECT, 1),
        (Step.TRIES, 3),
        (Step.VERIFY, 4),
        (Step.KEY_CHOICE, 6),
        (Step.SIGN, 7),
        (Step.FIRST_CHUNK, 8),
    ],
)
def test_the_card_leaves_right_after_the_planned_step(igc: LookAlikeIgc, step: Step, answered: int) -> None:
    reader = _inserted(_card(igc, FaultPlan(after={step: Removed()})))
    assert _answered(reader) == (answered, REMOVED_CARD)
    assert (reader.card, reader.event_count) == (None, 2)


@pytest.mark.spec("VC-17")
def test_a_card_put_back_does_not_leave_again(igc: LookAlikeIgc) -> None:
    card = _card(igc, FaultPlan(after={Step.VERIFY: Removed()}))
    reader = _inserted(card)
    _answered(reader)
    assert not card.pin_verified
    reader.insert(card)
    assert _answered(reader) == (len(SIGNING), 0)


@pytest.mark.spec("VC-18")
def test_a_reset_between_code_and_signature_is_noticed_and_undoes_the_code(igc: LookAlikeIgc) -> None:
    card = _card(igc, FaultPlan(after={Step.VERIFY: ResetByAnother()}))
    reader = _inserted(card)
    assert _answered(reader) == (4, RESET_CARD)
    assert not card.pin_verified
    terminal = Terminal(reader.connect().transmit)
    assert [terminal.send(command) for command in (APPLICATION, AUTHENTICATION_KEY, SIGNING[6])][2] == "6982"


@pytest.mark.spec("VC-18")
def test_a_reset_seen_by_the_card_alone_answers_that_the_code_was_not_given(igc: LookAlikeIgc) -> None:
    card = _card(igc, FaultPlan(after={Step.KEY_CHOICE: ResetByAnother()}))
    terminal = Terminal(card.transmit)
    for command in (RIGHT_CODE, APPLICATION, AUTHENTICATION_KEY):
        terminal.send(command)
    assert terminal.send(SIGNING[6]) == "6985"
    terminal.send(APPLICATION)
    terminal.send(AUTHENTICATION_KEY)
    assert terminal.send(SIGNING[6]) == "6982"


@pytest.mark.spec("VC-19")
def test_another_card_takes_the_place_and_the_counter_tells(igc: LookAlikeIgc) -> None:
    other = VirtualCps3([igc.professional("99900000011", card_number="2900473136")], card_number="2900473136")
    reader = _inserted(_card(igc, FaultPlan(after={Step.TRIES: Swapped(other)})))
    before = reader.event_count
    assert _answered(reader) == (3, REMOVED_CARD)
    assert reader.card is other
    assert reader.event_count == before + 2
    assert other.record.exchanges == []
    assert _answered(reader) == (len(SIGNING), 0)


@pytest.mark.spec("VC-20")
def test_a_mute_card_is_there_and_gives_no_answer_to_reset(igc: LookAlikeIgc) -> None:
    reader = _inserted(_card(igc, FaultPlan(mute=True)))
    state = reader.state()
    assert (state.present, state.mute, state.atr) == (True, True, b"")
    with pytest.raises(VirtualReaderFault) as fault:
        reader.connect()
    assert fault.value.pcsc_code == UNRESPONSIVE_CARD


@pytest.mark.spec("VC-20")
def test_a_slow_card_takes_its_time_at_each_command_or_at_one(igc: LookAlikeIgc) -> None:
    waited: list[float] = []
    always = _card(igc, FaultPlan(every_answer_takes=3, wait=waited.append))
    Terminal(always.transmit).sign(b"text")
    assert waited == [3] * len(always.record.exchanges)
    waited.clear()
    once = _card(igc, FaultPlan(slow={Step.VERIFY: 3}, wait=waited.append))
    Terminal(once.transmit).sign(b"text")
    assert waited == [3]


@pytest.mark.spec("VC-20")
@pytest.mark.parametrize("garbage", ["6F00", "1234", "", "90"])
def test_a_card_may_say_the_same_nonsense_to_everything(igc: LookAlikeIgc, garbage: str) -> None:
    terminal = Terminal(_card(igc, FaultPlan(every_answer=bytes.fromhex(garbage))).transmit)
    assert [terminal.send(command) for command in SIGNING] == [garbage] * len(SIGNING)


@pytest.mark.spec("VC-20")
def test_a_card_may_lie_at_one_step(igc: LookAlikeIgc) -> None:
    card = _card(igc, FaultPlan(answers={Step.VERIFY: b"\x69\x84"}))
    terminal = Terminal(card.transmit)
    assert terminal.send(MASTER_FILE) == "9000"
    assert terminal.send(RIGHT_CODE) == "6984"
    assert not card.pin_verified
    assert terminal.send(APPLICATION) == "9000"


@pytest.mark.spec("VC-20")
def test_a_file_may_announce_more_than_it_has(igc: LookAlikeIgc) -> None:
    terminal = Terminal(_card(igc, FaultPlan(announced_length=0xFFFF)).transmit)
    assert terminal.ask("00A40904 06 3F000001B001")[4:6] == b"\xff\xff"
    assert terminal.send("00B07FFF01") == "6B00"


@pytest.mark.spec("VC-20")
@pytest.mark.parametrize("nonsense", [b"\x30\x80" * 120, b"\x30\x84\xff\xff\xff\xff", b"\xa8\x82\xff\xff\x30"])
def test_a_directory_may_be_nested_or_measured_beyond_reason(igc: LookAlikeIgc, nonsense: bytes) -> None:
    card = _card(igc, FaultPlan(files={bytes.fromhex("3F0000015031"): nonsense}))
    assert Terminal(card.transmit).read("3F0000015031") == nonsense


def test_an_empty_reader_has_no_card_to_connect_to() -> None:
    with pytest.raises(VirtualReaderFault) as fault:
        VirtualReader().connect()
    assert fault.value.pcsc_code == NO_SMARTCARD
