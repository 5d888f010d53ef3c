"""Time-based codes of an authenticator application (RFC 6238; FID-02, LIB-04): 160 bits, 30 seconds, six digits, one step to
either side. The answer is the time step, which the store accepts once and never goes back from.
"""

import base64
from dataclasses import dataclass

import pyotp

from gateway.randomness import Randomness

SECRET_OCTETS = 20
_WINDOW = 1
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Introduction:
    """What is shown once, for an application to be introduced to an account: `secret` in groups of four, to type; `address`
    for the telephone that shows the page itself; `qr_code` for another one, an SVG document."""

    secret: str
    address: str
    qr_code: str


def new_secret(randomness: Randomness) -> bytes:
    return randomness(SECRET_OCTETS)


def time_step_of(secret: bytes, code: str, now: float) -> int | None:
    """The step that `code` (as `typed_code` gives it) is of, the present one or a neighbour; None for any other."""
    if len(code) != _DIGITS or not (code.isascii() and code.isdecimal()):
        return None
    try:
        return _codes(secret).verify_and_get_timecode(code, for_time=now, valid_window=_WINDOW)
    except pyotp.OTPVerificationError:
        return None


def introduction(secret: bytes, *, username: str, service: str) -> Introduction:
    """`username` and `service` are what the application will show beside the code: nothing else identifies the person."""
    issuer = service.replace(":", " ")
    address = _codes(secret).provisioning_uri(name=username, issuer_name=issuer)
    import segno  # noqa: PLC0415 -- drawings are rare, and its tables large

    picture = segno.make(address, error="m", micro=False)
    text = _base32(secret)
    return Introduction(
        secret=" ".join(text[start : start + 4] for start in range(0, len(text), 4)),
        address=address,
        qr_code=picture.svg_inline(border=4, omitsize=True, dark="#000", light="#fff", svgclass="qr", lineclass=None),
    )


def _codes(secret: bytes) -> pyotp.TOTP:
    return pyotp.TOTP(_base32(secret), digits=_DIGITS)


def _base32(secret: bytes) -> str:
    return base64.b32encode(secret).decode("ascii").rstrip("=")
