"""The demo's people, as a YAML list of {name, username, rpps, password, why}; read again at each page.

They are fictitious and their passwords are public: that is why the sandbox stays on loopback. A file that does not
exist yet is an empty table; one that is not such a list is refused.
"""

from dataclasses import dataclass
from pathlib import Path

import yaml


class UnreadablePeople(ValueError):  # noqa: N818 -- a refusal, told in a sentence
    """The people file is not a list of people."""


@dataclass(frozen=True)
class Person:
    name: str
    username: str
    rpps: str
    password: str
    why: str


class PeopleFile:
    def __init__(self, path: Path | None) -> None:
        self._path = path

    def read(self) -> list[Person]:
        if self._path is None or not self._path.exists():
            return []
        try:
            # Every scalar as text: an RPPS number is not a quantity.
            entries = yaml.load(self._path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
        except (OSError, ValueError, yaml.YAMLError) as failure:
            raise UnreadablePeople(f"the people file {self._path} cannot be read") from failure
        if not isinstance(entries, list):
            raise UnreadablePeople(f"the people file {self._path} is not a list")
        return [self._person(entry) for entry in entries]

    def _person(self, entry: object) -> Person:
        if not isinstance(entry, dict) or not entry.get("name") or not entry.get("username"):
            raise UnreadablePeople(f"the people file {self._path} has an entry without name or username")
        known = {field: entry.get(field, "") for field in ("name", "username", "rpps", "password", "why")}
        if not all(isinstance(value, str) for value in known.values()):
            raise UnreadablePeople(f"the people file {self._path} has an entry that is not plain text")
        return Person(**{field: "" if value in ("null", "~") else value for field, value in known.items()})
