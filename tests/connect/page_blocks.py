"""The code blocks of the pages in docs/connect, by page and file name: ```python app.py … ```; commands stand under ```sh."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.running_demo import ROOT

PAGES = ROOT / "docs" / "connect"
_BLOCK = re.compile(r"^```(\w*)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> Iterator[tuple[str, str]]:
    """File name, or `sh`, and text."""
    for found in _BLOCK.finditer((PAGES / page).read_text("utf-8")):
        yield found[2] or found[1], found[3]


def block(page: str, name: str) -> str:
    (text,) = [text for found, text in blocks(page) if found == name]
    return text


def commands(page: str) -> list[list[str]]:
    """The arguments of each `./run passerelle …` of the page."""
    lines = [line for name, text in blocks(page) if name == "sh" for line in text.splitlines()]
    return [line.split()[2:] for line in lines if line.startswith("./run passerelle ")]


def write_blocks(page: str, names: list[str], folder: Path, places: dict[str, str]) -> None:
    """As a team would copy them, with its own addresses in the place of the example's."""
    for name in names:
        text = block(page, name)
        for example, own in places.items():
            text = text.replace(example, own)
        (folder / name).write_text(text, "utf-8")
