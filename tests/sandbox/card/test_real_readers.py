"""Virtual cards in real readers: Debian's pcscd and vpcd, asked through pyscard as any program would (card dossier §5.3).

Insertions and removals are followed by the counter in the upper half of the event state, which misses none.
"""

import importlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from sandbox.card.cps3 import VirtualCps3
from sandbox.card.faults import FaultPlan, Removed, Step, Swapped
from sandbox.card.igc_sante import LookAlikeIgc
from sandbox.card.virtual_card import VirtualCard
from tests.sandbox.card.terminal import (
    APPLICATION,
    AUTHENTICATION_KEY,
    MASTER_FILE,
    RIGHT_CODE,
    TRIES,
    Terminal,
    internal_authenticate,
)
from tests.virtual_readers import READERS, VirtualPcscd

if os.environ.get("CI") == "true":
    scard = importlib.import_module("smartcard.scard")
else:
    scard = pytest.importorskip("smartcard.scard", reason="pyscard is not installed")
pytestmark = pytest.mark.timeout(60)

TEXT = b"what is signed"
PRESENT, EMPTY, MUTE, CHANGED = 0x20, 0x10, 0x200, 0x2
NOT_TRANSACTED, REMOVED_CARD, PROTOCOL_MISMATCH = 0x80100016, 0x80100069, 0x8010000F
RESET_CARD, UNPOWERED = 0x80100068, 0x80100067


_LAST_ANSWERED = {Step.TRIES: 0, Step.VERIFY: 1, Step.KEY_CHOICE: 3, Step.SIGN: 4, Step.FIRST_CHUNK: 5}
"""How many commands after the reading of the tries are answered before the card is gone."""


class PcscFault(Exception):  # noqa: N818
    def __init__(self, code: int) -> None:
        self.code = code & 0xFFFFFFFF
        super().__init__(f"{self.code:08X}")


def _checked(code: int) -> None:
    if code != scard.SCARD_S_SUCCESS:
        raise PcscFault(code)


class PcscClient:
    """A program on the workstation."""

    def __init__(self) -> None:
        code, self._context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
        _checked(code)

    def release(self) -> None:
        scard.SCardReleaseContext(self._context)

    def names(self) -> list[str]:
        code, names = scard.SCardListReaders(self._context, [])
        _checked(code)
        return list(names)

    def state(self, slot: int = 0, *, other_than: int | None = None) -> tuple[int, bytes]:
        """The event state and the ATR, now or as soon as the state is another."""
        known = scard.SCARD_STATE_UNAWARE if other_than is None else other_than
        code, states = scard.SCardGetStatusChange(self._context, 10_000, [(READERS[slot], known)])
        _checked(code)
        return states[0][1], bytes(states[0][2])

    def wait(self, flag: int, slot: int = 0) -> tuple[int, bytes]:
        """Until the reader says so."""
        state, atr = self.state(slot)
        while not state & flag:
            state, atr = self.state(slot, other_than=state)
        return state, atr

    def connect(self, slot: int = 0, protocol: int | None = None) -> "Connection":
        code, card, _ = scard.SCardConnect(
            self._context, READERS[slot], scard.SCARD_SHARE_SHARED, protocol or scard.SCARD_PROTOCOL_T0
        )
        _checked(code)
        return Connection(card)


class Connection:
    def __init__(self, card: object) -> None:
        self._card = card

    def transmit(self, command: bytes) -> bytes:
        code, answer = scard.SCardTransmit(self._card, scard.SCARD_PCI_T0, list(command))
        _checked(code)
        return bytes(answer)

    def reset(self) -> None:
        code, _ = scard.SCardReconnect(
            self._card, scard.SCARD_SHARE_SHARED, scard.SCARD_PROTOCOL_T0, scard.SCARD_RESET_CARD
        )
        _checked(code)

    def begin(self) -> None:
        _checked(scard.SCardBeginTransaction(self._card))

    def end_with_reset(self) -> None:
        _checked(scard.SCardEndTransaction(self._card, scard.SCARD_RESET_CARD))

    def leave(self) -> None:
        scard.SCardDisconnect(self._card, scard.SCARD_LEAVE_CARD)


@pytest.fixture
def client(pc_sc: VirtualPcscd) -> Iterator[PcscClient]:
    client = PcscClient()
    for slot in (0, 1):
        client.wait(EMPTY, slot)
    yield client
    client.release()


def _inserted(pc_sc: VirtualPcscd, client: PcscClient, card: VirtualCard, slot: int = 0) -> Terminal:
    pc_sc.insert(card, slot)
    client.wait(PRESENT, slot)
    return Terminal(client.connect(slot).transmit)


@pytest.mark.spec("VC-01")
def test_ten_insertions_and_removals_are_all_seen(pc_sc: VirtualPcscd, client: PcscClient, card: VirtualCps3) -> None:
    state, _ = client.state()
    before = state >> 16
    for _ in range(10):
        pc_sc.insert(card)
        state, atr = client.state(other_than=state)
        assert state & PRESENT
        assert atr == card.atr
        pc_sc.remove()
        state, atr = client.state(other_than=state)
        assert state & EMPTY
    assert (state >> 16) - before == 20


@pytest.mark.spec("VC-01")
@pytest.mark.spec("VC-20")
def test_a_command_of_three_seconds_loses_nothing(pc_sc: VirtualPcscd, client: PcscClient, igc: LookAlikeIgc) -> None:
    slow = VirtualCps3([igc.professional()], faults=FaultPlan(slow={Step.VERIFY: 3}))
    terminal = _inserted(pc_sc, client, slow)
    before, _ = client.state()
    signature = terminal.sign(TEXT)
    _verify(slow, signature)
    state, atr = client.state()
    assert (state >> 16, atr) == (before >> 16, slow.atr)


@pytest.mark.spec("VC-02")
def test_two_cards_in_two_readers_at_once(pc_sc: VirtualPcscd, client: PcscClient, igc: LookAlikeIgc) -> None:
    assert client.names() == list(READERS)
    cards = [
        VirtualCps3([igc.professional(rpps, card_number=number)], card_number=number)
        for rpps, number in (("99900000003", "2900473128"), ("99900000011", "2900473136"))
    ]
    for slot, card in enumerate(cards):
        _verify(card, _inserted(pc_sc, client, card, slot).sign(TEXT))


@pytest.mark.spec("VC-13")
def test_a_signature_passes_through_the_real_service(
    pc_sc: VirtualPcscd, client: PcscClient, card: VirtualCps3
) -> None:
    terminal = _inserted(pc_sc, client, card)
    assert terminal.read("3F000001B001") == card.holder_certificate.der
    assert terminal.ask(MASTER_FILE) == b""
    assert b"\x9b\x01\x03" in terminal.ask(TRIES)
    _verify(card, terminal.sign(TEXT))


@pytest.mark.spec("VC-03")
@pytest.mark.spec("VC-18")
def test_the_code_serves_all_until_the_end_of_the_transaction_resets_the_card(
    pc_sc: VirtualPcscd, client: PcscClient, card: VirtualCps3
) -> None:
    pc_sc.insert(card)
    client.wait(PRESENT)
    one, other = client.connect(), client.connect()
    one.begin()
    assert Terminal(one.transmit).send(RIGHT_CODE) == "9000"
    one.end_with_reset()
    assert not card.pin_verified
    with pytest.raises(PcscFault) as fault:
        other.transmit(bytes.fromhex(APPLICATION))
    assert fault.value.code == RESET_CARD
    other.leave()
    again = Terminal(client.connect().transmit)
    for command in (APPLICATION, AUTHENTICATION_KEY):
        assert again.send(command) == "9000"
    assert again.send(internal_authenticate(TEXT)) == "6982"


@pytest.mark.spec("VC-18")
def test_a_second_handle_may_reset_the_card_between_code_and_signature(
    pc_sc: VirtualPcscd, client: PcscClient, card: VirtualCps3
) -> None:
    terminal = _inserted(pc_sc, client, card)
    assert terminal.send(RIGHT_CODE) == "9000"
    client.connect().reset()
    assert not card.pin_verified
    with pytest.raises(PcscFault) as fault:
        terminal.send(APPLICATION)
    assert fault.value.code == RESET_CARD


@pytest.mark.spec("VC-17")
@pytest.mark.parametrize("step", list(_LAST_ANSWERED))
def test_a_card_that_leaves_at_a_step_is_gone_for_the_next_command(
    pc_sc: VirtualPcscd, client: PcscClient, igc: LookAlikeIgc, step: Step
) -> None:
    card = VirtualCps3([igc.professional()], faults=FaultPlan(after={step: Removed()}))
    terminal = _inserted(pc_sc, client, card)
    commands = [RIGHT_CODE, APPLICATION, AUTHENTICATION_KEY, internal_authenticate(TEXT), "00C00000E7", "00C0000019"]
    last = _LAST_ANSWERED[step]
    terminal.ask(TRIES)
    for command in commands[:last]:
        assert terminal.send(command) != ""
    assert _gone(terminal, commands[last])
    client.wait(EMPTY)
    with pytest.raises(PcscFault) as fault:
        terminal.send(APPLICATION)
    assert fault.value.code in (NOT_TRANSACTED, REMOVED_CARD)


@pytest.mark.spec("VC-17")
def test_a_card_that_leaves_under_the_first_command_gives_an_empty_answer(
    pc_sc: VirtualPcscd, client: PcscClient, igc: LookAlikeIgc
) -> None:
    """vpcd says success with no byte at all: whoever reads cards must not look for a status word in it."""
    terminal = _inserted(
        pc_sc, client, VirtualCps3([igc.professional()], faults=FaultPlan(after={Step.CONNECT: Removed()}))
    )
    assert terminal.send(APPLICATION) == ""
    client.wait(EMPTY)
    with pytest.raises(PcscFault):
        terminal.send(APPLICATION)


@pytest.mark.spec("VC-19")
def test_a_swap_counts_as_a_removal_and_an_insertion(
    pc_sc: VirtualPcscd, client: PcscClient, igc: LookAlikeIgc
) -> None:
    other = VirtualCps3([igc.professional("99900000011", card_number="2900473136")], card_number="2900473136")
    terminal = _inserted(
        pc_sc, client, VirtualCps3([igc.professional()], faults=FaultPlan(after={Step.VERIFY: Swapped(other)}))
    )
    before, _ = client.state()
    assert terminal.send(RIGHT_CODE) == "9000"
    state = before
    while state >> 16 != (before >> 16) + 2:
        state, _ = client.state(other_than=state)
    assert state & PRESENT
    with pytest.raises(PcscFault):
        terminal.send(APPLICATION)
    new = Terminal(client.connect().transmit)
    assert new.send("0020000100") == "63C3", "the code given to the first card is worth nothing"
    assert new.read("3F000001B001") == other.holder_certificate.der


@pytest.mark.spec("VC-20")
def test_a_mute_card_is_seen_as_mute(pc_sc: VirtualPcscd, client: PcscClient, igc: LookAlikeIgc) -> None:
    pc_sc.insert(VirtualCps3([igc.professional()], faults=FaultPlan(mute=True)))
    state, atr = client.wait(PRESENT)
    assert state & MUTE
    assert atr == b""
    with pytest.raises(PcscFault) as fault:
        client.connect()
    assert fault.value.code == UNPOWERED


@pytest.mark.spec("VC-04")
def test_the_answer_to_reset_speaks_of_one_protocol_only(
    pc_sc: VirtualPcscd, client: PcscClient, card: VirtualCps3
) -> None:
    pc_sc.insert(card)
    assert client.wait(PRESENT)[1] == card.atr
    with pytest.raises(PcscFault) as fault:
        client.connect(protocol=scard.SCARD_PROTOCOL_T1)
    assert fault.value.code == PROTOCOL_MISMATCH


def test_the_service_comes_back_with_the_card_still_in_the_reader(pc_sc: VirtualPcscd, card: VirtualCps3) -> None:
    pc_sc.insert(card)
    for _ in range(3):
        pc_sc.stop()
        with pytest.raises(PcscFault):
            PcscClient()
        pc_sc.start()
        client = PcscClient()
        assert client.wait(PRESENT)[1] == card.atr
        assert Terminal(client.connect().transmit).send(APPLICATION) == "9000"
        client.release()


def test_the_readers_listen_in_a_network_of_their_own(pc_sc: VirtualPcscd) -> None:
    inside = {address.split(":")[1] for address in pc_sc.listening_addresses()}
    assert inside == {"8C7B", "8C7C"}
    assert Path(f"/proc/{pc_sc.pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()
    assert not pc_sc.socket.is_relative_to("/run")


def _gone(terminal: Terminal, command: str) -> bool:
    """The first command after a removal: a fault, or no byte at all when the reader had not noticed yet."""
    try:
        return terminal.send(command) == ""
    except PcscFault as fault:
        return fault.code in (NOT_TRANSACTED, REMOVED_CARD)


def _verify(card: VirtualCps3, signature: bytes) -> None:
    key = card.holder_certificate.certificate.public_key()
    assert isinstance(key, RSAPublicKey)
    key.verify(signature, TEXT, PKCS1v15(), hashes.SHA256())
