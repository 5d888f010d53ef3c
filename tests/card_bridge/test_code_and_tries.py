"""The code porteur: tries read first, four digits or nothing, one VERIFY per press (BR-04, BR-05, BRG-13)."""

import pytest

from card_bridge.ports import WindowState
from sandbox.card.faults import FaultPlan, Step
from tests.card_bridge.rig import PIN, Workstation, card

VERIFY = 0x20


@pytest.mark.spec("BR-04", "BRG-13")
@pytest.mark.parametrize("tries", [1, 2, 3])
def test_tries_are_read_before_the_code_is_asked(workstation: Workstation, tries: int) -> None:
    inserted = workstation.insert(card(tries=tries))
    page = workstation.page.begins_to_authenticate()
    assert workstation.window.wait_for(WindowState.ASK_CODE).tries_left == tries
    assert inserted.tries_left == tries
    assert inserted.record.count(VERIFY) == 0
    workstation.window.person.cancel()
    assert page.result(10).error == "user_cancelled"
    assert inserted.tries_left == tries


@pytest.mark.spec("BR-04", "BRG-13")
def test_the_last_try_needs_a_confirmation_first(workstation: Workstation) -> None:
    workstation.window.confirms = False
    inserted = workstation.insert(card(tries=1))
    page = workstation.page.begins_to_authenticate()
    assert workstation.window.wait_for(WindowState.CONFIRM_LAST_TRY).tries_left == 1
    # Too early: there is no field yet.
    workstation.window.person.code(PIN)
    assert WindowState.ASK_CODE not in workstation.window.states
    assert inserted.record.count(VERIFY) == 0
    workstation.window.person.confirm()
    workstation.window.wait_for(WindowState.ASK_CODE)
    assert inserted.record.count(VERIFY) == 0, "a code given before the field was shown does not count"
    workstation.window.person.code(PIN)
    assert page.result(10).status == 200
    assert inserted.tries_left == 3


@pytest.mark.spec("BR-04")
def test_the_last_try_is_confirmed_again_after_two_wrong_codes(workstation: Workstation) -> None:
    inserted = workstation.insert(card())
    workstation.window.codes = ["0000", "1111"]
    workstation.window.confirms = False
    page = workstation.page.begins_to_authenticate()
    view = workstation.window.wait_for(WindowState.CONFIRM_LAST_TRY)
    assert (view.tries_left, view.wrong_code) == (1, True)
    workstation.window.person.cancel()
    assert page.result(10).error == "pin_wrong"
    assert inserted.tries_left == 1


@pytest.mark.spec("BR-04")
@pytest.mark.parametrize("facts", [{"tries": 0}, {"uses_left": 0}])
def test_a_blocked_card_shows_no_field_and_receives_no_code(workstation: Workstation, facts: dict[str, int]) -> None:
    inserted = workstation.insert(card(**facts))
    workstation.window.codes = [PIN]
    reply = workstation.page.authenticate()
    assert reply.json == {"error": "pin_blocked", "retriable": False}
    assert workstation.window.states[-1] is WindowState.PIN_BLOCKED
    assert not {WindowState.ASK_CODE, WindowState.CONFIRM_LAST_TRY} & set(workstation.window.states)
    assert inserted.record.count(VERIFY) == 0


@pytest.mark.parametrize("last", ["63C0", "6983"])
def test_the_third_wrong_code_blocks(workstation: Workstation, last: str) -> None:
    inserted = workstation.insert(card(last_wrong_code=last))
    workstation.window.codes = ["0000", "1111", "2222", "3333"]
    assert workstation.page.authenticate().error == "pin_blocked"
    assert inserted.record.count(VERIFY) == 3
    assert workstation.window.codes == ["3333"]


@pytest.mark.spec("BR-05")
@pytest.mark.parametrize(
    "typed",
    ["", "1", "123", "12345", "12 34", "abcd", "１２３４", "²²²²", "12\x003", "\ud800123", "1" * 100_000, "-123"],
)
def test_what_is_not_four_digits_is_never_sent(workstation: Workstation, typed: str) -> None:
    inserted = workstation.insert(card())
    workstation.window.codes = [typed]
    page = workstation.page.begins_to_authenticate()
    view = workstation.window.wait_for(WindowState.ASK_CODE, 2)
    assert (view.malformed_code, view.tries_left) == (True, 3)
    assert inserted.record.count(VERIFY) == 0
    workstation.window.person.code(PIN)
    assert page.result(10).status == 200


@pytest.mark.spec("BR-05")
def test_a_wrong_code_is_sent_once_and_shown_with_the_new_count(workstation: Workstation) -> None:
    inserted = workstation.insert(card())
    workstation.window.codes = ["0000"]
    page = workstation.page.begins_to_authenticate()
    view = workstation.window.wait_for(WindowState.ASK_CODE, 2)
    assert (view.tries_left, view.wrong_code) == (2, True)
    assert inserted.record.count(VERIFY) == 1
    workstation.window.person.cancel()
    assert page.result(10).error == "pin_wrong"
    assert (inserted.record.count(VERIFY), inserted.tries_left) == (1, 2)


@pytest.mark.spec("BR-05")
def test_pressing_twice_sends_one_code(workstation: Workstation) -> None:
    inserted = workstation.insert(card())

    def press_twice(person) -> None:
        person.code("0000")
        person.code("0000")

    workstation.window.reactions[WindowState.ASK_CODE] = press_twice
    page = workstation.page.begins_to_authenticate()
    workstation.window.wait_for(WindowState.ASK_CODE, 2)
    workstation.window.person.cancel()
    page.result(10)
    assert inserted.record.count(VERIFY) == 1


@pytest.mark.spec("BR-05")
@pytest.mark.parametrize("status", ["6985", "6A86", "6E00", "6982", "6700", "6C04", "6F00", "6984"])
def test_no_status_word_makes_the_bridge_send_a_code_again(workstation: Workstation, status: str) -> None:
    inserted = workstation.insert(card(faults=FaultPlan(answers={Step.VERIFY: bytes.fromhex(status)})))
    workstation.window.codes = [PIN]
    assert workstation.page.authenticate().error == "card_unsupported"
    assert inserted.record.count(VERIFY) == 1


@pytest.mark.spec("BRG-13")
def test_tries_spent_elsewhere_while_the_code_was_typed_ask_again(workstation: Workstation) -> None:
    inserted = workstation.insert(card())
    page = workstation.page.begins_to_authenticate()
    workstation.window.confirms = False
    workstation.window.wait_for(WindowState.ASK_CODE)
    inserted.tries_left = 1
    workstation.window.person.code("0000")
    assert workstation.window.wait_for(WindowState.CONFIRM_LAST_TRY).tries_left == 1
    assert inserted.record.count(VERIFY) == 0
    workstation.window.person.cancel()
    assert page.result(10).error == "user_cancelled"
