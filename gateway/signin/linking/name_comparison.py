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


def _words(name: str) -> tuple[str, ...]:
    """The words of a name in one spelling, without words of civil state (unless nothing else is left)."""
    bare = "".join(
        character
        for character in unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
        if not unicodedata.combining(character)
    ).translate(_LETTERS)
    words = tuple("".join(character if character.isalnum() else " " for character in bare).split())
    return tuple(word for word in words if word not in _WORDS_OF_STATE) or words


def _glued(words: tuple[str, ...]) -> set[str]:
    """Written as one word, with or without its leading particles: DE LA TOUR is Delatour, Latour and Tour."""
    spellings = {"".join(words)}
    while len(words) > 1 and words[0] in _PARTICLES:
        words = words[1:]
        spellings.add("".join(words))
    return spellings


def _likeness(one: str, other: str) -> int:
    mine, theirs = _words(one), _words(other)
    if not mine or not theirs:
        return 0
    if mine == theirs:
        return 100
    if _glued(mine) & _glued(theirs):
        return 95
    fewer, more = sorted((_bare(mine), _bare(theirs)), key=len)
    if fewer <= more and max(map(len, fewer)) > 1:
        return 85
    return 60 * len(fewer & more) // len(more)


def _bare(words: tuple[str, ...]) -> set[str]:
    """Without particles, unless nothing else is left."""
    return {word for word in words if word not in _PARTICLES} or set(words)
