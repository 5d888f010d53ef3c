"""Our own stylesheet, scripts and drawings: read once, named after their content, so that a browser may keep them for a
year and still never shows an old one. Nothing is ever fetched from another site (DECISIONS 18)."""

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

PREFIX = "/assets/"
_FOLDER = Path(__file__).parent / "static"


@dataclass(frozen=True, slots=True)
class Asset:
    content: bytes
    media_type: str


class Assets:
    def __init__(self, folder: Path = _FOLDER) -> None:
        self._address: dict[str, str] = {}
        self._asset: dict[str, Asset] = {}
        for file in sorted(folder.iterdir()):
            content = file.read_bytes()
            hashed = f"{file.stem}.{hashlib.sha256(content).hexdigest()[:16]}{file.suffix}"
            media_type = mimetypes.types_map.get(file.suffix, "application/octet-stream")
            if media_type.startswith("text/"):
                media_type += "; charset=utf-8"
            self._address[file.name] = PREFIX + hashed
            self._asset[hashed] = Asset(content, media_type)

    def address(self, name: str) -> str:
        """Raises KeyError for a file that does not exist: a page never has a broken picture."""
        return self._address[name]

    def find(self, hashed: str) -> Asset | None:
        return self._asset.get(hashed)
