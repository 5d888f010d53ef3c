"""Cancel, timeout, window closed, page gone: no code is sent, the card is reset, the next request works (BR-06, AC-074)."""

import socket

import pytest

from card_bridge.ports import WindowState
from sandbox.card.faults import FaultPlan, Step
from sandbox.card.virtual_card import ForeignCard
from tests.card_bridge.rig import PIN, Page, Workstation, card, message

VERIFY = 0x20


def works_again(workstation: Workstation) -> None:
    workstation.window.codes = [PIN]
    assert workstation.page.authenticate().status == 200


@pytest.mark.spec("BR-06")
def test_the_person_cancels(workstation: Workstation) -> None:
    inserted = workstation.insert(card())
    page = workstation.page.begins_to_authenticate()
    workstation.window.wait_for(WindowState.ASK_CODE)
    resets = workstation.reader.resets
    workstation.window.person.cancel()
    reply = page.result(10)
    assert (reply.status, reply.json) == (409, {"error": "user_cancelled", "retriable": True})
    assert inserted.record.count(VERIFY) == 0
    assert workstation.reader.resets == resets + 1
    assert not workstation.window.is_open
    works_again(workstation)


@pytest.mark.spec("BR-06")
def test_the_page_cancels(workstation: Workstation) -> None:
    inserted = workstation.insert(card())
    page = workstation.page.begins_to_authenticate()
    workstation.window.wait_for(WindowState.ASK_CODE)
    assert workstation.page.cancel().status == 200
    assert page.result(10).error == "user_cancelled"
    assert inserted.record.count(VERIFY) == 0
    assert workstation.reader.resets == 1
    works_again(workstation)


@pytest.mark.spec("BR-06")
def test_another_origin_cancels_nothing_and_learns_nothing() -> None:
    workstation = Workstation(allowed_origins=["https://auth.example.fr", "https://other.example.fr"])
    workstation.insert(card())
    other = Page(workstation.bridge.port, "https://other.example.fr")
    before = other.cancel()
    page = workstation.page.begins_to_authenticate()
    workstation.window.wait_for(WindowState.ASK_CODE)
    assert other.cancel() == Page(workstation.bridge.port, "https://other.example.fr").cancel() == before
    workstation.window.person.code(PIN)
    assert page.result(10).status == 200
    workstation.stop()


@pytest.mark.spec("BR-06")
@pytest.mark.parametrize("way", ["closed", "aborted", "half closed"])
def test_the_page_goes_away(workstation: Workstation, way: str) -> None:
    inserted = workstation.insert(card())
    caller = workstation.page.connect()
    caller.sendall(workstation.page.request("POST", "/v1/authenticate", message()))
    workstation.window.wait_for(WindowState.ASK_CODE)
    if way == "aborted":
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    if way == "half closed":
        caller.shutdown(socket.SHUT_WR)
    else:
        caller.close()
    workstation.window.wait_closed()
    # Too late: what is typed now goes nowhere.
    workstation.window.person.code(PIN)
    caller.close()
    works_again(workstation)
    assert inserted.record.count(VERIFY) == 1


@pytest.mark.spec("BR-06")
def test_time_is_over_at_120_seconds(workstation: Workstation) -> None:
    inserted = workstation.insert(card())
    page = workstation.page.begins_to_authenticate()
    workstation.window.wait_for(WindowState.ASK_CODE)
    workstation.clock.advance(119.9)
    assert workstation.window.is_open
    workstation.clock.advance(0.1)
    workstation.window.person.code(PIN)
    assert page.result(10).json == {"error": "user_timeout", "retriable": True}
    assert inserted.record.count(VERIFY) == 0
    assert workstation.reader.resets == 1
    works_again(workstation)


@pytest.mark.spec("BR-06")
def test_a_code_at_the_last_second_counts(workstation: Workstation) -> None:
    workstation.insert(card())
    page = workstation.page.begins_to_authenticate()
    workstation.window.wait_for(WindowState.ASK_CODE)
    workstation.clock.advance(119.9)
    workstation.window.person.code(PIN)
    assert page.result(10).status == 200


@pytest.mark.parametrize(
    ("state", "error"),
    [
        (WindowState.NO_CARD, "no_card"),
        (WindowState.NO_READER, "no_reader"),
        (WindowState.CARD_MUTE, "card_mute"),
        (WindowState.CARD_IN_USE, "card_in_use"),
    ],
)
def test_the_window_waits_and_says_at_the_end_what_was_missing(
    workstation: Workstation, state: WindowState, error: str
) -> None:
    if state is WindowState.NO_READER:
        workstation.readers.unplug("Lecteur A")
    if state is WindowState.CARD_MUTE:
        workstation.insert(card(faults=FaultPlan(mute=True)))
    if state is WindowState.CARD_IN_USE:
        workstation.reader.exclusive = True
        workstation.insert(card())
    page = workstation.page.begins_to_authenticate()
    workstation.window.wait_for(state)
    workstation.clock.advance(120)
    assert page.result(10).json == {"error": error, "retriable": True}


def test_a_card_of_another_kind_is_named_at_the_end_of_the_wait(workstation: Workstation) -> None:
    from sandbox.card.reader import VirtualReader

    workstation.readers.plug(VirtualReader("Lecteur B"))
    workstation.reader.insert(ForeignCard())
    page = workstation.page.begins_to_authenticate()
    workstation.window.wait_for(WindowState.CARD_UNSUPPORTED)
    workstation.clock.advance(120)
    assert page.result(10).json == {"error": "card_unsupported", "retriable": False}


@pytest.mark.spec("BR-06")
def test_a_cancellation_while_the_code_is_on_its_way_stops_before_the_card(workstation: Workstation) -> None:
    """Between the press of the button and VERIFY come a serial number and the tries; a page may give up there."""

    def give_up(seconds: float) -> None:
        workstation.window.person.cancel()

    inserted = card(faults=FaultPlan(slow={Step.TRIES: 1}, wait=lambda seconds: asked and give_up(seconds)))
    asked: list[bool] = []
    workstation.window.reactions[WindowState.SIGNING] = lambda _person: asked.append(True)
    workstation.insert(inserted)
    workstation.window.codes = [PIN]
    assert workstation.page.authenticate().error == "user_cancelled"
    assert inserted.record.count(VERIFY) == 0


def test_stopping_the_bridge_closes_the_window_and_frees_the_card(workstation: Workstation) -> None:
    inserted = workstation.insert(card())
    workstation.page.begins_to_authenticate().add_done_callback(lambda reply: reply.exception())
    workstation.window.wait_for(WindowState.ASK_CODE)
    workstation.stop()
    assert not workstation.window.is_open
    assert workstation.reader.resets == 1
    assert inserted.record.count(VERIFY) == 0
