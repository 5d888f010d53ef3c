"""A card that leaves ends the dialog; a card put in its place never receives the code (BR-15, BRG-15, AC-075)."""

import pytest

from card_bridge.ports import WindowState
from card_bridge.reader_monitor import ReaderMonitor
from sandbox.card.faults import FaultPlan, Removed, Step, Swapped
from sandbox.card.reader import VirtualConnection
from tests.card_bridge.rig import PIN, SOON, Workstation, card

VERIFY = 0x20


@pytest.mark.spec("BR-15", "BRG-15")
@pytest.mark.parametrize("step", list(Step))
def test_a_removal_at_any_step_is_told(workstation: Workstation, step: Step) -> None:
    inserted = workstation.insert(card(faults=FaultPlan(after={step: Removed()})))
    workstation.window.codes = [PIN]
    reply = workstation.page.authenticate()
    assert reply.json == {"error": "card_removed", "retriable": True}
    assert inserted.record.count(VERIFY) <= 1
    assert not inserted.pin_verified
    assert workstation.window.states[-1] is WindowState.CARD_REMOVED
    workstation.insert(card())
    workstation.window.codes = [PIN]
    assert workstation.page.authenticate().status == 200


@pytest.mark.spec("BR-15", "BRG-15")
@pytest.mark.parametrize("state", [WindowState.ASK_CODE, WindowState.CONFIRM_LAST_TRY])
def test_a_removal_while_the_person_thinks_is_told(workstation: Workstation, state: WindowState) -> None:
    workstation.window.confirms = False
    inserted = workstation.insert(card(tries=3 if state is WindowState.ASK_CODE else 1))
    page = workstation.page.begins_to_authenticate()
    workstation.window.wait_for(state)
    workstation.reader.remove()
    assert page.result(SOON).error == "card_removed"
    assert inserted.record.count(VERIFY) == 0


@pytest.mark.spec("BR-15")
@pytest.mark.parametrize("same", [True, False], ids=["the same card again", "another card"])
def test_a_swap_while_the_code_is_typed_is_seen_even_if_nobody_looked(workstation: Workstation, same: bool) -> None:
    """The change happens within the press of the button: no monitor can have seen the reader empty."""
    first = workstation.insert(card())
    second = first if same else card(card_number="2900473136")

    def swap(person) -> None:
        workstation.reader.insert(second)
        person.code(PIN)

    workstation.window.reactions[WindowState.ASK_CODE] = swap
    assert workstation.page.authenticate().error == "card_removed"
    assert first.record.count(VERIFY) == second.record.count(VERIFY) == 0
    assert second.tries_left == 3


@pytest.mark.spec("BR-15")
def test_the_counter_is_read_again_inside_the_transaction(
    workstation: Workstation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The card left and came back; the monitor sleeps and the driver let the old handle live."""
    inserted = workstation.insert(card())
    page = workstation.page.begins_to_authenticate()
    workstation.window.wait_for(WindowState.ASK_CODE)
    monkeypatch.setattr(VirtualConnection, "_check", lambda _connection: None)
    monkeypatch.setattr(VirtualConnection, "_has_left", lambda _connection: False)
    monkeypatch.setattr(ReaderMonitor, "_look", lambda monitor: monitor.picture)
    workstation.reader.remove()
    workstation.reader.insert(inserted)
    workstation.window.person.code(PIN)
    assert page.result(SOON).error == "card_removed"
    assert inserted.record.count(VERIFY) == 0


@pytest.mark.spec("BR-15")
def test_a_swap_during_the_transaction_gets_no_code(workstation: Workstation) -> None:
    second = card(card_number="2900473136")
    signing: list[bool] = []

    class OnceSigning(dict[Step, object]):
        def get(self, step, default=None):  # type: ignore[no-untyped-def,override]
            return Swapped(second) if signing and step is Step.TRIES else default

    workstation.insert(card(faults=FaultPlan(after=OnceSigning())))  # type: ignore[arg-type]
    workstation.window.reactions[WindowState.SIGNING] = lambda _person: signing.append(True)
    workstation.window.codes = [PIN]
    assert workstation.page.authenticate().error == "card_removed"
    assert second.record.count(VERIFY) == 0


@pytest.mark.spec("BR-15")
def test_another_serial_number_behind_an_unmoved_counter_gets_no_code(workstation: Workstation) -> None:
    """A service that restarted counts from zero again: the card itself is asked too."""
    first, second = card(), card(card_number="2900473136")
    workstation.insert(first)

    def exchange(person) -> None:
        workstation.reader._card = second
        workstation.reader.reset_by_another()
        person.code(PIN)

    workstation.window.reactions[WindowState.ASK_CODE] = exchange
    assert workstation.page.authenticate().error == "card_removed"
    assert first.record.count(VERIFY) == second.record.count(VERIFY) == 0


@pytest.mark.spec("BRG-15")
def test_the_page_that_signed_in_learns_of_the_removal(workstation: Workstation) -> None:
    workstation.insert(card())
    workstation.window.codes = [PIN]
    workstation.page.authenticate()
    assert workstation.page.status("?wait=0&since=0").json["removals"] == 0
    with workstation.page.connect() as caller:
        caller.sendall(workstation.page.request("GET", "/v1/status?wait=25&since=0"))
        workstation.reader.remove()
        received = b"".join(iter(lambda: caller.recv(4096), b""))
    assert b'"removals": 1' in received
    workstation.insert(card())
    workstation.reader.remove()
    assert workstation.page.status("?wait=0&since=1").json["removals"] == 1
