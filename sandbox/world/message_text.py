"""Cuts the text of a message into pieces: plain text, links, and codes to copy.

Only http and https links become clickable. A code is six to eight digits standing alone, possibly written 123 456;
digits inside a link, a telephone number or an RPPS number are not one.
"""

import re
from dataclasses import dataclass
from typing import Literal

_PIECE = re.compile(
    r"(?P<link>https?://[^\s<>\"]+)"
    r"|(?P<code>(?<![\w+.,-])(?:\d{6,8}|\d{3}[ \u00a0\u202f]\d{3})(?![\w-]|[.,]\d|[ \u00a0\u202f]\d))"
)
_TRAILING = ".,;:!?)»'"


@dataclass(frozen=True)
class Piece:
    kind: Literal["text", "link", "code"]
    text: str

    @property
    def digits(self) -> str:
        return re.sub(r"\D", "", self.text)


def pieces(text: str) -> list[Piece]:
    found: list[Piece] = []
    position = 0
    for match in _PIECE.finditer(text):
        piece = match.group().rstrip(_TRAILING) if match["link"] else match.group()
        if match.start() > position:
            found.append(Piece("text", text[position : match.start()]))
        found.append(Piece("link" if match["link"] else "code", piece))
        position = match.start() + len(piece)
    if position < len(text):
        found.append(Piece("text", text[position:]))
    return found


def links(text: str) -> list[str]:
    return [piece.text for piece in pieces(text) if piece.kind == "link"]


def codes(text: str) -> list[str]:
    return [piece.digits for piece in pieces(text) if piece.kind == "code"]
