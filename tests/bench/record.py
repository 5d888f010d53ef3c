"""build/bench.json: the latest figures of every campaign in one file.

A campaign replaces what it measured and leaves what others did; each part says when it was measured, and how loaded the machine
was then.
"""

import datetime
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILE = Path("build/bench.json")


def keep(figures: Mapping[str, Any], file: Path = FILE) -> None:
    """Tables of figures are merged line by line (one operation may have been measured alone), the rest is replaced."""
    try:
        kept: dict[str, Any] = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        kept = {}
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    for name, figure in _as_json(figures).items():
        before = kept.get(name)
        kept[name] = {**before, **figure} if isinstance(before, dict) and isinstance(figure, dict) else figure
    measured = kept.setdefault("measured", {})
    measured |= {name: {"at": now, "load_average": os.getloadavg()} for name in figures}
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(kept, indent=1, allow_nan=False), "utf-8")
    unfinished.replace(file)


def _as_json(figure: Any) -> Any:
    """What was not measured is null: JSON has no word for a figure that is none."""
    if isinstance(figure, Mapping):
        return {str(name): _as_json(one) for name, one in figure.items()}
    if isinstance(figure, list | tuple):
        return [_as_json(one) for one in figure]
    return None if isinstance(figure, float) and not math.isfinite(figure) else figure
