"""The files of a card: directories, elementary files, and what SELECT says of them (card dossier §1.5, step 1)."""

from dataclasses import dataclass

from sandbox.card.tlv import tlv

MF = bytes.fromhex("3F00")
_FREE_READ = bytes.fromhex("7BFFFFFFFFFF00")
_PIN_READ = bytes.fromhex("7BFFFFFFFFFF13")


@dataclass(frozen=True)
class Directory:
    path: bytes
    aid: bytes = b""

    def control_parameters(self) -> bytes:
        name = tlv(0x84, self.aid) if self.aid else b""
        return tlv(0x62, tlv(0x82, b"\x38"), tlv(0x83, self.path[-2:]), name, tlv(0x8A, b"\x05"))


@dataclass(frozen=True)
class ElementaryFile:
    path: bytes
    content: bytes
    short_identifier: int | None = None
    needs_pin: bool = False

    @property
    def directory(self) -> bytes:
        return self.path[:-2]

    def control_parameters(self, announced_length: int | None = None) -> bytes:
        length = len(self.content) if announced_length is None else announced_length
        rules = _PIN_READ if self.needs_pin else _FREE_READ
        return tlv(
            0x62,
            tlv(0x80, length.to_bytes(2)),
            tlv(0x82, b"\x01"),
            tlv(0x83, self.path[-2:]),
            tlv(0x88, bytes([self.short_identifier << 3])) if self.short_identifier else b"",
            tlv(0xA1, tlv(0x8C, rules), tlv(0x9C, rules)),
            tlv(0x8A, b"\x05"),
        )
