"""The texts of the pages, in French and in English, read once from `translations/*.yaml`.

Texts are plain (never HTML); `{name}` is a value. French punctuation gets its no-break spaces here, so that the files stay
easy to type.
"""

import datetime
import functools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from gateway.clock import PARIS

LANGUAGES = ("fr", "en")
DEFAULT = "fr"

_FOLDER = Path(__file__).parent / "translations"
_BEFORE = re.compile(r" (?=[:;?!»])")
_UNIT = re.compile(r"(?<=[0-9}]) (?=(?:jours?|heures?|minutes?|secondes?|caractères|ans|mois)\b)")


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, branch in tree.items():
        if not isinstance(name, str):
            raise TypeError(f"{prefix}{name}: YAML reads this name as something else; choose another")
        if isinstance(branch, Mapping):
            texts |= _flat(branch, f"{prefix}{name}.")
        else:
            texts[f"{prefix}{name}"] = str(branch).strip()
    return texts


def french_spaces(text: str) -> str:
    """No line ends before a mark that a space goes before, inside guillemets, nor between a number and what it counts."""
    return _UNIT.sub("\u00a0", _BEFORE.sub("\u00a0", text)).replace("« ", "«\u00a0")


@functools.cache
def _read(file: Path, language: str) -> Mapping[str, str]:
    texts = _flat(yaml.load(file.read_text("utf-8"), Loader=yaml.CSafeLoader))
    return {key: french_spaces(text) for key, text in texts.items()} if language == "fr" else texts


class Translations:
    def __init__(self, folder: Path = _FOLDER) -> None:
        self.texts = {language: _read(folder / f"{language}.yaml", language) for language in LANGUAGES}

    def has(self, key: str) -> bool:
        return key in self.texts[DEFAULT]

    def say(self, language: str, key: str, **values: object) -> str:
        """Raises KeyError for an unknown text: a page never shows a key."""
        return self.texts[language][key].format(**values)

    def duration(self, language: str, seconds: float) -> str:
        """A wait, rounded up: seconds below two minutes, then minutes."""
        whole = max(1, -int(-seconds // 1))
        if whole < 120:
            return self.say(language, "time.second" if whole == 1 else "time.seconds", count=whole)
        return self.say(language, "time.minutes", count=-(-whole // 60))

    def moment(self, language: str, at: float) -> str:
        """An instant on the clocks of Paris."""
        when = datetime.datetime.fromtimestamp(at, PARIS)
        month = self.say(language, f"time.months.m{when.month}")
        return self.say(language, "time.moment", day=when.day, month=month, year=when.year, clock=clock(at))


def clock(at: float) -> str:
    """The hour and the minute on the clocks of Paris."""
    return f"{datetime.datetime.fromtimestamp(at, PARIS):%H:%M}"


def language_of(asked: Sequence[str]) -> str | None:
    """The first of these language tags (RFC 5646) that we speak."""
    for tag in asked:
        primary = tag.strip().lower().partition("-")[0]
        if primary in LANGUAGES:
            return primary
    return None


def accepted(header: str) -> list[str]:
    """The tags of an `Accept-Language` header, preferred first; nonsense is dropped (RFC 9110 §12.5.4)."""
    weighted: list[tuple[float, str]] = []
    for part in header[:500].split(","):
        tag, _, parameter = part.strip().partition(";")
        name, _, value = parameter.strip().partition("=")
        weight = 1.0
        if name.strip() == "q":
            if not re.fullmatch(r"[01](\.\d{0,3})?", value.strip()):
                continue
            weight = float(value)
        if tag and weight > 0:
            weighted.append((weight, tag))
    return [tag for _, tag in sorted(weighted, key=lambda pair: -pair[0])]
