"""When two role labels are the same (ror-and-directory §6.5).

Labels carry accents, abbreviations with a dot and two pairs of parentheses. They are equal in Unicode NFC, case-sensitive,
runs of white space (no-break ones too) counting as one space. Anything closer to a guess is only reported to a person.
"""

import difflib
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

_NEAR = 0.9


@lru_cache(maxsize=4096)
def canonical_label(label: str) -> str:
    """The form in which labels are compared; what is stored and shown stays the source's own."""
    return unicodedata.normalize("NFC", " ".join(label.split()))


def near_misses(label: str, known: Iterable[str]) -> tuple[str, ...]:
    """Known labels that a person may have meant by `label`, closest first; never used to give a right."""
    wanted = _skeleton(label)
    scored = [(difflib.SequenceMatcher(None, wanted, _skeleton(other)).ratio(), other) for other in known]
    return tuple(other for score, other in sorted(scored, key=lambda item: (-item[0], item[1])) if score >= _NEAR)[:3]


def _skeleton(label: str) -> str:
    decomposed = unicodedata.normalize("NFKD", label).casefold()
    return "".join(character for character in decomposed if character.isalnum())
