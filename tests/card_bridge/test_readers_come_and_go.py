"""The bridge outlives the PC/SC service, unplugged readers and readers that are not there yet (BR-14)."""

import threading

import pytest

from card_bridge.ports import WindowState
from card_bridge.reader_monitor import ReaderMonitor
from sandbox.card.reader import VirtualReader, VirtualReaders
from tests.card_bridge.rig import PIN, SOON, Workstation, card


@pytest.mark.spec("BR-14")
def test_ten_stops_of_the_service_and_ten_removals_are_survived(workstation: Workstation) -> None:
    workstation.insert(card())
    page = workstation.page.begins_to_authenticate()
    for times in range(1, 11):
        workstation.window.wait_for(WindowState.ASK_CODE, times)
        workstation.readers.stopped = True
        workstation.window.wait_for(WindowState.SERVICE_STOPPED, times)
        workstation.readers.stopped = False
    workstation.window.wait_for(WindowState.ASK_CODE, 11)
    workstation.window.person.code(PIN)
    assert page.result(SOON).status == 200
    for _ in range(10):
        workstation.reader.remove()
        workstation.insert(card())
    workstation.clock.advance(60)
    workstation.window.codes = [PIN]
    assert workstation.page.authenticate().status == 200
    assert "card-bridge-readers" in workstation.threads()


@pytest.mark.spec("BR-14")
def test_a_service_that_stays_away_is_told_after_ten_seconds(workstation: Workstation) -> None:
    workstation.readers.stopped = True
    page = workstation.page.begins_to_authenticate()
    workstation.window.wait_for(WindowState.SERVICE_STOPPED)
    workstation.clock.advance(10)
    reply = page.result(SOON)
    assert (reply.status, reply.json) == (503, {"error": "service_unavailable", "retriable": True})


@pytest.mark.spec("BR-14")
def test_no_reader_at_start_then_one_with_a_card() -> None:
    workstation = Workstation([])
    assert workstation.page.status().json["reader"] is False
    page = workstation.page.begins_to_authenticate()
    workstation.window.wait_for(WindowState.NO_READER)
    workstation.readers.plug(workstation.reader)
    workstation.window.wait_for(WindowState.NO_CARD)
    workstation.window.codes = [PIN]
    workstation.insert(card())
    assert page.result(SOON).status == 200
    assert workstation.page.status().json["reader"] is True
    workstation.stop()


@pytest.mark.spec("BR-14")
def test_a_reader_unplugged_and_plugged_again(workstation: Workstation) -> None:
    workstation.insert(card())
    page = workstation.page.begins_to_authenticate()
    workstation.window.wait_for(WindowState.ASK_CODE)
    workstation.readers.unplug("Lecteur A")
    assert page.result(SOON).error == "card_removed"
    workstation.readers.plug(workstation.reader)
    workstation.insert(card())
    workstation.window.codes = [PIN]
    assert workstation.page.authenticate().status == 200


@pytest.mark.spec("BR-14")
def test_the_monitor_outlives_whatever_a_driver_throws() -> None:
    class Moody(VirtualReaders):
        mood: BaseException | None = None

        def names(self):  # type: ignore[no-untyped-def]
            if self.mood is not None:
                raise self.mood
            return super().names()

        def wait(self, seconds: float) -> None:
            super().wait(seconds)
            if self.mood is not None:
                raise self.mood

    readers, seen, changed = Moody([VirtualReader()]), [], threading.Event()
    monitor = ReaderMonitor(readers)
    monitor.listen(lambda picture: (seen.append(picture.service), changed.set()))
    monitor.start()
    assert monitor.picture.service
    for mood in (OSError(), ValueError("driver"), UnicodeError(), ArithmeticError()):
        for readers.mood, service in ((mood, False), (None, True)):
            changed.clear()
            readers._notice()
            assert changed.wait(SOON)
            assert seen[-1] is service
    assert monitor.picture.generation == 4
    assert monitor._thread.is_alive()
    monitor.stop()
    assert not monitor._thread.is_alive()
