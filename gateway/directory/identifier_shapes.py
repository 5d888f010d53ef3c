"""The shapes of identifiers in files (ror-and-directory §2.6): length and alphabet, not check digits.

A source is not a keyboard: Luhn is enforced on what people type, never on what a directory says (DECISIONS 13); some real
identifiers have letters (Corse) or no check digit that is documented.
"""

import re

SHAPES = {
    "rpps": (re.compile(r"[0-9]{11}"), "11 digits"),
    "idnat": (re.compile(r"[0-9A-Za-z/.@_-]{2,100}"), "a type prefix and an identifier"),
    "email": (re.compile(r"[^\s@]{1,64}@[^\s@]{1,190}"), "an address"),
    "login": (re.compile(r"\S{1,100}"), "a user name without spaces"),
    "finess": (re.compile(r"[0-9A-Za-z]{9}"), "9 letters or digits"),
    "finess_ej": (re.compile(r"[0-9A-Za-z]{9}"), "9 letters or digits"),
    "siret": (re.compile(r"[0-9]{14}"), "14 digits"),
    "local_id": (re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,39}"), "letters, digits and hyphens, 40 at most"),
    "idnat_struct": (re.compile(r"[0-9A-Za-z]{2,50}"), "a type prefix and an identifier"),
}


def wrong_shape(kind: str, value: str) -> str | None:
    """What a value of this kind must look like, when `value` does not; None when it does."""
    shape, description = SHAPES[kind]
    return None if shape.fullmatch(value) else description
