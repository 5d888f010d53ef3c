"""The Lua scripts, one per operation, kept beside this module; each is sent by its digest once the server knows it."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import orjson

from gateway.journal.effects import Effects
from gateway.journal.serialise import event_to_json, outgoing_to_json
from gateway.randomness import Randomness, opaque

_TAG_OCTETS = 12


@dataclass(frozen=True, slots=True)
class Script:
    source: str
    sha1: str


@cache
def script(name: str) -> Script:
    """The script `lua/<name>.lua` behind its prelude. Redis names scripts by SHA-1; nothing rests on its strength."""
    folder = files(__package__).joinpath("lua")
    source = "\n".join(folder.joinpath(f"{part}.lua").read_text("utf-8") for part in ("_prelude", name))
    return Script(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())


Word = str | bytes | int | float


def words(values: tuple[Word, ...]) -> tuple[str | bytes, ...]:
    """Arguments as text: `repr` gives an instant back exactly."""
    return tuple([repr(value) if isinstance(value, (int, float)) else value for value in values])


class EffectsPacker:
    """Effects as the one argument that the prelude's `append` takes. The tags make each line's identifier unique among
    all stores, even after Redis has lost its memory."""

    def __init__(self, randomness: Randomness) -> None:
        self._randomness = randomness

    def __call__(self, effects: Effects) -> bytes:
        if not effects.events and not effects.outgoing:
            return b""
        return orjson.dumps(
            [
                [[self._tag(), event_to_json(event).decode()] for event in effects.events],
                [[self._tag(), outgoing_to_json(item).decode()] for item in effects.outgoing],
            ]
        )

    def _tag(self) -> str:
        return opaque(self._randomness, _TAG_OCTETS)


def key(partition: int, kind: str, name: str = "") -> str:
    """`{p3}:session:<digest>`: the braces make one Cluster slot of a partition."""
    return f"{{p{partition:x}}}:{kind}:{name}" if name else f"{{p{partition:x}}}:{kind}"
