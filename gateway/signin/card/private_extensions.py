"""The private extensions of card certificates, each in the one encoding that it really has (§2.4, SV-08).

OCTET STRING for the category, INTEGER for type and profession, PrintableString for the card's number, UTF8String for the UPN.
DER to the letter: a length that does not fit, a longer writing of the same number or a byte too many is a ValueError.
"""

CATEGORY = "1.2.250.1.71.1.2.5"
CARD_TYPE = "1.2.250.1.71.1.2.2"
CARD_NUMBER = "1.2.250.1.71.1.2.3"
PROFESSION = "1.2.250.1.71.1.2.7"
UPN = "1.3.6.1.4.1.311.20.2.3"

_INTEGER, _OCTET_STRING, _UTF8_STRING, _PRINTABLE_STRING = 0x02, 0x04, 0x0C, 0x13


def one_octet(der: bytes) -> int:
    (octet,) = _value(_OCTET_STRING, der)
    return octet


def small_number(der: bytes) -> int:
    """From 0 to 32767."""
    octets = _value(_INTEGER, der)
    number = int.from_bytes(octets, signed=True)
    if not 1 <= len(octets) <= 2 or number < 0 or (len(octets) == 2 and number < 0x80):
        raise ValueError("a number of another shape")
    return number


def printable(der: bytes) -> str:
    return _value(_PRINTABLE_STRING, der).decode("ascii")


def text(der: bytes) -> str:
    return _value(_UTF8_STRING, der).decode("utf-8")


def _value(tag: int, der: bytes) -> bytes:
    if len(der) < 2 or der[0] != tag or der[1] != len(der) - 2 or der[1] > 0x7F:
        raise ValueError("another type or length")
    return der[2:]
