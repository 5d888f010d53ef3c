"""The administrators' command line, one file per noun (DECISIONS 22).

For people by default, `--json` for scripts. An error is a sentence with a way out; no secret is ever an argument, and none is
printed but to a terminal that asks for it or to a file that only its owner may read (CLI-01, CLI-06).
"""

import gc
import io
import logging
import os
import sys


def main() -> None:
    """The `passerelle` command."""
    # What is loaded stays: looking through it for garbage again and again is a tenth of the start.
    gc.set_threshold(50_000, 20, 20)
    # The library that reads our files would look through every installed distribution for plug-ins to run; it has none here.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from gateway.cli.command_line import passerelle  # noqa: PLC0415 -- as said above
    from gateway.cli.output import run  # noqa: PLC0415

    # A library's own complaint would hold what an exception holds; `serve` and `jobs` set up their log themselves.
    logging.lastResort = logging.NullHandler()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a poor terminal gets question marks, not a failure
    sys.exit(run(passerelle))
