"""What a recovery code is: 15 characters out of 22 that nobody takes for one another, 66 bits (FID-12). Kept as a keyed hash
for its account: a code is shown once, and nobody can read it back.
"""

import unicodedata

from gateway.keys.purposes import Purpose, PurposeKey
from gateway.randomness import Randomness

ALPHABET = "23456789CDFHJKMNPRTWXY"
"""Without vowels, which make words, and without 0 O Q, 1 I L, B G S U V Z."""
LENGTH = 15
HOW_MANY = 10
_GROUP = 5
_FAIR_BYTES = 256 - 256 % len(ALPHABET)
_LONGEST_TYPED = 64


def new_code(randomness: Randomness, length: int = LENGTH) -> str:
    """Every code is equally likely."""
    code = ""
    while len(code) < length:
        code += "".join(ALPHABET[octet % len(ALPHABET)] for octet in randomness(length) if octet < _FAIR_BYTES)
    return code[:length]


def in_groups(code: str, group: int = _GROUP) -> str:
    """As it is shown."""
    return "-".join(code[start : start + group] for start in range(0, len(code), group))


def typed_recovery_code(typed: str) -> str:
    """What a person typed, in any case and width, with or without what stands between the groups."""
    folded = unicodedata.normalize("NFKC", typed[:_LONGEST_TYPED]).upper()
    return "".join(character for character in folded if character.isalnum())


def recovery_digest(key: PurposeKey, account_id: str, code: str) -> bytes:
    """What the store finds a code by."""
    return key.mac(Purpose.RECOVERY_CODE, account_id.encode(), code.encode("utf-8", "surrogatepass"))
