"""CPS3, contact: the exchange of cps-card.md §1.5, command for command.

Reads without changing anything; gives the code once; signs with the authentication key only, over a DigestInfo made here.
A code is never sent twice by itself: no retry of any kind surrounds VERIFY.
"""

from dataclasses import dataclass

from card_bridge.card import pkcs15
from card_bridge.card.ber import all_of, first
from card_bridge.card.channel import CHUNK, Answer, Channel, unsupported
from card_bridge.ports import CardInterrupted
from card_bridge.refusals import BridgeRefusal, Code

_MASTER_FILE = bytes.fromhex("3F00")
_SERIAL, _DIRECTORY, _UPDATES = (bytes.fromhex(path) for path in ("3F00D003", "3F002F00", "3F00D010"))
_ROOT_APPLICATION = bytes.fromhex("00A40404 08 8025000001FF0100")
_GET_TRIES = bytes.fromhex("00CB3FFF 0A 4D08 7006 BF8101 02 A080")
_MAX_FILE = 8 * 1024


class WrongCode(Exception):  # noqa: N818 -- a fact, told by the card
    """The card refused the code; `left` tries remain."""

    def __init__(self, left: int) -> None:
        super().__init__("wrong code")
        self.left = left


@dataclass(frozen=True)
class Contents:
    serial: bytes
    """EF.SN, which recognises the card."""
    label: str
    certificate_file: bytes
    key_reference: int
    code_policy: pkcs15.CodePolicy
    tries_left: int


class Cps3:
    FAMILY = "cps3"
    INTERFACE = "contact"

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def confirm(self) -> None:
        """A masked ATR is only a presumption: the contact application must be there."""
        command = _select(pkcs15.CONTACT_APPLICATION, answer_nothing=True)
        answer = self._channel.send(command)
        if answer.status != 0x9000:
            raise unsupported(command, answer.status)

    def read(self) -> Contents:
        """Everything that is known without a code; spends no try."""
        serial = self.serial()
        if pkcs15.application_path(self._file(_DIRECTORY)) != pkcs15.CONTACT_APPLICATION:
            raise BridgeRefusal(Code.CARD_UNSUPPORTED, "EF.DIR")
        self._refuse_a_corrupt_update()
        self._select_application()
        places = pkcs15.directories(self._file(pkcs15.CONTACT_APPLICATION + b"\x50\x31"))
        label = pkcs15.token_label(self._file(pkcs15.CONTACT_APPLICATION + b"\x50\x32"))
        codes = self._file(places.authentication) if places.authentication else b""
        identifier, reference = pkcs15.authentication_key(self._file(places.private_keys))
        path = pkcs15.authentication_certificate_path(self._file(places.certificates), identifier)
        certificate = self._file(path)
        return Contents(serial, label, certificate, reference, pkcs15.code_policy(codes), self.tries_left())

    def serial(self) -> bytes:
        serial = self._file(_SERIAL)
        if len(serial) != 12 or not serial.startswith(b"\x5a\x0a"):
            raise BridgeRefusal(Code.CARD_UNSUPPORTED, "EF.SN")
        return serial

    def tries_left(self) -> int:
        """Asked from the master file, the only place that knows; 0 when the code or its uses are spent."""
        self._expect(_select(_MASTER_FILE, answer_nothing=True))
        facts = first(self._expect(_GET_TRIES).data, 0x70, 0xBF8101, 0xA0) or b""
        left, uses = first(facts, 0x9B), first(facts, 0x9D)
        if left is None or len(left) != 1 or left[0] > 15:
            raise BridgeRefusal(Code.CARD_UNSUPPORTED, "tries")
        return 0 if uses is not None and not any(uses) else left[0]

    def verify(self, code: bytearray, policy: pkcs15.CodePolicy) -> None:
        """One VERIFY, still in the master file; raises WrongCode or BridgeRefusal(PIN_BLOCKED)."""
        value = bytes(code)
        if policy.padding is not None:
            value = value.ljust(policy.stored_length, bytes([policy.padding]))
        header = bytes([0x00, 0x20, 0x00, 0x01, len(value)])
        status = self._channel.send_once(header + value).status
        if status == 0x9000:
            return
        if status == 0x6983:
            raise BridgeRefusal(Code.PIN_BLOCKED)
        if status & 0xFFF0 == 0x63C0:
            raise WrongCode(status & 0x0F)
        raise unsupported(header, status)

    def sign(self, key_reference: int, digest_info: bytes) -> bytes:
        """Internal authenticate with the authentication key. Raises CardInterrupted when the code was forgotten meanwhile."""
        self._expect(_select(pkcs15.CONTACT_APPLICATION, answer_nothing=True))
        sign = bytes([0x00, 0x88, 0x00, 0x00, len(digest_info)]) + digest_info
        answer = self._choose_and(key_reference, sign)
        if answer.status in (0x6984, 0x6985, 0x6881):
            self._expect(_select(pkcs15.CONTACT_APPLICATION, answer_nothing=True))
            answer = self._choose_and(key_reference, sign)
        if answer.status == 0x6982:
            raise CardInterrupted
        if answer.status != 0x9000:
            raise unsupported(sign, answer.status)
        return answer.data

    def _choose_and(self, key_reference: int, sign: bytes) -> Answer:
        chosen = self._channel.send(bytes([0x00, 0x22, 0x41, 0xA4, 0x06, 0x80, 0x01, 0x02, 0x84, 0x01, key_reference]))
        return self._channel.send(sign) if chosen.status == 0x9000 else chosen

    def _select_application(self) -> None:
        self._expect(_select(pkcs15.CONTACT_APPLICATION, answer_nothing=True))

    def _expect(self, command: bytes) -> Answer:
        """9000, after going back once to the root application when another program had selected something else."""
        answer = self._channel.send(command)
        if answer.status in (0x6E00, 0x6A86):
            self._channel.send(_ROOT_APPLICATION)
            answer = self._channel.send(command)
        if answer.status != 0x9000:
            raise unsupported(command, answer.status)
        return answer

    def _refuse_a_corrupt_update(self) -> None:
        """EF_ACTUA is absent until a first update; present, it holds two dates."""
        probe = _select(_UPDATES)
        answer = self._channel.send(probe)
        if answer.status == 0x6A82:
            return
        if answer.status != 0x9000:
            raise unsupported(probe, answer.status)
        dates = first(self._contents(answer.data), 0xEC) or b""
        if any(len(first(dates, tag) or b"") != 7 for tag in (0x81, 0x82)):
            raise BridgeRefusal(Code.CARD_UNSUPPORTED, "EF_ACTUA")

    def _file(self, path: bytes) -> bytes:
        return self._contents(self._expect(_select(path)).data)

    def _contents(self, control: bytes) -> bytes:
        """The selected file, as long as its control parameters say."""
        sizes = all_of(first(control, 0x62) or b"", 0x80)
        size = int.from_bytes(sizes[0], "big") if sizes else 0
        if not 0 < size <= _MAX_FILE:
            raise BridgeRefusal(Code.CARD_UNSUPPORTED, "file size")
        data = b""
        while len(data) < size:
            read = b"\x00\xb0" + len(data).to_bytes(2, "big") + bytes([min(CHUNK, size - len(data))])
            answer = self._channel.send(read)
            if answer.status != 0x9000 or not answer.data:
                raise unsupported(read, answer.status)
            data += answer.data
        return data[:size]


def _select(path: bytes, *, answer_nothing: bool = False) -> bytes:
    """By path from the master file included; a lone 3F00 is a path too."""
    return bytes([0x00, 0xA4, 0x09, 0x0C if answer_nothing else 0x04, len(path)]) + path
