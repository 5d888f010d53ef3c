"""Which driver a card gets, from its ATR under a mask (cps-card.md §1.1, BR-01); the driver then confirms by a SELECT.

The version bytes of a CPS3 are masked because they may move. Contactless CPS3 signs without any code: one factor, refused
here whatever its driver could do (BRG-14). CPS4 has no driver yet. Nothing is ever sent to an unknown card.
"""

from enum import StrEnum


class Family(StrEnum):
    CPS3 = "cps3"
    CPS3_CONTACTLESS = "cps3-contactless"
    CPS4 = "cps4"


_CPS4 = frozenset(
    bytes.fromhex(atr)
    for atr in (
        "3B9B188001 001225006480 04010000 9044",
        "3B9B188001 001225006480 00040100 9044",
        "3BDC18FF00 001225006480 00040100 9000",
    )
)
"""Compared whole, and first: the last one would pass for a CPS3 under its mask."""
_ATRS: tuple[tuple[Family, bytes, bytes], ...] = (
    (
        Family.CPS3,
        bytes.fromhex("3BAC00402A00 122500 6480 000310 009000"),
        bytes.fromhex("FF00000000FF FFFFFF FFFF 000000 FFFFFF"),
    ),
    (
        Family.CPS3_CONTACTLESS,
        bytes.fromhex("3B8F8001 0031B86404B0ECC17394 01 80 82 90000E"),
        bytes.fromhex("FFFFFFFFFFFFFFFF 0000 FFC0 FFFFFFFFFFFFFFFF"),
    ),
)


def family_of(atr: bytes) -> Family | None:
    if atr in _CPS4:
        return Family.CPS4
    for family, model, mask in _ATRS:
        if len(atr) == len(model) and all((a ^ m) & k == 0 for a, m, k in zip(atr, model, mask, strict=True)):
            return family
    return None


def is_accepted(atr: bytes) -> bool:
    """Whether a driver may be tried on this card."""
    return family_of(atr) is Family.CPS3
