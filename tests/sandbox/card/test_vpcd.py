"""The client of vpcd: two bytes of length, controls of one byte of which only one is answered, removal by closing (§5.2)."""

import socket
import threading

import pytest

from sandbox.card.cps3 import VirtualCps3
from sandbox.card.faults import FaultPlan, Removed, Step, Swapped
from sandbox.card.igc_sante import LookAlikeIgc
from sandbox.card.vpcd import ANSWER_TO_RESET, POWER_OFF, POWER_ON, RESET, VpcdClient, plugged_into_vpcd
from tests.sandbox.card.terminal import APPLICATION, RIGHT_CODE


class Vpcd:
    """The other side of the socket: a reader that asks."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        end.settimeout(10)

    def say(self, payload: bytes) -> None:
        self._end.sendall(len(payload).to_bytes(2) + payload)

    def hear(self) -> bytes:
        """One frame; empty when the card has left."""
        head = self._exactly(2)
        return self._exactly(int.from_bytes(head)) if head else b""

    def ask(self, payload: bytes) -> bytes:
        self.say(payload)
        return self.hear()

    def close(self) -> None:
        self._end.close()

    def _exactly(self, count: int) -> bytes:
        received = b""
        while len(received) < count:
            part = self._end.recv(count - len(received))
            if not part:
                return b""
            received += part
        return received


def _plug(card: VirtualCps3, *, times: int = 1) -> tuple[VpcdClient, list[Vpcd]]:
    pairs = [socket.socketpair() for _ in range(times)]
    mine = iter([pair[0] for pair in pairs])
    return VpcdClient(card, lambda: next(mine)), [Vpcd(pair[1]) for pair in pairs]


@pytest.mark.spec("VC-01")
def test_only_the_answer_to_reset_is_answered_among_the_controls(card: VirtualCps3) -> None:
    client, (vpcd,) = _plug(card)
    for control in (POWER_OFF, POWER_ON, RESET):
        vpcd.say(control)
    assert vpcd.ask(ANSWER_TO_RESET) == card.atr
    assert vpcd.ask(bytes.fromhex(APPLICATION)) == b"\x90\x00"
    client.pull()
    assert vpcd.hear() == b""
    vpcd.close()


@pytest.mark.spec("VC-03")
@pytest.mark.parametrize("control", [POWER_ON, RESET, POWER_OFF])
def test_power_and_reset_reach_the_card(card: VirtualCps3, control: bytes) -> None:
    client, (vpcd,) = _plug(card)
    assert vpcd.ask(bytes.fromhex(RIGHT_CODE)) == b"\x90\x00"
    assert card.pin_verified
    vpcd.say(control)
    assert vpcd.ask(ANSWER_TO_RESET) == card.atr
    assert not card.pin_verified
    client.pull()
    vpcd.close()


@pytest.mark.spec("VC-03")
def test_pulling_the_card_forgets_the_code(card: VirtualCps3) -> None:
    client, (vpcd,) = _plug(card)
    vpcd.ask(bytes.fromhex(RIGHT_CODE))
    client.pull()
    assert not card.pin_verified
    vpcd.close()


@pytest.mark.spec("VC-01")
def test_a_frame_may_come_in_pieces(card: VirtualCps3) -> None:
    class Dripping(socket.socket):
        def recv(self, size: int, flags: int = 0) -> bytes:
            return super().recv(min(size, 1), flags)

    mine, theirs = socket.socketpair()
    dripping = Dripping(fileno=mine.detach())
    client, vpcd = VpcdClient(card, lambda: dripping), Vpcd(theirs)
    assert vpcd.ask(bytes.fromhex(APPLICATION)) == b"\x90\x00"
    client.pull()
    vpcd.close()


def test_the_end_of_the_reader_ends_the_thread_quietly(card: VirtualCps3) -> None:
    client, (vpcd,) = _plug(card)
    vpcd.close()
    client.pull()
    assert not client.inserted


@pytest.mark.spec("VC-17")
def test_a_planned_removal_closes_after_the_answer(igc: LookAlikeIgc) -> None:
    client, (vpcd,) = _plug(VirtualCps3([igc.professional()], faults=FaultPlan(after={Step.VERIFY: Removed()})))
    assert vpcd.ask(bytes.fromhex(RIGHT_CODE)) == b"\x90\x00"
    assert vpcd.hear() == b""
    client.pull()
    vpcd.close()


@pytest.mark.spec("VC-19")
@pytest.mark.parametrize(("step", "answer"), [(Step.CONNECT, b""), (Step.SELECT, b"\x90\x00")])
def test_a_swapped_card_comes_through_a_new_connection(igc: LookAlikeIgc, step: Step, answer: bytes) -> None:
    other = VirtualCps3([igc.professional()], card_number="2900473136")
    card = VirtualCps3([igc.professional()], faults=FaultPlan(after={step: Swapped(other)}))
    client, (first, second) = _plug(card, times=2)
    assert first.ask(bytes.fromhex(APPLICATION)) == answer
    assert first.hear() == b""
    assert second.ask(bytes.fromhex(APPLICATION)) == b"\x90\x00"
    assert client.card is other
    client.pull()
    first.close()
    second.close()


@pytest.mark.spec("VC-20")
def test_a_mute_card_answers_more_than_an_answer_to_reset_can_be(igc: LookAlikeIgc) -> None:
    client, (vpcd,) = _plug(VirtualCps3([igc.professional()], faults=FaultPlan(mute=True)))
    assert len(vpcd.ask(ANSWER_TO_RESET)) > 33
    client.pull()
    vpcd.close()


def test_a_card_is_plugged_into_a_port_until_the_block_ends(card: VirtualCps3) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepted: list[socket.socket] = []
        accepting = threading.Thread(target=lambda: accepted.append(server.accept()[0]))
        accepting.start()
        with plugged_into_vpcd(card, server.getsockname()[1]) as client:
            accepting.join(10)
            vpcd = Vpcd(accepted[0])
            assert vpcd.ask(ANSWER_TO_RESET) == card.atr
            assert client.inserted
        assert vpcd.hear() == b""
        assert not client.inserted
        vpcd.close()
