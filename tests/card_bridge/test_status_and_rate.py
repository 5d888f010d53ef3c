"""What status tells, one dialog at a time, three a minute (BR-13, BRG-13, BRG-16)."""

from concurrent.futures import as_completed
from itertools import islice

import pytest

from card_bridge.ports import WindowState
from tests.card_bridge.rig import PIN, SOON, Page, Workstation, card

OTHER = "https://other.example.fr"


@pytest.mark.spec("BR-13", "BRG-16")
def test_status_says_the_same_with_and_without_a_card_and_during_a_dialog(workstation: Workstation) -> None:
    without = workstation.page.status()
    assert without.json == {"protocol": "cps-bridge:1", "version": "0.1.0", "reader": True}
    workstation.insert(card())
    assert workstation.page.status() == without
    page = workstation.page.begins_to_authenticate()
    workstation.window.wait_for(WindowState.ASK_CODE)
    assert workstation.page.status() == without
    workstation.window.person.code(PIN)
    page.result(SOON)
    assert workstation.page.status() == without


@pytest.mark.spec("BRG-16")
def test_an_origin_that_used_no_card_learns_of_no_removal() -> None:
    workstation = Workstation(allowed_origins=["https://auth.example.fr", OTHER])
    workstation.insert(card())
    workstation.window.codes = [PIN]
    workstation.page.authenticate()
    workstation.reader.remove()
    assert workstation.page.status("?wait=1&since=0").json["removals"] == 1
    assert Page(workstation.bridge.port, OTHER).status("?wait=0&since=0").json["removals"] == 0
    workstation.stop()


@pytest.mark.parametrize("query", ["?", "?wait=1", "?since=0", "?wait=26&since=0", "?wait=-1&since=0", "?wait=1&since=0&x=1",
                                   "?wait=01&since=0", "?wait=1&since=1e9", "?since=0&wait=1", "?card=1"])  # fmt: skip
def test_a_query_of_another_shape_is_refused(workstation: Workstation, query: str) -> None:
    reply = workstation.page.status(query)
    assert reply.status == (200 if query == "?" else 400)


@pytest.mark.spec("BR-13")
def test_a_second_request_finds_the_bridge_busy(workstation: Workstation) -> None:
    workstation.insert(card())
    page = workstation.page.begins_to_authenticate()
    workstation.window.wait_for(WindowState.ASK_CODE)
    reply = workstation.page.authenticate()
    assert (reply.status, reply.json) == (409, {"error": "busy", "retriable": True})
    workstation.window.person.code(PIN)
    assert page.result(SOON).status == 200
    assert len(workstation.window.opened) == 1


@pytest.mark.spec("BR-13", "BRG-17")
def test_twenty_requests_at_once_open_one_window(workstation: Workstation) -> None:
    workstation.insert(card())
    pages = [workstation.page.begins_to_authenticate() for _ in range(20)]
    workstation.window.wait_for(WindowState.ASK_CODE)
    refused = list(islice(as_completed(pages, SOON), 19))
    assert [page.result().error for page in refused] == ["busy"] * 19
    workstation.window.person.code(PIN)
    assert sum(page.result(SOON).status == 200 for page in pages) == 1


@pytest.mark.spec("BR-13", "BRG-13")
def test_the_fourth_window_of_a_minute_does_not_open() -> None:
    workstation = Workstation(allowed_origins=["https://auth.example.fr", OTHER])
    workstation.insert(card())
    pages = [workstation.page, Page(workstation.bridge.port, OTHER)]
    for number in range(3):
        workstation.window.codes = [PIN]
        assert pages[number % 2].authenticate().status == 200
        workstation.clock.advance(10)
    workstation.clock.advance(29.9)
    for page in pages:
        assert (page.authenticate().status, page.authenticate().error) == (429, "rate_limited")
    assert len(workstation.window.opened) == 3
    workstation.clock.advance(0.1)
    workstation.window.codes = [PIN]
    assert pages[0].authenticate().status == 200
    assert pages[0].authenticate().error == "rate_limited"
    workstation.stop()


def test_a_refused_message_is_no_window_and_counts_for_none(workstation: Workstation) -> None:
    workstation.insert(card())
    for _ in range(5):
        assert workstation.page.authenticate(nonce="short").error == "invalid_request"
    workstation.window.codes = [PIN]
    assert workstation.page.authenticate().status == 200


@pytest.mark.spec("BRG-13")
def test_pages_that_leave_at_once_still_count(workstation: Workstation) -> None:
    for times in (1, 2, 3):
        page = workstation.page.begins_to_authenticate()
        workstation.window.wait_for(WindowState.NO_CARD, times)
        workstation.page.cancel()
        page.result(SOON)
    assert workstation.page.authenticate().error == "rate_limited"


def test_a_clock_set_back_does_not_lock_the_bridge(workstation: Workstation) -> None:
    workstation.insert(card())
    workstation.window.codes = [PIN] * 4
    for _ in range(3):
        workstation.page.authenticate()
    workstation.clock.advance(-86_400)
    assert workstation.page.authenticate().status == 200
