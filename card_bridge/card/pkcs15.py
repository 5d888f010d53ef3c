"""The PKCS#15 directories of the card: where keys and certificates are, never assumed (cps-card.md §1.2, §1.3, §1.8).

Chooses the authentication key and its certificate by label and by key identifier; the signature key is never looked at.
None, or two, is no card that can be used here.
"""

from dataclasses import dataclass

from card_bridge.card.ber import all_of, first
from card_bridge.refusals import BridgeRefusal, Code

CONTACT_APPLICATION = bytes.fromhex("3F000001")
CONTACT_AID = bytes.fromhex("E828BD080F8025000001FF0010")
KEY_LABEL = "CPS_PRIV_AUT"
CERTIFICATE_LABEL = "Certificat d'Authentification CPS"

_SEQUENCE, _OCTETS, _INTEGER, _UTF8, _ENUMERATED, _BITS = 0x30, 0x04, 0x02, 0x0C, 0x0A, 0x03
_PRIVATE_KEYS, _CERTIFICATES, _AUTHENTICATION = 0xA0, 0xA4, 0xA8


@dataclass(frozen=True)
class Directories:
    private_keys: bytes
    certificates: bytes
    authentication: bytes | None


@dataclass(frozen=True)
class CodePolicy:
    """How the code porteur is sent: four digits, and padding only when the card says so."""

    stored_length: int = 4
    padding: int | None = None


def application_path(directory: bytes) -> bytes | None:
    """EF.DIR: the path of the contact application."""
    for entry in all_of(directory, 0x61):
        if first(entry, 0x4F) == CONTACT_AID:
            return first(entry, 0x51)
    return None


def directories(odf: bytes) -> Directories:
    keys, certificates, codes = (_indirect_path(odf, tag) for tag in (_PRIVATE_KEYS, _CERTIFICATES, _AUTHENTICATION))
    if keys is None or certificates is None:
        raise BridgeRefusal(Code.CERTIFICATE_UNSUPPORTED, "no directory of keys or certificates")
    return Directories(keys, certificates, codes)


def token_label(token_info: bytes) -> str:
    """For example `CPS3v3-2900995235`; printable characters only, since it is shown."""
    label = first(token_info, _SEQUENCE, 0x80) or b""
    return shown(label.decode("utf-8", "replace"))


def shown(text: str) -> str:
    """What a card says, as a window may show it: no control or direction character, at most 64."""
    return "".join(letter for letter in text if letter.isprintable())[:64]


def authentication_key(private_keys: bytes) -> tuple[bytes, int]:
    """Identifier and reference of the one authentication key."""
    found = [entry for entry in all_of(private_keys, _SEQUENCE) if _label(entry) == KEY_LABEL]
    if len(found) != 1:
        raise BridgeRefusal(Code.CERTIFICATE_UNSUPPORTED, f"{len(found)} authentication keys")
    attributes = _second_sequence(found[0])
    identifier, reference = first(attributes, _OCTETS), first(attributes, _INTEGER)
    number = int.from_bytes(reference or b"", "big")
    if not identifier or not 0 < number <= 0xFF:
        raise BridgeRefusal(Code.CARD_UNSUPPORTED, "key reference")
    return identifier, number


def authentication_certificate_path(certificates: bytes, key_identifier: bytes) -> bytes:
    paths = []
    for entry in all_of(certificates, _SEQUENCE):
        if _label(entry) == CERTIFICATE_LABEL and first(_second_sequence(entry), _OCTETS) == key_identifier:
            paths.append(_path(first(entry, 0xA1, _SEQUENCE, _SEQUENCE, _OCTETS)))
    if len(paths) != 1 or paths[0] is None:
        raise BridgeRefusal(Code.CERTIFICATE_UNSUPPORTED, f"{len(paths)} authentication certificates")
    return paths[0]


def code_policy(codes: bytes) -> CodePolicy:
    """From the AODF; what it does not say stays four digits without padding. A card that wants another length is refused."""
    attributes = first(codes, _SEQUENCE, 0xA1, _SEQUENCE)
    if attributes is None:
        return CodePolicy()
    lengths = [int.from_bytes(value, "big") for value in all_of(attributes, _INTEGER)]
    if len(lengths) < 2:
        return CodePolicy()
    minimum, stored, maximum = lengths[0], lengths[1], (lengths[2] if len(lengths) > 2 else lengths[1])
    flags, padding = first(attributes, _BITS) or b"", first(attributes, _OCTETS)
    if not minimum <= 4 <= maximum or not 4 <= stored <= 16:
        raise BridgeRefusal(Code.CARD_UNSUPPORTED, "length of the code")
    needs_padding = len(flags) > 1 and bool(flags[1] & 0x04)
    return CodePolicy(stored, padding[0] if needs_padding and padding and len(padding) == 1 else None)


def _label(entry: bytes) -> str:
    return (first(entry, _SEQUENCE, _UTF8) or b"").decode("utf-8", "replace")


def _second_sequence(entry: bytes) -> bytes:
    sequences = all_of(entry, _SEQUENCE)
    return sequences[1] if len(sequences) > 1 else b""


def _indirect_path(odf: bytes, tag: int) -> bytes | None:
    return _path(first(odf, tag, _SEQUENCE, _OCTETS))


def _path(path: bytes | None) -> bytes | None:
    """Absolute from the MF; a lone file identifier is a file of the application."""
    if path is None or len(path) not in (2, 4, 6, 8):
        return None
    return path if path.startswith(b"\x3f\x00") else CONTACT_APPLICATION + path if len(path) == 2 else None
