"""How to tell from outside that an application let somebody in: by what its page shows after an honest login, twice, and
shows neither to a stranger nor after a refusal. Or by a text that its developers name.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urlsplit

from gateway.cli.lying_provider.browser import Page

_SILENT = {"script", "style", "template"}


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _SILENT

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.lines += re.split(r"[\n\r{},]+", data)


def features(page: Page) -> frozenset[str]:
    """Its status, its place and its lines; numbers count alike, since hours and counters move."""
    reader = _Text()
    reader.feed(page.text)
    parts = urlsplit(page.url)
    lines = (re.sub(r"\d+", "0", " ".join(line.split())) for line in reader.lines)
    place = f"{parts.scheme}://{parts.netloc}{parts.path}"
    return frozenset({f"status {page.status}", f"at {place}", *(line for line in lines if len(line) > 1)})


@dataclass(frozen=True, slots=True)
class Signs:
    """`text`: what the developers say. Otherwise at least half of what only a signed-in page shows must be there."""

    text: str | None
    learnt: frozenset[str]

    @classmethod
    def learn(cls, text: str | None, *, signed_in: Sequence[Page], others: Sequence[Page]) -> "Signs":
        common = frozenset.intersection(*map(features, signed_in))
        return cls(text, common.difference(*map(features, others)))

    @property
    def enough(self) -> bool:
        return self.text is not None or bool(self.learnt)

    def on(self, page: Page) -> bool:
        if self.text is not None:
            return page.status < 400 and self.text in page.text
        return 2 * len(self.learnt & features(page)) >= len(self.learnt)

    def in_words(self) -> str:
        return self.text or "; ".join(sorted(self.learnt)[:4])
