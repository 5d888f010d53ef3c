"""A virtual CPS3 in contact mode: the commands of card dossier §1.5, in the discipline of T=0, and their refusals (VC-09…14).

Signs with the authentication key only, after the code porteur, over a DigestInfo that the host built. Anything about the
signature key is refused and noted in `misuse`. Status words that §1 does not give are choices of this sandbox.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo

from sandbox.card.card_files import MF, Directory, ElementaryFile
from sandbox.card.families import CPS3_CONTACT
from sandbox.card.faults import FaultPlan, Step
from sandbox.card.holder_certificate import CardCertificate
from sandbox.card.pkcs15_files import (
    APPLICATION,
    CONTACT_AID,
    ROOT_AID,
    SIGNATURE_KEY,
    KeySlot,
    Layout,
    files,
    key_slots,
)
from sandbox.card.tlv import tlv
from sandbox.card.virtual_card import VirtualCard

OK = b"\x90\x00"
WRONG_LENGTH = b"\x67\x00"
NOT_VERIFIED = b"\x69\x82"
BLOCKED = b"\x69\x83"
CONDITIONS = b"\x69\x85"
WRONG_DATA = b"\x6a\x80"
FILE_NOT_FOUND = b"\x6a\x82"
WRONG_P1_P2 = b"\x6a\x86"
NO_SUCH_DATA = b"\x6a\x88"
BEYOND_END = b"\x6b\x00"
NO_SUCH_INSTRUCTION = b"\x6d\x00"
NO_SUCH_CLASS = b"\x6e\x00"

_ACTUALISATION = MF + bytes.fromhex("D010")
_DATE = bytes.fromhex("20260105093000")
_PIN_STATUS = bytes.fromhex("4D087006BF810102A080")
_RSA_PKCS1 = 0x02
_DIGEST_INFO = {
    20: bytes.fromhex("3021300906052B0E03021A05000414"),
    32: bytes.fromhex("3031300D060960864801650304020105000420"),
    48: bytes.fromhex("3041300D060960864801650304020205000430"),
    64: bytes.fromhex("3051300D060960864801650304020305000440"),
}
"""What stands before a digest of so many bytes: SHA-1, SHA-256, SHA-384, SHA-512."""


class VirtualCps3(VirtualCard):
    """`atr`, `power_on`, `power_off`, `reset`, `transmit`; `tries_left` outlives resets and removals, nothing else does."""

    def __init__(
        self,
        certificates: Sequence[CardCertificate | KeySlot],
        *,
        card_number: str = "2900473128",
        pin: str = "1234",
        tries: int = 3,
        faults: FaultPlan | None = None,
        atr: bytes = CPS3_CONTACT,
        updated: Literal["never", "once", "corrupt"] = "never",
        last_wrong_code: Literal["63C0", "6983"] = "63C0",
        uses_left: int | None = None,
        layout: Layout | None = None,
    ) -> None:
        """`updated` tells what EF_ACTUA says; `last_wrong_code` how the third wrong code is answered (dossier U10)."""
        super().__init__(atr, faults)
        self.card_number = card_number
        self.slots = key_slots(certificates)
        self.tries_left = tries
        self._pin = pin.encode("ascii")
        self._last_wrong_code = bytes.fromhex(last_wrong_code)
        self._uses_left = uses_left
        extra: dict[bytes, bytes] = {}
        if updated != "never":
            extra[_ACTUALISATION] = tlv(0xEC, tlv(0x81, _DATE), tlv(0x82, _DATE)) if updated == "once" else b"\xec\x7f"
        self._tree = files(self.slots, card_number, layout or Layout(), extra | dict(self._faults.files))
        self._signing_last = False
        self._last_instruction = 0
        self._forget()

    @property
    def pin_verified(self) -> bool:
        return self._pin_verified

    @property
    def holder_certificate(self) -> CardCertificate:
        """The first one of the card."""
        return self.slots[0].certificate

    def __repr__(self) -> str:
        return f"VirtualCps3({self.card_number!r})"

    def _forget(self) -> None:
        self._directory = MF
        self._file: ElementaryFile | None = None
        self._pin_verified = False
        self._environment: Mapping[int, bytes] = {}
        self._pending = b""
        self._signing_last = False

    # --- steps, for the fault plan

    def _step(self, command: bytes) -> Step | None:
        if len(command) < 4:
            return None
        instruction = command[1]
        if instruction == 0xC0:
            return Step.FIRST_CHUNK if self._signing_last else None
        if instruction == 0x20:
            return Step.VERIFY if len(command) > 5 else Step.TRIES
        return _STEPS.get(instruction)

    def _step_over(self, command: bytes, answer: bytes) -> Step | None:
        if len(command) < 4:
            return None
        more_follows = answer[-2:-1] == b"\x61"
        if command[1] == 0xC0:
            if self._signing_last:
                self._signing_last = False
                return Step.FIRST_CHUNK
            return None if more_follows else _STEPS.get(self._last_instruction)
        self._last_instruction = command[1]
        self._signing_last = command[1] == 0x88 and more_follows
        return None if more_follows and not self._signing_last else self._step(command)

    # --- T=0

    def _answer(self, command: bytes) -> bytes:
        if len(command) < 4:
            return WRONG_LENGTH
        if command[0] != 0x00:
            return NO_SUCH_CLASS
        if command[1] == 0xC0:
            return self._get_response(command)
        self._pending = b""
        handler = {
            0xA4: self._select,
            0xB0: self._read_binary,
            0xCB: self._get_data,
            0x20: self._verify,
            0x22: self._manage_environment,
            0x88: self._internal_authenticate,
            0x2A: self._security_operation,
        }.get(command[1])
        return handler(command) if handler else NO_SUCH_INSTRUCTION

    def _get_response(self, command: bytes) -> bytes:
        if len(command) != 5 or command[2:4] != b"\x00\x00":
            return WRONG_LENGTH if len(command) != 5 else WRONG_P1_P2
        if not self._pending:
            return CONDITIONS
        expected = command[4] or 256
        if expected > len(self._pending):
            return bytes([0x6C, len(self._pending)])
        part, self._pending = self._pending[:expected], self._pending[expected:]
        return part + (self._more() if self._pending else OK)

    def _more(self) -> bytes:
        """61xx; 6100 stands for 256 bytes and more."""
        return bytes([0x61, len(self._pending) if len(self._pending) < 256 else 0])

    def _keep(self, response: bytes) -> bytes:
        self._pending = response
        return self._more()

    @staticmethod
    def _data(command: bytes) -> bytes | None:
        """The data of a command that has some, without Le behind it: T=0 knows no Le there."""
        if len(command) < 6 or len(command) != 5 + command[4]:
            return None
        return command[5:]

    # --- files

    def _select(self, command: bytes) -> bytes:
        data = self._data(command)
        if data is None:
            return WRONG_LENGTH
        if command[3] not in (0x04, 0x0C):
            return WRONG_P1_P2
        if command[2] == 0x09:
            path: bytes | None = data
        elif command[2] == 0x04:
            path = {ROOT_AID: MF, CONTACT_AID: APPLICATION}.get(data)
        else:
            return WRONG_P1_P2
        found = self._tree.get(path) if path is not None else None
        if found is None:
            return FILE_NOT_FOUND
        if isinstance(found, Directory):
            self._directory, self._file = found.path, None
            control = found.control_parameters()
        else:
            self._directory, self._file = found.directory, found
            control = found.control_parameters(self._faults.announced_length)
        return self._keep(control) if command[3] == 0x04 else OK

    def _read_binary(self, command: bytes) -> bytes:
        if len(command) != 5:
            return WRONG_LENGTH
        if command[2] & 0x80:
            file = self._by_short_identifier(command[2] & 0x1F)
            if file is None:
                return FILE_NOT_FOUND
            self._file, offset = file, command[3]
        else:
            offset = int.from_bytes(command[2:4])
        if self._file is None:
            return b"\x69\x86"
        if self._file.needs_pin and not self._pin_verified:
            return NOT_VERIFIED
        if offset >= len(self._file.content):
            return BEYOND_END
        expected = command[4] or 256
        available = self._file.content[offset : offset + expected]
        return available + OK if len(available) == expected else bytes([0x6C, len(available)])

    def _by_short_identifier(self, number: int) -> ElementaryFile | None:
        for file in self._tree.values():
            if isinstance(file, ElementaryFile) and file.short_identifier == number:
                return file
        return None

    # --- code porteur

    def _get_data(self, command: bytes) -> bytes:
        data = self._data(command)
        if data is None:
            return WRONG_LENGTH
        if command[2:4] != b"\x3f\xff":
            return WRONG_P1_P2
        if data != _PIN_STATUS or self._directory != MF:
            return NO_SUCH_DATA
        counters = tlv(0x9A, b"\x03") + tlv(0x9B, bytes([self.tries_left]))
        if self._uses_left is not None:
            counters += tlv(0x9D, bytes([self._uses_left]))
        rules = tlv(0xA1, tlv(0x8C, bytes.fromhex("F3000013FF00")))
        return self._keep(tlv(0x70, tlv(0xBF8101, tlv(0xA0, counters + rules))))

    def _verify(self, command: bytes) -> bytes:
        if command[2] != 0x00:
            return WRONG_P1_P2
        if command[3] != 0x01 or self._directory != MF:
            return NO_SUCH_DATA
        if len(command) == 4 or command[4:] == b"\x00":
            return OK if self._pin_verified else self._count()
        code = self._data(command)
        if code is None or len(code) != len(self._pin):
            return WRONG_LENGTH
        if self.tries_left == 0 or self._uses_left == 0:
            return BLOCKED
        if code == self._pin:
            self.tries_left, self._pin_verified = 3, True
            return OK
        self.tries_left, self._pin_verified = self.tries_left - 1, False
        return self._last_wrong_code if self.tries_left == 0 else self._count()

    def _count(self) -> bytes:
        if self.tries_left == 0 or self._uses_left == 0:
            return BLOCKED
        return bytes([0x63, 0xC0 | self.tries_left])

    # --- keys

    def _manage_environment(self, command: bytes) -> bytes:
        data = self._data(command)
        if data is None:
            return WRONG_LENGTH
        named = _short_values(data)
        if named.get(0x84) == bytes([SIGNATURE_KEY]) or command[3] in (0xB6, 0xB8, 0xAA):
            return self._never(command)
        if command[2:4] != b"\x41\xa4":
            return WRONG_P1_P2
        if 0x80 not in named or 0x84 not in named:
            return WRONG_DATA
        if self._slot(named[0x84]) is None or self._directory != APPLICATION:
            self._environment = {}
            return NO_SUCH_DATA
        self._environment = named
        return OK

    def _internal_authenticate(self, command: bytes) -> bytes:
        data = self._data(command)
        if data is None:
            return WRONG_LENGTH
        if command[2:4] != b"\x00\x00":
            return WRONG_P1_P2
        slot = self._slot(self._environment.get(0x84, b""))
        if slot is None or self._environment.get(0x80) != bytes([_RSA_PKCS1]):
            return CONDITIONS
        key = slot.certificate.private_key
        if not isinstance(key, RSAPrivateKey):
            return CONDITIONS
        if not self._pin_verified:
            return NOT_VERIFIED
        if len(data) * 10 > key.key_size // 8 * 4 or not is_digest_info(data):
            return WRONG_DATA
        return self._keep(key.sign(data, PKCS1v15(), NoDigestInfo()))

    def _security_operation(self, command: bytes) -> bytes:
        return self._never(command)

    def _never(self, command: bytes) -> bytes:
        self.misuse.append(command.hex().upper())
        return CONDITIONS

    def _slot(self, reference: bytes) -> KeySlot | None:
        for slot in self.slots:
            if reference == bytes([slot.reference]) and slot.certificate.usage == "authentication":
                return slot
        return None


_STEPS = {0xA4: Step.SELECT, 0xB0: Step.READ, 0xCB: Step.TRIES, 0x22: Step.KEY_CHOICE, 0x88: Step.SIGN}


def is_digest_info(data: bytes) -> bool:
    return any(
        data[: len(prefix)] == prefix and len(data) == len(prefix) + size for size, prefix in _DIGEST_INFO.items()
    )


def _short_values(data: bytes) -> dict[int, bytes]:
    """One-byte tags and lengths; stops at what is none."""
    values: dict[int, bytes] = {}
    while len(data) >= 2 and len(data) >= 2 + data[1]:
        values[data[0]] = data[2 : 2 + data[1]]
        data = data[2 + data[1] :]
    return values
