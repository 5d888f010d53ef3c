"""A journal line said more fully: `dataclasses.replace` for events, cheaper, for what happens with each token."""

from dataclasses import fields
from operator import attrgetter
from typing import Any

from gateway.journal.events import Event

_NAMES = tuple(field.name for field in fields(Event))
_ALL = attrgetter(*_NAMES)


def completed(event: Event, **said: Any) -> Event:
    """The same line, saying this instead; judged like any other."""
    return Event(**dict(zip(_NAMES, _ALL(event), strict=True)) | said)
