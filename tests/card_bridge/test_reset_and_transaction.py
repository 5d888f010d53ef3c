"""After use the card forgets the code; the transaction lasts from VERIFY to the signature only (BR-07, BR-08, BRG-12)."""

import threading

import pytest

from card_bridge.ports import WindowState
from sandbox.card.faults import FaultPlan, ResetByAnother, Step
from sandbox.card.reader import VirtualConnection, VirtualReaderFault
from tests.card_bridge.rig import PIN, SOON, Workstation, card

CHOOSE_KEY = bytes.fromhex("002241A406800102840182")
SIGN = bytes.fromhex("0088000033") + bytes.fromhex("3031300D060960864801650304020105000420") + bytes(32)
SELECT = bytes.fromhex("00A4090C043F000001")


def another_program_signs(workstation: Workstation) -> str:
    connection = workstation.readers.connect("Lecteur A")
    for command in (SELECT, CHOOSE_KEY):
        assert connection.transmit(command) == b"\x90\x00"
    answer = connection.transmit(SIGN)
    connection.close(reset=False)
    return answer[-2:].hex().upper()


@pytest.mark.spec("BR-07", "BRG-12")
@pytest.mark.parametrize(
    ("codes", "plan"),
    [
        ([PIN], FaultPlan()),
        (["0000"], FaultPlan()),
        ([PIN], FaultPlan(answers={Step.KEY_CHOICE: b"\x6f\x00"})),
        ([PIN], FaultPlan(answers={Step.SIGN: b"\x6f\x00"})),
    ],
    ids=["success", "wrong code", "key refused", "signature refused"],
)
def test_a_second_handle_is_refused_the_key_afterwards(
    workstation: Workstation, codes: list[str], plan: FaultPlan
) -> None:
    inserted = workstation.insert(card(faults=plan))
    workstation.window.codes = list(codes)
    page = workstation.page.begins_to_authenticate()
    if codes != [PIN]:
        workstation.window.wait_for(WindowState.ASK_CODE, 2)
        assert not inserted.pin_verified
        workstation.window.person.cancel()
    page.result(SOON)
    assert inserted.record.count(0x20) == 1
    assert not inserted.pin_verified
    if plan == FaultPlan():
        assert another_program_signs(workstation) == "6982"


@pytest.mark.spec("BR-07", "BRG-12")
def test_the_transaction_itself_ends_with_the_reset(workstation: Workstation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the disconnection after it: between the two, whoever waited would find the code given."""
    ends: list[tuple[bool, bool]] = []
    end = VirtualConnection.end

    def note(connection: VirtualConnection, *, reset: bool) -> None:
        ends.append((inserted.pin_verified, reset))
        end(connection, reset=reset)

    monkeypatch.setattr(VirtualConnection, "end", note)
    inserted = workstation.insert(card())
    workstation.window.codes = ["0000", PIN]
    assert workstation.page.authenticate().status == 200
    assert ends == [(False, True), (True, True)]


@pytest.mark.spec("BR-08", "BRG-12")
def test_the_code_is_asked_outside_any_transaction(workstation: Workstation) -> None:
    workstation.insert(card())
    page = workstation.page.begins_to_authenticate()
    workstation.window.wait_for(WindowState.ASK_CODE)
    assert workstation.reader.holder is None
    # Another program works meanwhile, and leaves the card reset.
    connection = workstation.readers.connect("Lecteur A")
    connection.begin()
    assert connection.transmit(SELECT) == b"\x90\x00"
    connection.end(reset=True)
    connection.close(reset=False)
    workstation.window.person.code(PIN)
    assert page.result(SOON).status == 200
    assert workstation.reader.holder is None


@pytest.mark.spec("BR-08", "BRG-12")
def test_another_program_waits_from_the_code_to_the_signature_and_then_works(workstation: Workstation) -> None:
    seen: list[str] = []

    def second_handle() -> None:
        try:
            connection.begin()
        except VirtualReaderFault as fault:
            # The reset at the end of our transaction: it must connect again.
            seen.append(f"{fault.pcsc_code:08X}")
            seen.append(another_program_signs(workstation))

    def interfere(_seconds: float) -> None:
        if not other.ident:
            assert inserted.pin_verified
            assert workstation.reader.holder is not None
            other.start()
            other.join(0.05)
            assert not seen, "it waits"

    other = threading.Thread(target=second_handle, daemon=True)
    inserted = workstation.insert(card(faults=FaultPlan(slow={Step.KEY_CHOICE: 1}, wait=interfere)))
    connection = workstation.readers.connect("Lecteur A")
    workstation.window.codes = [PIN]
    assert workstation.page.authenticate().status == 200
    other.join(SOON)
    assert seen == ["80100068", "6982"]


@pytest.mark.spec("BR-06", "BR-08")
def test_a_cancellation_while_another_program_holds_the_card_keeps_the_code_back(workstation: Workstation) -> None:
    inserted = workstation.insert(card())
    connection = workstation.readers.connect("Lecteur A")
    page = workstation.page.begins_to_authenticate()
    workstation.window.wait_for(WindowState.ASK_CODE)
    connection.begin()
    workstation.window.person.code(PIN)
    workstation.window.wait_for(WindowState.SIGNING)
    workstation.window.person.cancel()
    connection.end(reset=False)
    assert page.result(SOON).error == "user_cancelled"
    assert inserted.record.count(0x20) == 0


@pytest.mark.spec("BRG-12")
def test_a_code_forgotten_between_verify_and_signature_is_asked_once_more(workstation: Workstation) -> None:
    inserted = workstation.insert(card(faults=FaultPlan(after={Step.VERIFY: ResetByAnother()})))
    workstation.window.codes = [PIN]
    page = workstation.page.begins_to_authenticate()
    assert workstation.window.wait_for(WindowState.ASK_CODE, 2).interrupted
    assert inserted.record.count(0x20) == 1
    workstation.window.person.code(PIN)
    assert page.result(SOON).status == 200


def test_a_card_disturbed_twice_is_given_up(workstation: Workstation) -> None:
    inserted = workstation.insert(card(faults=FaultPlan(answers={Step.SIGN: b"\x69\x82"})))
    workstation.window.codes = [PIN, PIN, PIN]
    assert workstation.page.authenticate().json == {"error": "card_interrupted", "retriable": True}
    assert inserted.record.count(0x20) == 2
    assert workstation.window.states[-1] is WindowState.CARD_INTERRUPTED
