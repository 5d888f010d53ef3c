"""Whether the name on a card or from Pro Santé Connect is the name on an account (LNK-07).

Accents, case, hyphens, apostrophes, ligatures and particles do not count. A birth name or a usage name may stand alone or
beside the other, and one first name of several may stand for them all. Anything less alike, initials and misspellings
included, is for a person to judge: no link.
"""

import unicodedata
from dataclasses import dataclass

MATCHING_SCORE = 80

_LETTERS = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
_PARTICLES = frozenset(
    {
        "d", "da", "de", "del", "della", "den", "der", "des", "di", "do", "dos", "du", "el", "l", "la", "le", "les", "van",
        "von", "y", "zu",
    }
)  # fmt: skip
_WORDS_OF_STATE = frozenset({"ep", "epouse", "epoux", "nee", "ne", "veuve", "vve", "usage"})


@dataclass(frozen=True, slots=True)
class NameComparison:
    """`score` from 0 (nothing in common) to 100 (the same name)."""

    score: int

    @property
    def alike(self) -> bool:
        return self.score >= MATCHING_SCORE


def compare_names(*, asserted_family: str, asserted_given: str, family: str, given: str) -> NameComparison:
    """The lesser of the likeness of the family names and of the first names."""
    return NameComparison(min(_likeness(asserted_family, family), _likeness(asserted_given, given)))


def name_words(name: str) -> tuple[str, ...]:
    """The words of a name in one spelling, particles and words of civil state aside (unless nothing else is left)."""
    bare = "".join(
        character
        for character in unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
        if not unicodedata.combining(character)
    ).translate(_LETTERS)
    words = tuple("".join(character if character.isalnum() else " " for character in bare).split())
    words = tuple(word for word in words if word not in _WORDS_OF_STATE) or words
    return tuple(word for word in words if word not in _PARTICLES) or words


def _likeness(one: str, other: str) -> int:
    mine, theirs = name_words(one), name_words(other)
    if not mine or not theirs:
        return 0
    if _joined(one) == _joined(other) or "".join(mine) == "".join(theirs):
        return 100
    if set(mine) == set(theirs):
        return 95
    fewer, more = sorted((set(mine), set(theirs)), key=len)
    if fewer <= more and max(map(len, fewer)) > 1:
        return 85
    shared = len(fewer & more)
    return 60 * shared // len(more)


def _joined(name: str) -> str:
    """Every letter in one spelling: LEGOFF and Le Goff."""
    bare = unicodedata.normalize("NFKD", name.casefold()).translate(_LETTERS)
    return "".join(character for character in bare if character.isalnum())
