"""The people whom this Pro Santé Connect knows, read from YAML at start, and found by what they type.

Refuses a file that is not such a list, two people of one key or number, and any RPPS outside the ranges of tests (997…
and 999…): a real person never enters the sandbox (dossier S23, in the ranges this project uses).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

TEST_RPPS = ("8997", "8999")
Means = Literal["ecps", "card"]
PERSONAS_FILE = Path(__file__).resolve().parents[1] / "data" / "psc_personas.yaml"


class UnreadablePersonas(ValueError):  # noqa: N818 -- a refusal, told in a sentence
    """The personas file is not a list of fictitious people."""


@dataclass(frozen=True)
class Persona:
    """`national_id` is SubjectNameID; `exercices` None means no SubjectRefPro at all."""

    key: str
    why: str
    national_id: str
    given_name: str
    family_name: str
    means: tuple[str, ...]
    civility: str = ""
    other_ids: list[dict[str, Any]] = field(default_factory=list)
    exercices: list[dict[str, Any]] | None = None

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}".title()

    @property
    def typed_id(self) -> str:
        """What the person types: the bare RPPS for who has one, else the whole identifier."""
        return self.national_id[1:] if self.national_id.startswith("8") else self.national_id


class Personas:
    def __init__(self, people: list[Persona]) -> None:
        self.everyone = people

    @classmethod
    def read(cls, path: Path) -> "Personas":
        try:
            entries = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as failure:
            raise UnreadablePersonas(f"the personas file {path} cannot be read") from failure
        if not isinstance(entries, list):
            raise UnreadablePersonas(f"the personas file {path} is not a list")
        try:
            people = [Persona(**{**entry, "means": tuple(entry["means"])}) for entry in entries]
        except (TypeError, KeyError, AttributeError) as failure:
            raise UnreadablePersonas(f"the personas file {path} has an entry that is not a persona") from failure
        for unique in ("key", "national_id"):
            if len({getattr(person, unique) for person in people}) != len(people):
                raise UnreadablePersonas(f"the personas file {path} has the same {unique} twice")
        for person in people:
            _refuse_real_numbers(person)
        return cls(people)

    def by_key(self, key: str) -> Persona:
        """KeyError when there is none."""
        return {person.key: person for person in self.everyone}[key]

    def typed(self, text: str) -> Persona | None:
        """Who the person at the keyboard says to be: spaces do not matter, nor the 8 before an RPPS."""
        wanted = "".join(text.split())
        return next((person for person in self.everyone if wanted in (person.national_id, person.typed_id)), None)

    def with_means(self, means: Means) -> list[Persona]:
        return [person for person in self.everyone if means in person.means]

    def somebody_else(self, person: Persona) -> Persona:
        """Another holder of an RPPS, the same at each call: whom the lies confuse with this person."""
        return next(
            other for other in reversed(self.everyone) if other != person and other.national_id.startswith("8999")
        )


def _refuse_real_numbers(person: Persona) -> None:
    numbers = [person.national_id, *(str(other.get("identifiant")) for other in person.other_ids)]
    for number in numbers:
        if len(number) == 12 and number.isdigit() and number[0] == "8" and not number.startswith(TEST_RPPS):
            raise UnreadablePersonas(f"{person.key} has an RPPS number outside the ranges kept for tests")
