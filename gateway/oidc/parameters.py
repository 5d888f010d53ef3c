"""Reads form-encoded parameters once, strictly (RFC 6749 §3.1, §3.2).

No parameter twice, even empty, even unknown to us, but those that their specification lets come several times; a parameter
without a value is as if it were not there; bytes that are not UTF-8 are refused rather than replaced, so that `state` can only
come back as it was sent.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, overload
from urllib.parse import parse_qsl

Other = TypeVar("Other")
MAX_PARAMETERS = 64
RESOURCE = frozenset({"resource"})
"""May come several times wherever a resource is asked for (RFC 8707 §2)."""
_REPEATED_NONE: frozenset[str] = frozenset()


class MalformedParameters(ValueError):  # noqa: N818 -- a refusal of the request
    """Not form-encoded UTF-8, or too many parameters."""


class UnverifiedParameters(Mapping[str, str]):
    """The parameters that came once, with a value. `repeated` holds the names that came more often; `pairs` everything, as
    it came."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self.pairs = tuple(pairs)
        names = [name for name, _ in pairs]
        self.repeated = _REPEATED_NONE if len(set(names)) == len(names) else _repeated(names)
        self._values = {name: value for name, value in pairs if value != "" and name not in self.repeated}

    def every(self, name: str) -> list[str]:
        """The values of a parameter that may come several times, in order, without the empty ones."""
        return [value for each, value in self.pairs if each == name and value]

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    @overload
    def get(self, name: str, /) -> str | None: ...
    @overload
    def get(self, name: str, /, default: str) -> str: ...
    @overload
    def get(self, name: str, /, default: Other) -> str | Other: ...
    def get(self, name: str, /, default: Any = None) -> Any:
        """As `Mapping` has it, without its exception for what is absent."""
        return self._values.get(name, default)


def _repeated(names: list[str]) -> frozenset[str]:
    """In one pass: a signed request may hold thousands of `resource`."""
    return frozenset(name for name, times in Counter(names).items() if times > 1)


def read_parameters(raw: bytes) -> UnverifiedParameters:
    """`raw` is a query string or a form body."""
    try:
        text = raw.decode("ascii")
        if "%" not in text and "+" not in text:
            return UnverifiedParameters(_as_they_stand(text))
        pairs = parse_qsl(
            text,
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except ValueError as error:
        raise MalformedParameters from error
    return UnverifiedParameters(pairs)


def _as_they_stand(text: str) -> list[tuple[str, str]]:
    """What `parse_qsl` gives where nothing is encoded."""
    items = text.split("&") if text else []
    if len(items) > MAX_PARAMETERS:
        raise ValueError("too many parameters")
    return [(name, value) for name, _, value in [item.partition("=") for item in items if item]]
