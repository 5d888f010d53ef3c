"""The readers' adapter over the real service: what comes, what goes, what restarts, what others do (cps-card.md §5.3, §5.4)."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from card_bridge.ports import CardInterrupted, CardInUse, CardRemoved, NoCard, NoReader, ServiceStopped
from card_bridge.reader_faults import MeaningfulReaders
from card_bridge.reader_monitor import Picture, ReaderMonitor
from sandbox.card.faults import FaultPlan, Removed, Step
from tests.card_bridge.rig import PIN, card
from tests.virtual_readers import READERS, VirtualPcscd

FIRST, SECOND = READERS
SOON = 30.0
CONTACT_APPLICATION = bytes.fromhex("00A4090C 04 3F000001")
MASTER_FILE = bytes.fromhex("00A4090C 02 3F00")
CHOOSE_KEY = bytes.fromhex("002241A4 06 80 01 02 84 01 82")
GIVE_CODE = bytes.fromhex("00200001 04") + PIN.encode()
DIGEST_INFO = bytes.fromhex("3031300D060960864801650304020105000420") + bytes(32)
SIGN = bytes.fromhex("00880000 33") + DIGEST_INFO


def until(seen: Callable[[], Any], readers: Any) -> Any:
    """What `seen` says once it says something; woken by the adapter's own wait."""
    end = time.monotonic() + SOON
    while time.monotonic() < end:
        try:
            if found := seen():
                return found
        except (NoReader, ServiceStopped):
            pass
        readers.wait(0.5)
    raise AssertionError(f"never seen; {[(n, readers.state(n)) for n in readers.names()]}")


@pytest.fixture
def known(readers: Any) -> MeaningfulReaders:
    return MeaningfulReaders(readers)


def give_code(connection: Any) -> None:
    assert connection.transmit(MASTER_FILE) == b"\x90\x00"
    assert connection.transmit(GIVE_CODE) == b"\x90\x00"
    assert connection.transmit(CONTACT_APPLICATION) == b"\x90\x00"
    assert connection.transmit(CHOOSE_KEY) == b"\x90\x00"


def signature_status(connection: Any) -> int:
    connection.transmit(CONTACT_APPLICATION)
    connection.transmit(CHOOSE_KEY)
    return int.from_bytes(connection.transmit(SIGN)[-2:], "big")


def test_it_names_the_readers_and_says_that_they_are_empty(known: MeaningfulReaders) -> None:
    assert tuple(known.names()) == READERS
    state = known.state(FIRST)
    assert (state.present, state.mute, state.atr) == (False, False, b"")


@pytest.mark.spec("BR-14")
def test_ten_insertions_and_removals_are_all_seen(pc_sc: VirtualPcscd, known: MeaningfulReaders) -> None:
    inserted = card()
    counts = []
    for _ in range(10):
        pc_sc.insert(inserted)
        until(lambda: known.state(FIRST).present, known)
        assert known.state(FIRST).atr == inserted.atr
        counts.append(known.state(FIRST).event_count)
        pc_sc.remove()
        until(lambda: not known.state(FIRST).present, known)
    assert len(set(counts)) == 10


@pytest.mark.spec("BR-15")
def test_a_card_swapped_between_two_looks_changes_the_count(pc_sc: VirtualPcscd, known: MeaningfulReaders) -> None:
    pc_sc.insert(card())
    until(lambda: known.state(FIRST).present, known)
    before = known.state(FIRST).event_count
    assert known.state(FIRST).event_count == before
    pc_sc.remove()
    until(lambda: not known.state(FIRST).present, known)
    pc_sc.insert(card())
    until(lambda: known.state(FIRST).present, known)
    assert known.state(FIRST).event_count != before


@pytest.mark.spec("BR-14")
def test_ten_restarts_of_the_service_are_survived_by_the_same_loop(pc_sc: VirtualPcscd, readers: Any) -> None:
    pictures: list[Picture] = []
    changed = threading.Condition()

    def listener(picture: Picture) -> None:
        with changed:
            pictures.append(picture)
            changed.notify_all()

    def seen(condition: Callable[[Picture], bool]) -> None:
        with changed:
            assert changed.wait_for(lambda: condition(monitor.picture), SOON), monitor.picture

    monitor = ReaderMonitor(readers)
    pc_sc.insert(card())
    monitor.start()
    monitor.listen(listener)
    try:
        seen(lambda picture: FIRST in picture.readers and picture.readers[FIRST].present)
        counts = {monitor.picture.readers[FIRST].event_count}
        for restart in range(1, 11):
            pc_sc.stop()
            seen(lambda picture: not picture.service)
            pc_sc.start()
            seen(lambda picture: FIRST in picture.readers and picture.readers[FIRST].present)
            counts.add(monitor.picture.readers[FIRST].event_count)
            assert len(counts) == restart + 1, "a restart could hide a swap"
    finally:
        monitor.stop()


@pytest.mark.spec("BR-14")
def test_a_restart_too_short_to_be_seen_still_changes_the_count(pc_sc: VirtualPcscd, known: MeaningfulReaders) -> None:
    pc_sc.insert(card())
    until(lambda: known.state(FIRST).present, known)
    before = known.state(FIRST).event_count
    pc_sc.stop()
    pc_sc.start()
    until(lambda: known.state(FIRST).present, known)
    assert known.state(FIRST).event_count != before


@pytest.mark.spec("BR-14")
def test_a_stopped_service_is_told_and_waiting_for_it_does_not_spin(
    pc_sc: VirtualPcscd, known: MeaningfulReaders
) -> None:
    pc_sc.stop()
    for question in (known.names, lambda: known.state(FIRST), lambda: known.connect(FIRST)):
        with pytest.raises(ServiceStopped):
            question()
    known.wait(1.0)  # the loss itself is a change, told once
    used, begun = time.process_time(), time.monotonic()
    known.wait(0.7)
    assert time.monotonic() - begun >= 0.6
    assert time.process_time() - used < 0.2


def test_a_service_that_comes_back_ends_the_wait(pc_sc: VirtualPcscd, known: MeaningfulReaders) -> None:
    pc_sc.stop()
    known.wait(0.1)
    known.wait(0.1)
    with ThreadPoolExecutor(1) as other:
        back = other.submit(pc_sc.start)
        begun = time.monotonic()
        until(lambda: tuple(known.names()) == READERS, known)
        back.result()
    assert time.monotonic() - begun < SOON


def test_waiting_on_quiet_readers_lasts_as_long_as_asked(known: MeaningfulReaders) -> None:
    def lasted() -> float:
        begun = time.monotonic()
        known.wait(0.8)
        return time.monotonic() - begun

    assert 0.8 <= max(lasted() for _ in range(5)) < 3  # the first ones may still tell of what happened before


def test_a_connection_has_the_exact_answer_to_reset_and_sends_commands_as_they_are(
    pc_sc: VirtualPcscd, known: MeaningfulReaders
) -> None:
    inserted = card()
    pc_sc.insert(inserted)
    until(lambda: known.state(FIRST).present, known)
    connection = known.connect(FIRST)
    try:
        assert connection.atr == inserted.atr
        assert connection.transmit(bytes.fromhex("00A40904 04 3F00D003"))[0] == 0x61
    finally:
        connection.close(reset=True)


def test_an_empty_reader_and_an_unknown_one_are_told_apart(known: MeaningfulReaders) -> None:
    with pytest.raises(NoCard):
        known.connect(FIRST)
    with pytest.raises(NoReader):
        known.connect("Reader that is not there")


@pytest.mark.spec("BR-15")
def test_a_card_pulled_out_under_a_connection_is_removed(pc_sc: VirtualPcscd, known: MeaningfulReaders) -> None:
    pc_sc.insert(card())
    until(lambda: known.state(FIRST).present, known)
    before = known.state(FIRST).event_count
    connection = known.connect(FIRST)
    pc_sc.remove()
    with pytest.raises(CardRemoved):
        connection.transmit(MASTER_FILE)
    until(lambda: known.state(FIRST).event_count != before, known)
    connection.close(reset=True)


@pytest.mark.spec("BR-15")
def test_a_card_that_leaves_under_a_command_is_removed_though_the_service_answers_with_nothing(
    pc_sc: VirtualPcscd, known: MeaningfulReaders
) -> None:
    pc_sc.insert(card(faults=FaultPlan(after={Step.CONNECT: Removed()})))
    until(lambda: known.state(FIRST).present, known)
    connection = known.connect(FIRST)
    with pytest.raises(CardRemoved):
        connection.transmit(CONTACT_APPLICATION)
    connection.close(reset=True)


@pytest.mark.spec("BR-08")
def test_a_card_that_another_program_keeps_for_itself_is_in_use(pc_sc: VirtualPcscd, known: MeaningfulReaders) -> None:
    from smartcard import scard

    pc_sc.insert(card())
    until(lambda: known.state(FIRST).present, known)
    _, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    _, other, _ = scard.SCardConnect(context, FIRST, scard.SCARD_SHARE_EXCLUSIVE, scard.SCARD_PROTOCOL_T0)
    with pytest.raises(CardInUse):
        known.connect(FIRST)
    scard.SCardDisconnect(other, scard.SCARD_LEAVE_CARD)
    scard.SCardReleaseContext(context)
    known.connect(FIRST).close(reset=False)


@pytest.mark.spec("BR-07", "BRG-12", "AC-073")
def test_after_use_another_program_finds_the_code_forgotten(pc_sc: VirtualPcscd, known: MeaningfulReaders) -> None:
    pc_sc.insert(card())
    until(lambda: known.state(FIRST).present, known)
    mine = known.connect(FIRST)
    mine.begin()
    give_code(mine)
    mine.end(reset=True)
    other = known.connect(FIRST)
    assert signature_status(other) == 0x6982
    other.close(reset=False)
    mine.close(reset=False)


@pytest.mark.spec("BR-07")
def test_closing_with_a_reset_forgets_the_code_and_leaving_does_not(
    pc_sc: VirtualPcscd, known: MeaningfulReaders
) -> None:
    pc_sc.insert(card())
    until(lambda: known.state(FIRST).present, known)
    witness = known.connect(FIRST)
    first = known.connect(FIRST)
    give_code(first)
    first.close(reset=False)
    assert signature_status(witness) >> 8 == 0x61
    second = known.connect(FIRST)
    second.close(reset=True)
    with pytest.raises(CardInterrupted):
        signature_status(witness)
    witness.close(reset=False)
    third = known.connect(FIRST)
    assert signature_status(third) == 0x6982
    third.close(reset=False)


@pytest.mark.spec("BR-08")
def test_another_program_waits_for_the_transaction_then_works(pc_sc: VirtualPcscd, known: MeaningfulReaders) -> None:
    pc_sc.insert(card())
    until(lambda: known.state(FIRST).present, known)
    mine, other = known.connect(FIRST), known.connect(FIRST)
    mine.begin()
    give_code(mine)
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(other.begin)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.5)
        mine.end(reset=True)
        with pytest.raises(CardInterrupted):
            waiting.result(timeout=SOON)
    other.close(reset=False)
    again = known.connect(FIRST)
    again.begin()
    assert signature_status(again) == 0x6982
    again.end(reset=False)
    again.close(reset=False)
    mine.close(reset=False)


def test_two_readers_do_not_disturb_each_other(pc_sc: VirtualPcscd, known: MeaningfulReaders) -> None:
    pc_sc.insert(card(), 0)
    pc_sc.insert(card(card_number="2900473136"), 1)
    until(lambda: known.state(FIRST).present and known.state(SECOND).present, known)
    mine, other = known.connect(FIRST), known.connect(SECOND)
    give_code(mine)
    assert signature_status(other) == 0x6982
    assert signature_status(mine) >> 8 == 0x61
    mine.close(reset=True)
    other.close(reset=True)
