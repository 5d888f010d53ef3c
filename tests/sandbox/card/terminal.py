"""A terminal that speaks to a card in hexadecimal, as the tables of the card dossier are written (§1.5)."""

import hashlib
from collections.abc import Callable

APPLICATION = "00A4090C 04 3F000001"
MASTER_FILE = "00A4090C 02 3F00"
TRIES = "00CB3FFF 0A 4D08 7006 BF8101 02A080"
RIGHT_CODE = "00200001 04 31323334"
WRONG_CODE = "00200001 04 30303030"
EMPTY_VERIFY = "0020000100"
AUTHENTICATION_KEY = "002241A4 06 80 01 02 84 01 82"
SHA256_PREFIX = "3031300D060960864801650304020105000420"


def internal_authenticate(text: bytes) -> str:
    return f"00880000 33 {SHA256_PREFIX}{hashlib.sha256(text).hexdigest()}"


class Terminal:
    def __init__(self, transmit: Callable[[bytes], bytes]) -> None:
        self.transmit = transmit

    def send(self, command: str) -> str:
        """The raw answer, in upper-case hexadecimal."""
        return self.transmit(bytes.fromhex(command)).hex().upper()

    def ask(self, command: str) -> bytes:
        """The whole data of a successful command, with GET RESPONSE and the corrected length where they are due."""
        answer = self.transmit(bytes.fromhex(command))
        if answer[-2] == 0x6C:
            answer = self.transmit(bytes.fromhex(command)[:-1] + answer[-1:])
        data = answer[:-2]
        while answer[-2] == 0x61:
            answer = self.transmit(bytes([0x00, 0xC0, 0x00, 0x00, answer[-1]]))
            data += answer[:-2]
        assert answer[-2:] == b"\x90\x00", answer[-2:].hex()
        return data

    def read(self, path: str) -> bytes:
        """The content of the file, by chunks of E7, as long as its FCP says."""
        control = self.ask(f"00A40904 {len(bytes.fromhex(path)):02X} {path}")
        length = int.from_bytes(control[4:6])
        content = b""
        while len(content) < length:
            chunk = min(0xE7, length - len(content))
            content += self.ask(f"00B0{len(content):04X}{chunk:02X}")
        return content

    def sign(self, text: bytes) -> bytes:
        """From a fresh card to a signature, as a host does it."""
        for command in (MASTER_FILE, RIGHT_CODE, APPLICATION, AUTHENTICATION_KEY):
            assert self.send(command) == "9000", command
        return self.ask(internal_authenticate(text))
