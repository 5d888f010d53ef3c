"""What a CPS3 says of its objects: EF.SN, EF.DIR, ODF, TokenInfo, AODF, PrKDF, CDF, certificates (card dossier §1.2–1.4, §5.5).

File numbers below the application are ours and a `Layout` moves them: who reads must follow the directory. Labels, key
references and identifiers are the dossier's. The signature key is listed, as on real cards, so that nobody picks it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sandbox.card.card_files import MF, Directory, ElementaryFile
from sandbox.card.holder_certificate import CARD_ISSUER, CardCertificate
from sandbox.card.tlv import tlv, unsigned_integer

CONTACT_AID = bytes.fromhex("E828BD080F8025000001FF0010")
ROOT_AID = bytes.fromhex("8025000001FF0100")
APPLICATION = MF + bytes.fromhex("0001")
AUTHENTICATION_KEY, SIGNATURE_KEY = 0x82, 0x81
_PIN_IDENTIFIER = tlv(0x04, b"\x01")


@dataclass(frozen=True)
class Layout:
    """File identifiers under the application."""

    pins: int = 0x7001
    keys: int = 0x7002
    certificates: int = 0x7004
    data: int = 0x7005
    first_certificate: int = 0xB001


@dataclass(frozen=True)
class KeySlot:
    """A key of the card with its certificate, and how the directories speak of both."""

    certificate: CardCertificate
    reference: int
    identifier: bytes
    key_label: str
    certificate_label: str
    key_usage: bytes
    """PKCS#15 usage flags: the count of unused bits, then the bits."""
    long_reference: bool = True
    """The key reference as an INTEGER of two bytes, 00 first."""
    certificate_identifier: bytes | None = None
    """When the certificate claims to belong to another key."""

    @classmethod
    def of(cls, certificate: CardCertificate) -> "KeySlot":
        if certificate.usage == "signature":
            return cls(
                certificate,
                SIGNATURE_KEY,
                CONTACT_AID + b"\x01",
                "CPS_PRIV_SIG",
                "Certificat de Signature CPS",
                bytes.fromhex("060040"),
            )
        return cls(
            certificate,
            AUTHENTICATION_KEY,
            CONTACT_AID + b"\x02",
            "CPS_PRIV_AUT",
            "Certificat d'Authentification CPS",
            bytes.fromhex("0560"),
        )


def key_slots(certificates: Sequence[CardCertificate | KeySlot]) -> list[KeySlot]:
    """One slot each; a second certificate of the same kind gets the next free reference and identifier."""
    slots: list[KeySlot] = []
    for given in certificates:
        if isinstance(given, KeySlot):
            slots.append(given)
            continue
        slot = KeySlot.of(given)
        while slot.reference in {known.reference for known in slots}:
            number = slot.reference + 2
            slot = replace(slot, reference=number, identifier=slot.identifier[:-1] + bytes([number - 0x80]))
        slots.append(slot)
    return slots


def serial_number_file(card_number: str) -> bytes:
    """EF.SN.ICC: issuer, the last eight digits of the card number, Luhn digit, filler."""
    digits = CARD_ISSUER + card_number[-8:]
    return tlv(0x5A, bytes.fromhex(f"{digits}{luhn_digit(digits)}F"))


def luhn_digit(digits: str) -> int:
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits))]
    return -sum(value - 9 if value > 9 else value for value in doubled) % 10


def files(
    slots: Sequence[KeySlot], card_number: str, layout: Layout, extra: Mapping[bytes, bytes]
) -> dict[bytes, ElementaryFile | Directory]:
    """Everything on the card, by whole path."""
    certificates = {
        _under(layout.first_certificate + number): slot.certificate.der for number, slot in enumerate(slots)
    }
    contents = {
        _root(0x2F00): tlv(
            0x61, tlv(0x4F, CONTACT_AID), tlv(0x50, b"ASIP CPS"), tlv(0x51, APPLICATION)
        ),
        _root(0x2F01): _answer_to_reset_file(),
        _under(0x5031): _object_directory(layout),
        _under(0x5032): tlv(
            0x30,
            tlv(0x02, b"\x00"),
            tlv(0x0C, b"ASIP-SANTE"),
            tlv(0x80, token_label(card_number).encode("ascii")),
            tlv(0x03, b"\x06\x40"),
        ),
        _under(layout.pins): _pin_directory(),
        _under(layout.keys): b"".join(_private_key(slot) for slot in slots),
        _under(layout.certificates): b"".join(
            _certificate(slot, path) for slot, path in zip(slots, certificates, strict=True)
        ),
        _under(layout.data): _data_directory(),
        _under(0xD001): b"\x00" * 32,
        **certificates,
        **extra,
    }  # fmt: skip
    tree: dict[bytes, ElementaryFile | Directory] = {
        MF: Directory(MF, ROOT_AID),
        APPLICATION: Directory(APPLICATION, CONTACT_AID),
        _root(0xD003): ElementaryFile(_root(0xD003), serial_number_file(card_number), short_identifier=0x1C),
        _under(0xD120): ElementaryFile(_under(0xD120), b"\x00" * 16, needs_pin=True),
    }
    tree |= {path: ElementaryFile(path, content) for path, content in contents.items()}
    return tree


def token_label(card_number: str) -> str:
    return f"CPS3v3-{card_number}"


def _root(identifier: int) -> bytes:
    return MF + identifier.to_bytes(2)


def _under(identifier: int) -> bytes:
    return APPLICATION + identifier.to_bytes(2)


def _path(path: bytes) -> bytes:
    return tlv(0x30, tlv(0x04, path))


def _answer_to_reset_file() -> bytes:
    sizes = b"".join(unsigned_integer(size, width=2) for size in (0x104, 0x104, 0x100, 0x100))
    return b"\x80" + b"".join(
        [
            tlv(0x43, b"\xb8"),
            tlv(0x46, bytes.fromhex("04B0ECC1")),
            tlv(0x47, bytes.fromhex("940180")),
            tlv(0x4F, ROOT_AID),
            tlv(0xE0, sizes),
            tlv(0x78, tlv(0x06, bytes.fromhex("2B8122F87802"))),
            tlv(0x82, b"\x90\x00"),
        ]
    )


def _object_directory(layout: Layout) -> bytes:
    return b"".join(
        tlv(tag, _path(_under(identifier)))
        for tag, identifier in (
            (0xA8, layout.pins),
            (0xA0, layout.keys),
            (0xA4, layout.certificates),
            (0xA7, layout.data),
        )
    )


def _pin_directory() -> bytes:
    """Code porteur: minimum, stored and maximum length 4, reference 01, pad FF."""
    attributes = tlv(
        0x30,
        tlv(0x03, b"\x03\x88"),
        tlv(0x0A, b"\x01"),
        *(tlv(0x02, b"\x04"),) * 3,
        tlv(0x80, b"\x01"),
        tlv(0x04, b"\xff"),
    )
    return tlv(
        0x30,
        tlv(0x30, tlv(0x0C, b"Code Porteur"), tlv(0x03, b"\x06\xc0")),
        tlv(0x30, _PIN_IDENTIFIER),
        tlv(0xA1, attributes),
    )


def _private_key(slot: KeySlot) -> bytes:
    return tlv(
        0x30,
        tlv(0x30, tlv(0x0C, slot.key_label.encode()), tlv(0x03, b"\x06\xc0"), _PIN_IDENTIFIER),
        tlv(
            0x30,
            tlv(0x04, slot.identifier),
            tlv(0x03, slot.key_usage),
            tlv(0x03, b"\x04\xb0"),
            unsigned_integer(slot.reference, width=2 if slot.long_reference else 1),
        ),
        tlv(0xA1, tlv(0x30, tlv(0x30, tlv(0x04)), unsigned_integer(slot.certificate.private_key.key_size, width=2))),
    )


def _certificate(slot: KeySlot, path: bytes) -> bytes:
    return tlv(
        0x30,
        tlv(0x30, tlv(0x0C, slot.certificate_label.encode()), tlv(0x03, b"\x06\x40")),
        tlv(0x30, tlv(0x04, slot.certificate_identifier or slot.identifier)),
        tlv(0xA1, tlv(0x30, _path(path))),
    )


def _data_directory() -> bytes:
    return tlv(
        0x30,
        tlv(0x30, tlv(0x0C, b"CPS_DATA"), tlv(0x03, b"\x06\x40")),
        tlv(0x30, tlv(0x0C, b"CPS")),
        tlv(0xA1, _path(_under(0xD001))),
    )
