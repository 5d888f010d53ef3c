"""Runs what was copied from a page: in a folder of its own, as a team would."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.connect.connected import Connected, stop, wait_for
from tests.connect.javascript_libraries import installed
from tests.connect.page_blocks import write_blocks
from tests.interoperability.on_openid_client import node_command


@contextlib.contextmanager
def running(
    page: str, name: str, connected: Connected, folder: Path, here: str, *, files: Mapping[str, Path] | None = None
) -> Iterator[str]:
    """The web application in the block `name`, at the place of the example's address `here`; gives that place. `files`:
    what it needs beside."""
    write_blocks(page, [name], folder, connected.places)
    for beside, source in (files or {}).items():
        (folder / beside).write_bytes(source.read_bytes())
    place = connected.places[here]
    port = place.rpartition(":")[2]
    if name.endswith(".py"):
        command = [sys.executable, "-m", "flask", "--app", name.removesuffix(".py"), "run", "--port", port]
    else:
        (folder / "node_modules").symlink_to(installed())
        command = [*node_command(), "--no-warnings", name]
    log = folder / "log"
    with log.open("wb") as kept:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, "PORT": port}, stdout=kept, stderr=subprocess.STDOUT
        )
    try:
        wait_for(place, process, log)
        yield place
    finally:
        stop(process)
