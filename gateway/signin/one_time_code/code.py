"""A one-time code is derived, never stored (OTP-01, OTP-08).

The digits come from HMAC-SHA-256 under the one-time-code key over the challenge and the number of the sending, by rejection
sampling: every code is equally likely, leading zeros included. Whoever sends the message derives it again.
"""

import unicodedata

from gateway.keys.purposes import Purpose, PurposeKey

_FAIR_BYTES = 250
"""A byte below this bound gives each digit 25 times; the others are thrown away."""


def derive_code(key: PurposeKey, challenge_id: str, send_number: int, digits: int) -> str:
    """The code of the n-th sending of a challenge."""
    code = ""
    block = 0
    while len(code) < digits:
        octets = key.mac(
            Purpose.ONE_TIME_CODE,
            b"code",
            challenge_id.encode(),
            send_number.to_bytes(4, "big"),
            block.to_bytes(4, "big"),
        )
        code += "".join(str(octet % 10) for octet in octets if octet < _FAIR_BYTES)
        block += 1
    return code[:digits]


def code_mac(key: PurposeKey, challenge_id: str, code: str) -> bytes:
    """What the store compares, in constant time: bound to the challenge, useless for another."""
    return key.mac(Purpose.ONE_TIME_CODE, b"mac", challenge_id.encode(), code.encode("utf-8", "surrogatepass"))


def typed_code(typed: str) -> str:
    """What a person typed or pasted, without the spaces of any kind between the digits."""
    return "".join(character for character in unicodedata.normalize("NFKC", typed) if not character.isspace())
