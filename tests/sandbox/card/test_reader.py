"""A reader in memory behaves as PC/SC: shared cards, transactions that make others wait, resets that others notice (§5.4)."""

import threading

import pytest

from sandbox.card.cps3 import VirtualCps3
from sandbox.card.igc_sante import LookAlikeIgc
from sandbox.card.reader import (
    NO_SERVICE,
    NOT_TRANSACTED,
    REMOVED_CARD,
    RESET_CARD,
    SHARING_VIOLATION,
    UNKNOWN_READER,
    VirtualReader,
    VirtualReaderFault,
    VirtualReaders,
)
from sandbox.card.virtual_card import VirtualCard
from tests.sandbox.card.terminal import APPLICATION, AUTHENTICATION_KEY, RIGHT_CODE, Terminal, internal_authenticate


@pytest.fixture
def reader(card: VirtualCps3) -> VirtualReader:
    reader = VirtualReader("Lecteur A")
    reader.insert(card)
    return reader


def _code_of(raised: pytest.ExceptionInfo[VirtualReaderFault]) -> int:
    return raised.value.pcsc_code


@pytest.mark.spec("VC-01")
def test_ten_cycles_are_counted(card: VirtualCps3) -> None:
    reader = VirtualReader()
    for cycle in range(10):
        reader.insert(card)
        assert (reader.event_count, reader.state().present, reader.state().atr) == (2 * cycle + 1, True, card.atr)
        reader.remove()
        assert (reader.event_count, reader.state().present, reader.state().atr) == (2 * cycle + 2, False, b"")
    reader.remove()
    assert reader.event_count == 20, "nothing left to remove"


@pytest.mark.spec("VC-03")
def test_a_card_taken_out_forgets_its_code(reader: VirtualReader, card: VirtualCps3) -> None:
    Terminal(reader.connect().transmit).send(RIGHT_CODE)
    assert card.pin_verified
    reader.remove()
    assert not card.pin_verified


def test_the_code_serves_every_connection_until_a_reset(reader: VirtualReader) -> None:
    one, other = reader.connect(), reader.connect()
    one.begin()
    assert Terminal(one.transmit).send(RIGHT_CODE) == "9000"
    one.end(reset=False)
    shared = Terminal(other.transmit)
    shared.send(APPLICATION)
    shared.send(AUTHENTICATION_KEY)
    assert shared.send(internal_authenticate(b"text")) == "6100"
    one.begin()
    one.end(reset=True)
    with pytest.raises(VirtualReaderFault) as raised:
        shared.send(APPLICATION)
    assert _code_of(raised) == RESET_CARD
    again = Terminal(reader.connect().transmit)
    again.send(APPLICATION)
    again.send(AUTHENTICATION_KEY)
    assert again.send(internal_authenticate(b"text")) == "6982"
    assert Terminal(one.transmit).send(APPLICATION) == "9000", "who reset it goes on"


def test_others_wait_for_the_end_of_a_transaction(reader: VirtualReader) -> None:
    one, other = reader.connect(), reader.connect()
    one.begin()
    answered = threading.Event()

    def ask() -> None:
        other.transmit(bytes.fromhex(APPLICATION))
        answered.set()

    asking = threading.Thread(target=ask)
    asking.start()
    assert not answered.wait(0.1)
    one.end(reset=False)
    asking.join(10)
    assert answered.is_set()


def test_who_waits_for_a_transaction_hears_of_the_removal(reader: VirtualReader) -> None:
    one, other = reader.connect(), reader.connect()
    one.begin()
    codes: list[int] = []

    def ask() -> None:
        try:
            other.begin()
        except VirtualReaderFault as fault:
            codes.append(fault.pcsc_code)

    asking = threading.Thread(target=ask)
    asking.start()
    reader.remove()
    asking.join(10)
    assert codes == [REMOVED_CARD]


def test_closing_ends_the_transaction_and_never_raises(reader: VirtualReader, card: VirtualCps3) -> None:
    one, other = reader.connect(), reader.connect()
    one.begin()
    Terminal(one.transmit).send(RIGHT_CODE)
    one.close(reset=True)
    assert not card.pin_verified
    reader.connect().begin()
    reader.remove()
    one.close(reset=True)
    other.close(reset=False)


def test_a_transaction_that_was_not_begun_cannot_end(reader: VirtualReader) -> None:
    with pytest.raises(VirtualReaderFault) as raised:
        reader.connect().end(reset=True)
    assert _code_of(raised) == NOT_TRANSACTED


def test_a_card_held_by_another_program_is_not_shared(reader: VirtualReader) -> None:
    reader.exclusive = True
    with pytest.raises(VirtualReaderFault) as raised:
        reader.connect()
    assert _code_of(raised) == SHARING_VIOLATION


def test_a_connection_is_of_no_use_for_the_next_card(reader: VirtualReader, igc: LookAlikeIgc) -> None:
    connection = reader.connect()
    reader.insert(VirtualCps3([igc.professional()]))
    with pytest.raises(VirtualReaderFault) as raised:
        connection.transmit(bytes.fromhex(APPLICATION))
    assert _code_of(raised) == REMOVED_CARD


def test_a_card_pulled_out_during_a_command_gives_no_answer(reader: VirtualReader) -> None:
    class Leaving(VirtualCard):
        def _answer(self, command: bytes) -> bytes:
            reader.remove()
            return b"\x90\x00"

    reader.insert(Leaving(b"\x3b\x00"))
    with pytest.raises(VirtualReaderFault) as raised:
        reader.connect().transmit(bytes.fromhex(APPLICATION))
    assert _code_of(raised) == REMOVED_CARD


def test_readers_come_and_go_and_so_does_the_service(reader: VirtualReader) -> None:
    readers = VirtualReaders([reader])
    assert readers.names() == ["Lecteur A"]
    assert readers.state("Lecteur A").present
    assert Terminal(readers.connect("Lecteur A").transmit).send(APPLICATION) == "9000"
    readers.unplug("Lecteur A")
    assert readers.names() == []
    with pytest.raises(VirtualReaderFault) as raised:
        readers.state("Lecteur A")
    assert _code_of(raised) == UNKNOWN_READER
    assert not reader.state().present
    readers.plug(reader)
    readers.stopped = True
    for call in (readers.names, lambda: readers.state("Lecteur A"), lambda: readers.connect("Lecteur A")):
        with pytest.raises(VirtualReaderFault) as raised:
            call()
        assert _code_of(raised) == NO_SERVICE
    readers.stopped = False
    assert readers.names() == ["Lecteur A"]


def test_waiting_ends_at_every_change_since_this_threads_last_call(reader: VirtualReader) -> None:
    readers = VirtualReaders([reader])
    readers.wait(10)  # what came before the first call counts
    for change in (
        reader.remove,
        lambda: reader.insert(VirtualCard(b"\x3b\x00")),
        lambda: readers.unplug("Lecteur A"),
        lambda: readers.plug(reader),
        lambda: setattr(readers, "stopped", True),
    ):
        woken = threading.Event()

        def wait(woken: threading.Event = woken) -> None:
            readers.wait(0)
            readers.wait(30)
            woken.set()

        waiting = threading.Thread(target=wait)
        waiting.start()
        assert not woken.wait(0.05)
        change()
        waiting.join(10)
        assert woken.is_set()
    readers.wait(10)  # this thread has not seen the changes yet
    readers.wait(0)


def test_the_readers_have_the_shape_that_the_bridge_asks_for(reader: VirtualReader) -> None:
    """Checked by types where both are known: the sandbox itself never imports the bridge."""
    from card_bridge.ports import CardConnection, Readers, ReaderState

    readers: Readers = VirtualReaders([reader])
    state: ReaderState = readers.state("Lecteur A")
    connection: CardConnection = readers.connect("Lecteur A")
    for port, adapter in ((Readers, readers), (ReaderState, state), (CardConnection, connection)):
        assert [name for name in vars(port) if not name.startswith("_") and not hasattr(adapter, name)] == []
